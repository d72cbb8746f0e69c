"""Opens the door: kopf logs in, watches, and tells control/ what it sees, until it is told to stop."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import kopf

from litellm_database_operator.control.passes import Control
from litellm_database_operator.handlers.events import register_events
from litellm_database_operator.handlers.login import register_login
from litellm_database_operator.handlers.settings import register_settings
from litellm_database_operator.model.report import clean

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


class Doors:
    """All that this process watches: what could be watched at its start, and what could be later.

    A second watch stands beside the first, for one that ended would take every younger task with it.
    """

    def __init__(self, control: Control) -> None:
        """Watch nothing yet."""
        self._control = control
        self._closing = asyncio.Event()
        self._ended = asyncio.Event()
        self._doors: list[asyncio.Task[None]] = []
        self.namespaces: list[str | None] = []
        """What is watched; None is every namespace."""

    async def open(self, namespaces: Sequence[str | None]) -> None:
        """Watch these as well; return once kopf has started, or has failed to."""
        opened = asyncio.Event()
        named = [namespace for namespace in namespaces if namespace is not None]
        door = asyncio.create_task(
            watch(self._control, namespaces=named, opened=opened, closing=self._closing), name="door"
        )
        door.add_done_callback(lambda _: (opened.set(), self._ended.set()))
        self._doors.append(door)
        self.namespaces += namespaces
        await opened.wait()

    async def ended(self) -> None:
        """Return when one of them has ended, asked or not."""
        await self._ended.wait()

    @property
    def has_ended(self) -> bool:
        """Whether one of them has ended."""
        return self._ended.is_set()

    async def close(self) -> None:
        """End them all; DoorShutError where the API server refused one, and else what kopf ended by."""
        self._closing.set()
        for ended in await asyncio.gather(*self._doors, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise explained(ended)


class DoorShutError(Exception):
    """The API server refuses to let us list or watch, although it did when the watch began."""


def explained(error: BaseException) -> BaseException:
    """Return what kopf ended by, by its cause: the class that it has for a refusal is none of its public ones."""
    if getattr(error, "status", None) != HTTPStatus.FORBIDDEN:
        return error
    told = clean(str(getattr(error, "message", None) or error))
    shut = DoorShutError(f'a right to watch was taken away: the cluster says "{told}"; the container starts anew')
    shut.__cause__ = error
    return shut
