"""psycopg's errors as ours: what went wrong, and whether a person must act; connection.py calls it.

While a login is under way libpq gives a text and no SQLSTATE, so that the text has to be read. It is English
where the server's lc_messages is; any other text is passed on as it is, and decides nothing.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

import psycopg

from litellm_database_operator.errors import MustActError, OperatorError, UnavailableError
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import clean


class ConnectFault(Enum):
    """Why there is no session."""

    UNREACHABLE = auto()
    """Nobody answers there, or what answers is no PostgreSQL that is up."""
    REFUSED = auto()
    """The password, or a role that does not exist or may not log in."""
    CROWDED = auto()
    """The server, the database or the role has as many sessions as it may have."""
    TOO_WEAK = auto()
    """The server asked for less than SCRAM-SHA-256."""
    TLS = auto()
    NO_DATABASE = auto()
    NO_ENTRY = auto()
    """The role may log in, but not enter this database."""
    NOT_ADMITTED = auto()
    """pg_hba.conf has no line for this client."""


_CONNECT_FAULTS: Final = (
    (r"authentication method requirement|channel binding required", ConnectFault.TOO_WEAK),
    (r"FATAL:\s+password authentication failed|FATAL:\s+role .* (is not permitted to log in|does not exist)",
     ConnectFault.REFUSED),
    (r"FATAL:\s+(too many connections|sorry, too many clients|remaining connection slots)", ConnectFault.CROWDED),
    (r"FATAL:\s+database .* does not exist", ConnectFault.NO_DATABASE),
    (r"FATAL:\s+(permission denied for database|database .* is not currently accepting|cannot connect to invalid)",
     ConnectFault.NO_ENTRY),
    (r"FATAL:\s+no pg_hba\.conf entry for.*no encryption", ConnectFault.TLS),
    (r"FATAL:\s+(no pg_hba\.conf entry for|pg_hba\.conf rejects)", ConnectFault.NOT_ADMITTED),
    (r"does not support SSL|SSL error|server certificate for|root certificate|SSL SYSCALL|certificate verify failed",
     ConnectFault.TLS),
)  # fmt: skip


def connect_fault(text: str) -> ConnectFault:
    """Tell from libpq's text why there is no session; names in it are quoted, and so cannot pass for more text."""
    unquoted = re.sub(r'"[^"]*"', '""', text)
    return next((fault for pattern, fault in _CONNECT_FAULTS if re.search(pattern, unquoted)), ConnectFault.UNREACHABLE)


_NEXT: Final[Mapping[Reason, str]] = {
    Reason.SERVER_UNREACHABLE: ". Check spec.external.host and port, NetworkPolicies and firewalls, and the server",
    Reason.ADMIN_LOGIN_REFUSED: ". Correct username and password in the admin Secret; it is read again by itself",
    Reason.TLS_FAILED: ". Turn on ssl at the server, correct the CA's Secret, or set spec.external.tls.mode",
}
"""What to do about it, after libpq's words."""
_ADMIN_FAULTS: Final[Mapping[ConnectFault, tuple[type[OperatorError], Reason, str]]] = {
    ConnectFault.UNREACHABLE: (UnavailableError, Reason.SERVER_UNREACHABLE, "P1001, the server cannot be reached"),
    ConnectFault.REFUSED: (UnavailableError, Reason.ADMIN_LOGIN_REFUSED, "P1000, the login was refused"),
    ConnectFault.CROWDED: (UnavailableError, Reason.SERVER_BUSY, "there are too many connections"),
    ConnectFault.TOO_WEAK: (
        MustActError,
        Reason.AUTHENTICATION_TOO_WEAK,
        "the server must ask for scram-sha-256 (pg_hba.conf, password_encryption), and no password was sent",
    ),
    ConnectFault.TLS: (MustActError, Reason.TLS_FAILED, "no TLS connection as tls.mode and the CA ask for"),
    ConnectFault.NO_DATABASE: (UnavailableError, Reason.SERVER_UNREACHABLE, "P1003, the database does not exist"),
    ConnectFault.NO_ENTRY: (
        MustActError,
        Reason.ADMIN_LACKS_PRIVILEGES,
        "P1010, the login may not enter the database",
    ),
    ConnectFault.NOT_ADMITTED: (
        UnavailableError,
        Reason.ADMIN_LOGIN_REFUSED,
        "pg_hba.conf does not admit the operator's address",
    ),
}


