"""Why the published login does not get in, in words for whoever reads the pod's log. Pure: watch.py knocks."""

from collections.abc import Mapping
from typing import Final

from litellm_database_operator.postgres.connection import Login
from litellm_database_operator.postgres.sqlstates import ConnectFault, connect_fault, libpq_words

_WHY: Final[Mapping[ConnectFault, str]] = {
    ConnectFault.UNREACHABLE: "nobody answers there, or not as a PostgreSQL that is up",
    ConnectFault.REFUSED: "the password is refused; is the Secret of another database, or changed since?",
    ConnectFault.CROWDED: "the login, the database or the server has as many connections as it may have",
    ConnectFault.TOO_WEAK: "the server does not ask for scram-sha-256, and no password was sent",
    ConnectFault.TLS: "no TLS connection as DATABASE_SSLMODE and the CA ask for",
    ConnectFault.NO_DATABASE: "the database does not exist",
    ConnectFault.NO_ENTRY: "the login may not enter the database",
    ConnectFault.NOT_ADMITTED: "pg_hba.conf does not admit this pod's address",
}
_OUTDATED: Final = frozenset({ConnectFault.REFUSED, ConnectFault.NO_DATABASE, ConnectFault.NO_ENTRY})


def told_of_refusal(login: Login, text: str) -> str:
    """Return what it means that there is no session; `text` is libpq's, and holds no password."""
    fault = connect_fault(text)
    who = f"{login.username} at {login.endpoint.authority()}"
    return f"cannot log in yet as {who}: {_WHY[fault]} ({libpq_words(text)})"


def may_be_outdated(text: str) -> bool:
    """Tell whether the environment may hold what the Secret no longer does: it stays as the container began."""
    return connect_fault(text) in _OUTDATED
