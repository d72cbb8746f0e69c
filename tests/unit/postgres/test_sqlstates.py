"""What libpq and PostgreSQL say, and what follows from it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from litellm_database_operator.errors import MustActError, UnavailableError
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.postgres.sqlstates import ConnectFault, connect_error, connect_fault, statement_error

AT = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[Errno -2] Name or service not known", ConnectFault.UNREACHABLE),
        (AT + "Connection refused", ConnectFault.UNREACHABLE),
        (AT + "FATAL:  the database system is starting up", ConnectFault.UNREACHABLE),
        (AT + 'FATAL:  password authentication failed for user "x"', ConnectFault.REFUSED),
        (AT + 'FATAL:  role "x" is not permitted to log in', ConnectFault.REFUSED),
        (AT + 'FATAL:  too many connections for role "x"', ConnectFault.CROWDED),
        (AT + 'FATAL:  too many connections for database "x"', ConnectFault.CROWDED),
        (AT + "FATAL:  sorry, too many clients already", ConnectFault.CROWDED),
        (
            AT + "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
            ConnectFault.CROWDED,
        ),
        (AT + 'FATAL:  database "x" does not exist', ConnectFault.NO_DATABASE),
        (AT + 'FATAL:  permission denied for database "x"', ConnectFault.NO_ENTRY),
        (AT + 'FATAL:  database "x" is not currently accepting connections', ConnectFault.NO_ENTRY),
        (AT + 'FATAL:  cannot connect to invalid database "x"', ConnectFault.NO_ENTRY),
        (AT + 'FATAL:  no pg_hba.conf entry for host "1.2", user "x", database "y", no encryption', ConnectFault.TLS),
        (
            AT + 'FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "x", database "y", SSL encryption',
            ConnectFault.NOT_ADMITTED,
        ),
        (AT + "server does not support SSL, but SSL was required", ConnectFault.TLS),
        (AT + "SSL error: certificate verify failed", ConnectFault.TLS),
        (AT + 'server certificate for "a" does not match host name "b"', ConnectFault.TLS),
        (
            AT + 'authentication method requirement "scram-sha-256" failed: server requested a cleartext password',
            ConnectFault.TOO_WEAK,
        ),
        # no text that somebody chose passes for the server's
        (AT + 'FATAL:  database "password authentication failed" does not exist', ConnectFault.NO_DATABASE),
        (AT + 'FATAL:  something about "FATAL:  too many connections"', ConnectFault.UNREACHABLE),
        # the address that answered counts, whichever was tried last
        (
            AT + "Network is unreachable\nMultiple connection attempts failed. All failures were:\n"
            f'- host: x: {AT}FATAL:  password authentication failed for user "x"\n'
            f"- host: y: {AT}Network is unreachable",
            ConnectFault.REFUSED,
        ),
    ],
)  # fmt: skip
def test_why_there_is_no_session(text: str, fault: ConnectFault) -> None:
    assert connect_fault(text) is fault


def test_a_connect_error_says_what_the_server_said() -> None:
    error = connect_error("connect to h:1", AT + "Connection refused")
    told = "cannot connect to h:1: P1001, the server cannot be reached (Connection refused). Check spec.external.host"
    assert error.message.startswith(told)


@pytest.mark.parametrize("fault", ConnectFault)
def test_every_fault_has_a_reason(fault: ConnectFault) -> None:
    samples = {
        ConnectFault.REFUSED: "FATAL:  password authentication failed",
        ConnectFault.CROWDED: "FATAL:  too many connections",
        ConnectFault.TOO_WEAK: "authentication method requirement",
        ConnectFault.TLS: "SSL error",
        ConnectFault.NO_DATABASE: 'FATAL:  database "x" does not exist',
        ConnectFault.NO_ENTRY: "FATAL:  permission denied for database",
        ConnectFault.NOT_ADMITTED: "FATAL:  no pg_hba.conf entry for",
        ConnectFault.UNREACHABLE: "",
    }
    assert connect_fault(samples[fault]) is fault
    assert connect_error("x", samples[fault]).message.startswith("cannot x: ")


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (errors.InsufficientPrivilege("no"), MustActError, Reason.ADMIN_LACKS_PRIVILEGES),
        (errors.ReservedName("no"), MustActError, Reason.NAME_NOT_ALLOWED),
        (errors.DependentObjectsStillExist("no"), MustActError, Reason.ROLE_NOT_OURS),
        (errors.ReadOnlySqlTransaction("no"), UnavailableError, Reason.SERVER_READ_ONLY),
        (errors.DiskFull("no"), UnavailableError, Reason.SERVER_BUSY),
        (errors.LockNotAvailable("no"), UnavailableError, Reason.SERVER_BUSY),
        (errors.DuplicateObject("no"), UnavailableError, Reason.SERVER_BUSY),
        (errors.DuplicateDatabase("no"), UnavailableError, Reason.SERVER_BUSY),
        (errors.UniqueViolation("no"), UnavailableError, Reason.SERVER_BUSY),
        (errors.AdminShutdown("no"), UnavailableError, Reason.SERVER_UNREACHABLE),
        (errors.CannotConnectNow("no"), UnavailableError, Reason.SERVER_UNREACHABLE),
        (psycopg.OperationalError("server closed the connection"), UnavailableError, Reason.SERVER_UNREACHABLE),
        (errors.DivisionByZero("no"), UnavailableError, Reason.SERVER_BUSY),
    ],
    ids=lambda each: getattr(each, "sqlstate", None),
)
def test_what_a_failed_statement_means(error: psycopg.Error, kind: type[Exception], reason: Reason) -> None:
    found = statement_error("do it", error)
    assert (type(found), found.reason) == (kind, reason)
    assert found.message.startswith("cannot do it: ")
