"""kopf's settings, each with its reason; all that is not here is used by features that we do not use."""

from typing import Any, Final

import kopf

from litellm_database_operator.model import names

_BACKOFFS: Final = (0.5, 1, 2, 3, 4, *([5] * 60))
"""kopf's own grow to 21 s: after a short outage of the API server we would be blind for as long."""


def register_settings(registry: kopf.OperatorRegistry) -> None:
    """Have kopf ask for its settings at start."""
    kopf.on.startup(registry=registry)(configure)


async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Set what differs from kopf's defaults."""
    # kopf takes *its* finalizer off everything it watches: it must be a name that nobody uses
    settings.persistence.finalizer = f"{names.GROUP}/kopf-unused"
    settings.posting.enabled = False  # control/ posts Events, sparingly
    settings.scanning.disabled = True  # or it lists CRDs and namespaces, which needs rights; __main__ waits for ours
    settings.networking.error_backoffs = _BACKOFFS
    settings.watching.client_timeout = 600.0  # a stream that a balancer dropped silently ends some time
    settings.watching.chunk_size = 500  # lists come in pieces: a lower peak of memory
    managed = f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY}"
    # others' Jobs and pods would be sent, read and remembered
    for kind in (("batch", "v1", "jobs"), ("", "v1", "pods"), ("apps", "v1", "statefulsets")):
        settings.watching.label_selectors[kind] = managed
