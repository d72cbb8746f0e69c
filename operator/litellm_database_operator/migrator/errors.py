"""What can go wrong in a run, apart from the judge's errors and from being told to stop."""

from litellm_database_operator.model.report import Failure


class RunFailedError(Exception):
    """The run ends here; `failure` says why, and what a person does about it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class ConnectError(Exception):
    """No session came about. libpq tells its text only: the judge can say the SQLSTATE."""


class ConnectionLostError(Exception):
    """The session ended while it was used; what was not committed is gone."""

    def __init__(self, message: str, *, sqlstate: str | None = None) -> None:
        """`sqlstate` is the server's last word, where it had one: 57P01."""
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate


class PlanOutdatedError(Exception):
    """That a statement takes no rows, as the plan says, is not known any more: the plan is made anew."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = None


class QueryError(Exception):
    """The server refused a statement."""

    def __init__(self, message: str, *, sqlstate: str, position: int | None) -> None:
        """Keep the primary message alone: DETAIL and CONTEXT hold values."""
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.position = position
        """1-based, in characters of the whole query; None where the server names none."""
