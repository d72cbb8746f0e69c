"""The errors of a pass, by what follows from them; reconcile/ raises and reads them, report.py says them.

OperatorError
├── MustActError            a person must act: Stalled, looked at again at the resync
│   ├── InvalidSpecError        the resource's author
│   └── NotOursError            the owner of the name, or of what bears it
└── UnavailableError        something did not answer as it should: Reconciling, with back-off

Anything else is a bug and goes up with its traceback. A message says "cannot X: Y" and holds no secret.
"""

from litellm_database_operator.model.reasons import Reason


class OperatorError(Exception):
    """A pass could not end as the resource asks; `reason` names why, the message says what to do."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep the reason beside the message."""
        super().__init__(message)
        self.reason = reason
        self.message = message


class MustActError(OperatorError):
    """A person must act; trying again by itself would change nothing."""


class InvalidSpecError(MustActError):
    """What the resource asks for cannot be."""


class NotOursError(MustActError):
    """Something of that name belongs to somebody else."""


class UnavailableError(OperatorError):
    """A server did not answer as it should; the next try may."""
