"""How often one resource may have a pass: three at once, then one a second."""

from collections.abc import Callable, Hashable
from typing import Final

_BURST: Final = 3
_SECONDS_EACH: Final = 1.0
_SWEEP_ABOVE: Final = 256


class Pace:
    """Remembers when each key will have all its tries back; one that has is not remembered."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Measure by `clock`."""
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._full_at)

    def wait(self, key: Hashable) -> float:
        """Return 0.0 and count a try, or return how many seconds are missing to the next one."""
        now = self._clock()
        full_at = max(now, self._full_at.get(key, now)) + _SECONDS_EACH
        missing = full_at - now - _BURST * _SECONDS_EACH
        if missing > 0:
            return missing
        self._full_at[key] = full_at
        self._sweep(now)
        return 0.0

    def forget(self, key: Hashable) -> None:
        """Drop a key."""
        self._full_at.pop(key, None)

    def _sweep(self, now: float) -> None:
        if len(self._full_at) > _SWEEP_ABOVE and next(iter(self._full_at.values())) < now:
            self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
