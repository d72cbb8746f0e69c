"""What a plan finds of each condition; reconcile/database_report.py and server_report.py make status of it."""

from dataclasses import dataclass
from enum import StrEnum

from litellm_database_operator.model.reasons import Reason


class State(StrEnum):
    """Whether a condition holds."""

    DONE = "Done"
    """It holds, and nothing is left to do."""
    WAITING = "Waiting"
    """It will hold without anybody's help."""
    STALLED = "Stalled"
    """A person must act."""
    UNWELL = "Unwell"
    """It does not hold, and does not keep the database from being ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One condition's state, reason and message; `retry_after` in seconds, None for the next check."""

    state: State
    reason: Reason
    message: str
    retry_after: float | None = None


def done(reason: Reason, message: str) -> Finding:
    """Return the finding of a condition that holds."""
    return Finding(state=State.DONE, reason=reason, message=message)


def waiting(reason: Reason, message: str, *, retry_after: float | None = None) -> Finding:
    """Return the finding of a condition that will hold."""
    return Finding(state=State.WAITING, reason=reason, message=message, retry_after=retry_after)


def stalled(reason: Reason, message: str) -> Finding:
    """Return the finding of a condition that only a person can mend."""
    return Finding(state=State.STALLED, reason=reason, message=message)
