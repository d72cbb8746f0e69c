"""Who may migrate: at most limits.concurrentMigrations runs on a server at a time, first come, first served.

Kept in memory and fed by every look, so that a restart finds the truth again. Two operators that overlap may
for a moment run more: the limit protects the server's other users, not correctness.
"""

from collections.abc import Callable

from litellm_database_operator.model.resource_key import ResourceKey


class MigrationSlots:
    """The running and the waiting databases of each server."""

    def __init__(self) -> None:
        """Begin with none; `wake` is set by whoever owns the queue."""
        self._running: dict[str, set[ResourceKey]] = {}
        self._waiting: dict[str, dict[ResourceKey, None]] = {}
        self.wake: Callable[[ResourceKey], None] = lambda _key: None

    def reserve(self, server: str, key: ResourceKey, *, limit: int) -> bool:
        """Tell whether `key` may run on `server` (namespace/name); where not, it is woken when it may."""
        running = self._running.setdefault(server, set())
        waiting = self._waiting.setdefault(server, {})
        if key not in running and len(running) >= limit:
            waiting.setdefault(key)
            return False
        waiting.pop(key, None)
        running.add(key)
        return True

    def occupy(self, server: str, key: ResourceKey) -> None:
        """Count a run that is there already, whatever the limit says."""
        self._waiting.get(server, {}).pop(key, None)
        self._running.setdefault(server, set()).add(key)

    def leave(self, key: ResourceKey) -> None:
        """Give back what `key` holds, and wake who has waited longest."""
        for server, running in self._running.items():
            if key in running:
                running.discard(key)
                self._wake_next(server)
        for waiting in self._waiting.values():
            waiting.pop(key, None)

    def _wake_next(self, server: str) -> None:
        waiting = self._waiting.get(server, {})
        if waiting:
            first = next(iter(waiting))
            del waiting[first]
            self.wake(first)
