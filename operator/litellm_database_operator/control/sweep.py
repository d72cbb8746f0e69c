"""The resync: now and then what is known is compared with a LIST, in case an event was missed.

It asks for passes over what it finds changed only; that everything is looked at again and again is health.py's.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, NoReturn

from litellm_database_operator.control.passes import Control, ResourceGateway
from litellm_database_operator.control.queue import Lane
from litellm_database_operator.errors import OperatorError
from litellm_database_operator.kube.kinds import DATABASE, SERVER, Kind
from litellm_database_operator.kube.reading import version_of
from litellm_database_operator.model.resource_key import key_of

_log = logging.getLogger(__name__)
EVERY_SECONDS: Final = 600.0


async def sweep_forever(control: Control, resources: ResourceGateway, namespaces: Sequence[str | None]) -> NoReturn:
    """Sweep every ten minutes; a namespace of None is the whole cluster."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        for kind in (SERVER, DATABASE):
            try:
                await sweep(control, resources, kind, namespaces)
            except OperatorError as error:
                _log.warning("the resync has to wait: %s", error.message)


async def sweep(control: Control, resources: ResourceGateway, kind: Kind, namespaces: Sequence[str | None]) -> None:
    """Forget what vanished unseen, and take note of what changed unseen; UnavailableError."""
    for namespace in namespaces:
        bodies, version = await resources.list_all(kind, namespace)
        there = {key_of(body) for body in bodies}
        for key in control.known.keys(kind):
            known = control.known.get(key)
            listed = namespace in (None, key.namespace)
            # made after the LIST began, it is not in there and not gone
            if listed and key not in there and known is not None and version_of(known) < version:
                control.gone(key)
        for body in bodies:
            control.saw(body, lane=Lane.SLOW)
