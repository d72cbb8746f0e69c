"""One run of the operator: what __main__ wires, kopf's events from a fake cluster, and an end that is no goodbye."""

from __future__ import annotations

import asyncio
import gc
import itertools
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import kopf

from litellm_database_operator.__main__ import Operator, build
from litellm_database_operator.control.queue import Lane, WorkQueue
from litellm_database_operator.control.sweep import sweep
from litellm_database_operator.handlers import events
from litellm_database_operator.kube.kinds import DATABASE, JOB, POD, SERVER, STATEFUL_SET, Body
from litellm_database_operator.settings import Settings
from tests.support.fake_api import FakeApi
from tests.support.fake_jobs import FakeJobs

_WORKERS: Final = 4
_ROUNDS: Final = 15
_SECONDS: Final = 60.0


class Crashed(BaseException):
    """The process was killed."""


class Seam:
    """The effects of one run, in order; it may die before or after one of them, and does nothing any more then."""

    def __init__(self, *, die_at: int | None = None, after: bool = False) -> None:
        self.names: list[str] = []
        self.dead = False
        self._die_at = die_at
        self._after = after

    @asynccontextmanager
    async def __call__(self, name: str, /) -> AsyncGenerator[None]:
        """Surround an effect."""
        self._check()
        self.names.append(name)
        here = len(self.names) - 1 == self._die_at
        if here and not self._after:
            self._die()
        yield
        self._check()
        if here:
            self._die()

    def _check(self) -> None:
        if self.dead:
            raise Crashed

    def _die(self) -> None:
        self.dead = True
        raise Crashed


class OperatorProcess:
    """A running operator; everything it knows goes with it."""

    def __init__(self, api: FakeApi, jobs: FakeJobs, settings: Settings, seam: Seam | None = None) -> None:
        self.seam = seam or Seam()
        self.deaf = False
        """While set, it misses every event."""
        self._api = api
        self._jobs = jobs
        self._settings = settings
        self._tasks: list[asyncio.Task[Any]] = []
        self._events: asyncio.Queue[tuple[str, str, Body]] = asyncio.Queue()
        self._operator: Operator | None = None

    @property
    def operator(self) -> Operator:
        """What __main__ has built."""
        assert self._operator is not None
        return self._operator

    async def start(self) -> OperatorProcess:
        """Start it; what is there already comes as kopf's first list."""
        self._operator = operator = await build(self._api, self._settings, effects=self.seam)
        # the pace of one pass a second is the queue's own test; here each look is far from the one before
        operator.control.queue = WorkQueue(clock=itertools.count(0.0, 100.0).__next__)
        self._api.watchers.append(self._saw)
        for kind in (SERVER, DATABASE):
            for body in self._api.all(kind):
                operator.control.saw(body | {"apiVersion": kind.api_version}, lane=Lane.SLOW)
        work = [operator.control.work() for _ in range(_WORKERS)]
        self._tasks = [asyncio.create_task(each) for each in [*work, self._listen()]]
        return self

    async def kill(self) -> None:
        """End it, wherever it is."""
        self.seam.dead = True
        if self._saw in self._api.watchers:
            self._api.watchers.remove(self._saw)
        with warnings.catch_warnings():
            # the kernel closes what a killed process has open
            warnings.simplefilter("ignore", ResourceWarning)
            for task in self._tasks:
                task.cancel()
            interrupted = self._operator is not None and bool(self._operator.control.queue.busy)
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if interrupted:
                gc.collect()
        if self._operator is not None:
            await self._operator.servers.close()

    async def settle(self, *, until: Callable[[], bool] | None = None) -> None:
        """Return when nothing more happens, or `until` holds, or the process is dead: no waiting time is waited for.

        Passes that are due later are brought forward, until a round of them has written nothing.
        """
        async with asyncio.timeout(_SECONDS):
            for _ in range(_ROUNDS):
                before = (len(self.seam.names), len(self._api.writes))
                await self._drain()
                if self.seam.dead or (until is not None and until()):
                    return
                if not self._bring_forward() and (len(self.seam.names), len(self._api.writes)) == before:
                    return
                await self._drain()
                if not self.seam.dead and (len(self.seam.names), len(self._api.writes)) == before:
                    return

    async def look_again(self) -> None:
        """Do what the health check does: one pass over every resource."""
        control = self.operator.control
        for kind in (SERVER, DATABASE):
            for key in control.known.keys(kind):
                control.queue.add(key, Lane.SLOW)
        await self._drain()

    async def sweep(self) -> None:
        """Do what the resync does: compare with a LIST."""
        for kind in (SERVER, DATABASE):
            await sweep(self.operator.control, self.operator.resources, kind, (None,))
        await self.settle()

    def due(self) -> dict[str, float]:
        """Return in how many seconds each resource has a pass by itself."""
        control = self.operator.control
        keys = [key for kind in (SERVER, DATABASE) for key in control.known.keys(kind)]
        found = {f"{key.kind} {key}": control.queue.due_in(key) for key in keys}
        return {name: seconds for name, seconds in found.items() if seconds is not None}

    def _bring_forward(self) -> bool:
        control = self.operator.control
        waiting = [
            key
            for kind in (SERVER, DATABASE)
            for key in control.known.keys(kind)
            if control.queue.due_in(key) is not None
        ]
        for key in waiting:
            control.queue.add(key)
        return bool(waiting)

    async def _drain(self) -> None:
        """Work off what waits, with the Jobs that it starts and the events that follow."""
        queue = self.operator.control.queue
        while not self.seam.dead:
            await asyncio.sleep(0)
            await queue.idle.wait()
            await self._events.join()
            await self._jobs.finish()
            await self._events.join()
            self._raise_what_ended()
            if not queue.busy and not any(map(queue.depth, Lane)):
                return

    def _raise_what_ended(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled() and not isinstance(task.exception(), Crashed):
                task.result()

    def _saw(self, event: str, plural: str, body: Body) -> None:
        if not self.deaf:
            self._events.put_nowait((event, plural, body))

    async def _listen(self) -> None:
        while True:
            event, plural, body = await self._events.get()
            try:
                await self._hear(event, plural, body)
            finally:
                self._events.task_done()

    async def _hear(self, event: str, plural: str, body: Body) -> None:
        handler = _HANDLERS.get(plural)
        if handler is not None:
            memo = kopf.Memo(control=self.operator.control)
            await handler(event={"type": event, "object": body}, memo=memo)


_HANDLERS: Final[dict[str, Callable[..., Awaitable[None]]]] = {
    DATABASE.plural: events.on_resource,
    SERVER.plural: events.on_resource,
    JOB.plural: events.on_job,
    POD.plural: events.on_pod,
    STATEFUL_SET.plural: events.on_stateful_set,
}
