"""What ends a run from outside: the deadline, and SIGTERM (a drained node, a deleted Job)."""

import signal
from types import FrameType
from typing import Final

from litellm_database_operator.model.reasons import Reason

_REASONS: Final = {
    signal.SIGALRM: Reason.MIGRATION_DEADLINE_EXCEEDED,
    signal.SIGTERM: Reason.MIGRATION_INTERRUPTED,
    signal.SIGINT: Reason.MIGRATION_INTERRUPTED,
}


class StopError(KeyboardInterrupt):
    """The run has to end now.

    A KeyboardInterrupt, because that is what psycopg answers by cancelling the running statement on the server
    before it lets go: https://www.psycopg.org/psycopg3/docs/advanced/async.html#interrupting-async-operations-using-ctrl-c
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def arm(seconds: float) -> None:
    """Let the first signal, or the end of `seconds`, raise StopError in the main thread; later ones do nothing."""
    for number in _REASONS:
        signal.signal(number, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def disarm() -> None:
    """Nothing interrupts any more: what is left is short, and has its own bounds."""
    for number in _REASONS:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _frame: FrameType | None) -> None:
    disarm()
    raise StopError(_REASONS[signal.Signals(number)])
