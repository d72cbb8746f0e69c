"""Tries again where somebody else was in the way: locks, deadlocks. The run's deadline ends it, nothing else does."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from litellm_database_operator.migrator.errors import QueryError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.progress import Progress

_PASSING: Final = frozenset({"55P03", "40P01", "40001"})
"""lock_not_available, deadlock_detected, serialization_failure."""
_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0


def patiently(attempt: Callable[[], None], progress: Progress) -> None:
    """Call until it ends, or fails for a reason that will not pass: that QueryError goes up."""
    for pause in _pauses():
        try:
            attempt()
            return progress.pass_on()
        except QueryError as error:
            if error.sqlstate not in _PASSING:
                raise
            progress.hinder(error.message, sqlstate=error.sqlstate)
            _say(progress, pause)
        time.sleep(pause)
    return None


def _say(progress: Progress, pause: float) -> None:
    log(
        "waits for others",
        migration=progress.migration,
        sqlstate=progress.sqlstate,
        blocked_by=progress.blocked_by,
        seconds=pause,
    )


def _pauses() -> Iterator[float]:
    """Seconds between tries, without an end."""
    pause = _SHORTEST_PAUSE
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)
