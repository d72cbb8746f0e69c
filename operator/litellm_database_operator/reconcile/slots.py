"""Who may migrate: at most limits.concurrentMigrations runs on a server at a time, first come, first served.

Kept in memory, filled at start from the Jobs that are there, and corrected by every look; what no look renews ages.
Two operators that overlap may for a moment run more: the limit protects the server's other users, not correctness.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from litellm_database_operator.model.resource_key import ResourceKey

_WAITS_FOR: Final = 90.0
"""Seconds after which one who has not asked again is waited for no more: it may be gone, or fail before it asks."""
_RUNS_FOR: Final = 180.0
"""Seconds after which a run that no look has seen is counted no more: its passes may end before they look, as those of
a namespace do that is let in no more. However many databases there are, a run is looked at every 30 seconds at least,
and its slot is taken again with the next look."""


@dataclass(slots=True)
class _Server:
    limit: int = 0
    running: dict[ResourceKey, float] = field(default_factory=dict[ResourceKey, float])
    """When each was seen last."""
    waiting: dict[ResourceKey, float] = field(default_factory=dict[ResourceKey, float])
    """In the order of coming; when each asked last."""

    def free(self) -> int:
        return max(0, self.limit - len(self.running))

    def drop_old(self, now: float) -> None:
        """Forget who has not been seen, or has not asked, for long."""
        self.running = {each: seen for each, seen in self.running.items() if now - seen < _RUNS_FOR}
        self.waiting = {each: asked for each, asked in self.waiting.items() if now - asked < _WAITS_FOR}

    def first(self) -> list[ResourceKey]:
        """Return those whose turn it is."""
        return list(self.waiting)[: self.free()]


class MigrationSlots:
    """The running and the waiting databases of each server."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `wake` is set by whoever owns the queue."""
        self._servers: dict[str, _Server] = {}
        self._clock = clock
        self.wake: Callable[[ResourceKey], None] = lambda _key: None

    def reserve(self, server: str, key: ResourceKey, *, limit: int) -> bool:
        """Tell whether `key` may run on `server` (namespace/name); where not, it is woken when it may."""
        state = self._servers.setdefault(server, _Server())
        state.limit = limit
        now = self._clock()
        if key not in state.running:
            state.waiting[key] = now
            state.drop_old(now)
            if key not in state.first():
                return False
            del state.waiting[key]
        state.running[key] = now
        return True

    def occupy(self, server: str, key: ResourceKey) -> None:
        """Count a run that is there already, whatever the limit says."""
        state = self._servers.setdefault(server, _Server())
        state.waiting.pop(key, None)
        state.running[key] = self._clock()

    def leave(self, key: ResourceKey) -> None:
        """Give back what `key` holds, and wake whose turn it is; they keep their place until they come."""
        for state in self._servers.values():
            state.waiting.pop(key, None)
            if key in state.running:
                del state.running[key]
                for each in state.first():
                    self.wake(each)
