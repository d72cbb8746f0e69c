"""The work queue: whatever happened, a key is added; a worker that takes it runs one pass.

A key waits at most once, has at most one worker, and runs again when it was added during its pass. Knows
neither Kubernetes nor what a pass is.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from litellm_database_operator.control.pace import Pace
from litellm_database_operator.model.resource_key import ResourceKey

_FIRST_DELAY: Final = 0.25
_LONGEST_DELAY: Final = 300.0
_DOUBLINGS: Final = 12
_FAST_IN_A_ROW: Final = 8
"""Then one of the slow lane: changes come first, but they cannot keep health from being looked at."""


class Lane(IntEnum):
    """What a key waits for; the lower number goes first."""

    FAST = 0
    """A change, a finished Job, a deletion: somebody waits for it."""
    SLOW = 1
    """A first sight at start, a health check."""


@dataclass(slots=True)
class _Timer:
    handle: asyncio.TimerHandle
    lane: Lane


class WorkQueue:
    """Keys that wait for a pass, and those that have one."""

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        """Begin empty; `clock` is the running loop's unless a test gives another."""
        self._clock = clock or asyncio.get_running_loop().time
        self._lanes: tuple[dict[ResourceKey, None], dict[ResourceKey, None]] = ({}, {})
        self._again: dict[ResourceKey, Lane] = {}
        self._timers: dict[ResourceKey, _Timer] = {}
        self._failures: dict[ResourceKey, int] = {}
        self._pace = Pace(self._clock)
        self._filled = asyncio.Event()
        self._fast_in_a_row = 0
        self.busy: dict[ResourceKey, float] = {}
        """Keys with a worker, and since when by the clock; the liveness probe reads it."""
        self.idle = asyncio.Event()
        """Set while no key has a worker."""
        self.idle.set()

    def __contains__(self, key: ResourceKey) -> bool:
        """Tell whether the key waits for a worker, or for the end of its pass to get another."""
        return key in self._again or any(key in lane for lane in self._lanes)

    def depth(self, lane: Lane) -> int:
        """Return how many keys wait in a lane."""
        return len(self._lanes[lane])

    def due_in(self, key: ResourceKey) -> float | None:
        """Return in how many seconds a key will wait by itself, None when it will not."""
        timer = self._timers.get(key)
        return timer and timer.handle.when() - asyncio.get_running_loop().time()

    def add(self, key: ResourceKey, lane: Lane = Lane.FAST) -> None:
        """Ask for a pass as soon as it may be; asked twice, the better lane counts."""
        if timer := self._timers.pop(key, None):
            timer.handle.cancel()
            lane = min(lane, timer.lane)
        if key in self.busy:
            self._again[key] = min(lane, self._again.get(key, lane))
            return
        if lane is Lane.FAST:
            self._lanes[Lane.SLOW].pop(key, None)
        elif key in self._lanes[Lane.FAST]:
            return
        self._lanes[lane][key] = None
        self._filled.set()

    def add_after(self, key: ResourceKey, delay: float, lane: Lane = Lane.FAST) -> None:
        """Ask for a pass in `delay` seconds; of two due times the earlier counts."""
        loop = asyncio.get_running_loop()
        old = self._timers.get(key)
        if key in self or (old and old.handle.when() <= loop.time() + delay):
            return
        if old:
            old.handle.cancel()
            lane = min(lane, old.lane)
        self._timers[key] = _Timer(loop.call_later(delay, self._due, key), lane)

    def add_failed(self, key: ResourceKey) -> float:
        """Ask for another pass after one that failed, later each time; return in how many seconds."""
        self._failures[key] = count = self._failures.get(key, -1) + 1
        # not for secrecy: two operators, or 150 databases of one server, should not come back together
        jitter = random.uniform(0.8, 1.2)  # noqa: S311
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(count, _DOUBLINGS)) * jitter
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: ResourceKey) -> None:
        """Begin the back-off of the next failure anew."""
        self._failures.pop(key, None)

    def forget(self, key: ResourceKey) -> None:
        """Drop what waits of a resource that is gone."""
        if timer := self._timers.pop(key, None):
            timer.handle.cancel()
        for lane in self._lanes:
            lane.pop(key, None)
        self._again.pop(key, None)
        self._failures.pop(key, None)
        self._pace.forget(key)

    async def take(self) -> ResourceKey:
        """Wait for a key, and make it busy; `done` must follow."""
        while True:
            while not any(self._lanes):
                self._filled.clear()
                await self._filled.wait()
            key, lane = self._pop()
            if wait := self._pace.wait(key):
                self.add_after(key, wait, lane)
                continue
            self.busy[key] = self._clock()
            self.idle.clear()
            return key

    def done(self, key: ResourceKey) -> None:
        """End a key's pass; it waits again if it was added meanwhile."""
        del self.busy[key]
        if not self.busy:
            self.idle.set()
        if (lane := self._again.pop(key, None)) is not None:
            self.add(key, lane)

    def _pop(self) -> tuple[ResourceKey, Lane]:
        fast, slow = self._lanes
        lane = Lane.FAST if fast and (not slow or self._fast_in_a_row < _FAST_IN_A_ROW) else Lane.SLOW
        self._fast_in_a_row = self._fast_in_a_row + 1 if lane is Lane.FAST else 0
        key = next(iter(self._lanes[lane]))
        del self._lanes[lane][key]
        return key, lane

    def _due(self, key: ResourceKey) -> None:
        self.add(key, self._timers[key].lane)
