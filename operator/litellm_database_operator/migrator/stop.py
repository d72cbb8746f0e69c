"""What ends a run from outside: the deadline, and SIGTERM (a drained node, a deleted Job)."""

import signal
import threading
from types import FrameType
from typing import Final

from litellm_database_operator.model.reasons import Reason

_REASONS: Final = {
    signal.SIGALRM: Reason.MIGRATION_DEADLINE_EXCEEDED,
    signal.SIGTERM: Reason.MIGRATION_INTERRUPTED,
    signal.SIGINT: Reason.MIGRATION_INTERRUPTED,
}


_stopped = threading.Event()


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
    _stopped.clear()
    for number in _REASONS:
        signal.signal(number, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def disarm() -> None:
    """Nothing interrupts any more: what is left is short, and has its own bounds."""
    for number in _REASONS:
        signal.signal(number, signal.SIG_IGN)


def is_stopped() -> bool:
    """Tell whether the run was stopped: what other threads see from then on is its end, and no obstacle."""
    return _stopped.is_set()


def _stop(number: int, _frame: FrameType | None) -> None:
    _stopped.set()
    disarm()
    raise StopError(_REASONS[signal.Signals(number)])
