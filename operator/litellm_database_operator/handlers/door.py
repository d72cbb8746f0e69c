"""Opens the door: kopf logs in, watches, and tells control/ what it sees, until it is told to stop."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, cast

import kopf

from litellm_database_operator.control.passes import Control
from litellm_database_operator.handlers.events import register_events
from litellm_database_operator.handlers.login import register_login
from litellm_database_operator.handlers.settings import register_settings

_UNUSED_IDENTITY: Final = cast("Any", "unused")
"""Peering's; without one kopf looks the user up by its uid, and a pod's may be anything (OpenShift)."""


def make_registry() -> kopf.OperatorRegistry:
    """Return a registry with all handlers; none is registered on import."""
    registry = kopf.OperatorRegistry()
    for register in (register_settings, register_login, register_events):
        register(registry)
    return registry


async def watch(control: Control, *, namespaces: Sequence[str], opened: asyncio.Event, closing: asyncio.Event) -> None:
    """Watch until `closing` is set; what kopf cannot live with is raised. `opened` is set once it has started.

    At its end kopf cancels every task that is younger than itself: own tasks are made before, or end before.
    """
    await kopf.operator(
        registry=make_registry(),
        memo=kopf.Memo(control=control),
        standalone=True,  # a Lease elects, no peering
        identity=_UNUSED_IDENTITY,
        clusterwide=not namespaces,
        namespaces=namespaces,
        ready_flag=opened,
        stop_flag=closing,
    )
