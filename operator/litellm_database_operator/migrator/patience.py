"""Tries again where somebody else was in the way, or the server was gone. The run's deadline ends it, nothing else."""

import time
from collections.abc import Callable, Iterator
from typing import Final, TypeGuard

from litellm_database_operator.migrator.errors import ConnectionLostError, PlanOutdatedError, QueryError
from litellm_database_operator.migrator.judge import JudgeError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.progress import Progress

_PASSING: Final = frozenset({"55P03", "40P01", "40001"})
"""lock_not_available, deadlock_detected, serialization_failure."""
_GONE: Final = frozenset({"P1001", "P1017", "P2037"})
"""Prisma's codes for a server that is not there, left, or has no connection free."""
_GONE_STATES: Final = frozenset({"53300", "57P01", "57P02", "57P03"})
_PAUSE: Final = 1.0
_SHORTEST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 1.0


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


def may_pass(error: BaseException) -> TypeGuard[ConnectionLostError | PlanOutdatedError | QueryError | JudgeError]:
    """Tell whether a run that ended so may go through when it begins again with a look."""
    match error:
        case ConnectionLostError() | PlanOutdatedError():
            return True
        case QueryError():
            return error.sqlstate in _PASSING
        case JudgeError():
            return error.code in _GONE or error.sqlstate in _GONE_STATES | _PASSING
        case _:
            return False


def say_again(error: ConnectionLostError | PlanOutdatedError | QueryError | JudgeError, progress: Progress) -> float:
    """Tell that a run begins again; return the seconds to wait first: whoever reconnects has waited at the door."""
    code = error.code if isinstance(error, JudgeError) else None
    progress.hinder(error.message, prisma_code=code, sqlstate=error.sqlstate)
    lost = isinstance(error, ConnectionLostError)
    message = "lost the connection" if lost else "begins again"
    log(message, phase=progress.phase, text=error.message, code=code, sqlstate=error.sqlstate)
    return 0.0 if lost else _PAUSE


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