def connect_error(doing: str, text: str) -> OperatorError:
    """Return what the admin's failure to connect means; `text` is libpq's, and holds no password."""
    kind, reason, ours = _ADMIN_FAULTS[connect_fault(text)]
    return kind(reason, f"cannot {doing}: {ours} ({libpq_words(text)}){_NEXT.get(reason, '')}")


_MUST_ACT: Final = {
    "42501": (Reason.ADMIN_LACKS_PRIVILEGES, "the admin lacks a privilege"),
    "42939": (Reason.NAME_NOT_ALLOWED, "PostgreSQL keeps such names for itself"),
    "2BP01": (Reason.ROLE_NOT_OURS, "something in another database still belongs to the role"),
}
_AGAIN: Final = "somebody else changed the same thing at the same moment"
_PASSING: Final = {
    "25006": (Reason.SERVER_READ_ONLY, "the server is read-only, a standby perhaps"),
    "53100": (Reason.SERVER_BUSY, "the server's disk is full"),
    "53200": (Reason.SERVER_BUSY, "the server is out of memory"),
    "53300": (Reason.SERVER_BUSY, "there are too many connections"),
    "55P03": (Reason.SERVER_BUSY, "a lock was not to be had in time"),
    "55006": (Reason.SERVER_BUSY, "it is in use"),
    "57014": (Reason.SERVER_BUSY, "it took too long"),
    "40P01": (Reason.SERVER_BUSY, "a deadlock was broken"),
    "40001": (Reason.SERVER_BUSY, _AGAIN),
    "42710": (Reason.SERVER_BUSY, _AGAIN),
    "42P04": (Reason.SERVER_BUSY, _AGAIN),
    "42P06": (Reason.SERVER_BUSY, _AGAIN),
    "42P07": (Reason.SERVER_BUSY, _AGAIN),
    "42704": (Reason.SERVER_BUSY, _AGAIN),
    "3D000": (Reason.SERVER_BUSY, _AGAIN),
    "3F000": (Reason.SERVER_BUSY, _AGAIN),
    "23505": (Reason.SERVER_BUSY, _AGAIN),
    "XX000": (Reason.SERVER_BUSY, _AGAIN),  # "tuple concurrently updated" has no code of its own
}
_PLAIN_WARNING: Final = "01000"
_LOST: Final = (Reason.SERVER_UNREACHABLE, "P1017, the connection was lost")
_OTHER: Final = (Reason.SERVER_BUSY, "the server did not do it")


def statement_error(doing: str, error: psycopg.Error) -> OperatorError:
    """Return what the failure of a statement means; PostgreSQL's DETAIL, which can hold values, is left out."""
    state = error.sqlstate
    if state in _MUST_ACT:
        reason, ours = _MUST_ACT[state]
        return MustActError(reason, f"cannot {doing}: {ours} ({_primary(error)})")
    unread = isinstance(error, psycopg.DataError)  # the server's answer, which has no SQLSTATE
    lost = state.startswith(("08", "57P")) if state else not unread
    reason, ours = _LOST if lost else _PASSING.get(state or "", _OTHER)
    return UnavailableError(reason, f"cannot {doing}: {ours} ({_primary(error)})")


def warning_error(doing: str, sqlstate: str, text: str) -> OperatorError:
    """Return what a WARNING means: GRANT and REVOKE do nothing and only warn where rights are missing.

    Where there is nothing to revoke any more it has no code of its own.
    """
    told = clean(text)
    if sqlstate == _PLAIN_WARNING:
        return UnavailableError(Reason.SERVER_BUSY, f"cannot {doing}: {_AGAIN} ({told})")
    return MustActError(Reason.ADMIN_LACKS_PRIVILEGES, f"cannot {doing}: PostgreSQL only warned ({told})")


def late_error(doing: str, seconds: float) -> OperatorError:
    """Return what it means that a server did not answer in time."""
    return UnavailableError(
        Reason.SERVER_UNREACHABLE, f"cannot {doing}: P1001, the server did not answer within {seconds:g} s"
    )


def _primary(error: psycopg.Error) -> str:
    told = clean(error.diag.message_primary or libpq_words(str(error)))
    return f"{error.sqlstate}: {told}" if error.sqlstate else told


def libpq_words(text: str) -> str:
    """Return libpq's words about a session that there is not, as they may stand in a message of ours."""
    line = text.splitlines()[0] if text else "no message"
    return clean(re.sub(r"^connection failed: (connection to server at .*? failed: )?", "", line))
