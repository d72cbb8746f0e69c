"""What comes before any work: the CRDs must be there, and the Lease ours."""

import asyncio
import logging
from typing import Final, Protocol

from litellm_database_operator.control.probes import Condition
from litellm_database_operator.errors import OperatorError
from litellm_database_operator.model import names

_log = logging.getLogger(__name__)
_PAUSE: Final = 3.0
_NEEDED: Final = frozenset({names.DATABASE_PLURAL, names.SERVER_PLURAL})


class Discovery(Protocol):
    """What is needed of kube.resources.Resources."""

    async def served(self) -> frozenset[str]:
        """Return the plurals of our group that the API server serves."""
        ...


async def wait_for_crds(discovery: Discovery, condition: Condition) -> None:
    """Return when both CRDs are served; until then say once what is missing, and be unready.

    kopf looks for its resources once: started before them it would watch nothing, for ever.
    """
    while (obstacle := await _obstacle(discovery)) is not None:
        if obstacle != condition.obstacle:
            _log.warning("%s", obstacle)
        condition.obstacle = obstacle
        await asyncio.sleep(_PAUSE)
    condition.obstacle = None


async def _obstacle(discovery: Discovery) -> str | None:
    try:
        missing = _NEEDED - await discovery.served()
    except OperatorError as error:
        return error.message
    if not missing:
        return None
    told = " and ".join(f"{plural}.{names.GROUP}" for plural in sorted(missing))
    return f"waiting for CustomResourceDefinitions {told}: install them with kubectl apply --server-side -k crds"
