"""One session with a PostgreSQL server: how it is opened, what it may take, and how it ends.

The only place that connects and executes. server.py uses it through a pool, inside.py for one look.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row

from litellm_database_operator.errors import InvalidSpecError, OperatorError
from litellm_database_operator.model.names import DatabaseName, RoleName
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.secret import Endpoint, Password
from litellm_database_operator.postgres.sqlstates import connect_error, late_error, statement_error, warning_error
from litellm_database_operator.postgres.statements import Statement

_T = TypeVar("_T")
APPLICATION_NAME: Final = "litellm-database-operator"

# What the server, the database or the role may have set for its sessions must not reach us: the names that
# a search_path finds, another role's rights, a read-only or an endless transaction.
_PINS: Final = (
    "search_path=pg_catalog,pg_temp",
    "role=none",
    "lock_timeout=5s",
    "statement_timeout=30s",
    "idle_in_transaction_session_timeout=30s",
    "default_transaction_read_only=off",
    "client_min_messages=warning",
    "standard_conforming_strings=on",
    "datestyle=ISO",
    "timezone=UTC",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where to connect, and as whom."""

    endpoint: Endpoint
    database: DatabaseName
    username: RoleName
    password: Password
    ca: str | None = field(default=None, repr=False)
    """PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How many seconds the operator waits."""

    connect: int = 5
    """For each address of a host; for all of them, and for finding them, twice that."""
    call: float = 40.0
    """More than statement_timeout, which the server keeps: this one holds when there is no server any more."""
    idle: float = 60.0
    """Before a session that nobody uses is closed."""


PATIENT: Final = Deadlines()


class ConnectFailedError(Exception):
    """There is no session; the message is libpq's, and holds no password."""


async def connect(login: Login, deadlines: Deadlines = PATIENT) -> "Session":
    """Open a session; ConnectFailedError says why there is none.

    The reason is told `from None`: psycopg's exception carries the connection's parameters, the password among them.
    """
    if login.endpoint.host.startswith(("/", "@")) or "," in login.endpoint.host:
        raise InvalidSpecError(Reason.HOST_NOT_ALLOWED, "cannot connect: the host must be one name or address")
    try:
        async with asyncio.timeout(2 * deadlines.connect):
            return Session(await _open(login, deadlines), deadlines)
    except TimeoutError:
        text = "no answer in time"
    except (psycopg.Error, OSError, UnicodeError) as error:
        text = str(error)
    raise ConnectFailedError(text)


async def connect_admin(login: Login, deadlines: Deadlines = PATIENT) -> "Session":
    """Open a session of the admin; OperatorError says why there is none."""
    try:
        return await connect(login, deadlines)
    except ConnectFailedError as error:
        raise connect_error(f"connect to {login.endpoint.authority()}", str(error)) from None


async def _open(login: Login, deadlines: Deadlines) -> "psycopg.AsyncConnection[DictRow]":
    with _readable(login.ca) as sslrootcert:
        return await psycopg.AsyncConnection[DictRow].connect(
            autocommit=True,
            row_factory=dict_row,
            host=login.endpoint.host,
            port=login.endpoint.port,
            dbname=login.database,
            user=login.username,
            password=login.password.reveal(),
            sslmode=login.endpoint.tls,
            sslrootcert=sslrootcert or "",
            sslcertmode="disable",
            require_auth="scram-sha-256",
            gssencmode="disable",
            client_encoding="UTF8",
            application_name=APPLICATION_NAME,
            connect_timeout=deadlines.connect,
            options=" ".join(f"-c {pin}" for pin in _PINS),
        )


@contextmanager
def _readable(ca: str | None) -> Generator[str | None]:
    """Give libpq a path to read the CA from: memory, as no folder need be writable."""
    if ca is None:
        yield None
        return
    descriptor = os.memfd_create("ca")
    try:
        os.write(descriptor, ca.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


class Session:
    """One connection in autocommit, whose every call ends in time.

    A call that was late, or cancelled, leaves a connection that is closed.
    """

    def __init__(self, connection: "psycopg.AsyncConnection[DictRow]", deadlines: Deadlines) -> None:
        """Take over an open connection."""
        self._connection = connection
        self._seconds = deadlines.call
        self._warnings: list[tuple[str, str]] = []
        """SQLSTATE and text of each."""
        self._late = False
        connection.add_notice_handler(self._notice)

    async def fetch(
        self, doing: str, query: LiteralString | Statement, parameters: Mapping[str, Any] | None = None
    ) -> list[DictRow]:
        """Return the rows of a query; OperatorError says that it cannot do what `doing` calls it."""
        return await self._call(doing, self._rows(query, parameters))

    async def _rows(self, query: LiteralString | Statement, parameters: Mapping[str, Any] | None) -> list[DictRow]:
        cursor = await self._connection.execute(query, parameters)
        return await cursor.fetchall()

    async def run(self, doing: str, statements: Statement, *, seconds: float | None = None) -> None:
        """Execute one or more statements in one round trip; a WARNING is an error."""
        self._warnings.clear()
        await self._call(doing, self._connection.execute(statements), seconds=seconds)
        if self._warnings:
            raise warning_error(doing, *self._warnings[0])

    def close(self) -> None:
        """End the session without waiting; a server that is gone is no error."""
        self._connection.pgconn.finish()

    def usable(self) -> bool:
        """Tell whether an idle session can still be used: a server that ended it has said something."""
        if self._connection.closed:
            return False
        try:
            with _own_socket(self._connection.fileno()) as own:
                own.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def _call(self, doing: str, call: Awaitable[_T], *, seconds: float | None = None) -> _T:
        seconds = seconds or self._seconds
        timer = asyncio.get_running_loop().call_later(seconds, self._hang_up)
        try:
            return await call
        except psycopg.Error as error:
            raise self._error(doing, error, seconds) from error
        finally:
            timer.cancel()

    def _error(self, doing: str, error: psycopg.Error, seconds: float) -> OperatorError:
        return late_error(doing, seconds) if self._late else statement_error(doing, error)

    def _hang_up(self) -> None:
        """End what waits for the server, at once: cancelling it would first ask the server."""
        self._late = True
        with suppress(psycopg.Error, OSError), _own_socket(self._connection.fileno()) as own:
            own.shutdown(socket.SHUT_RDWR)

    def _notice(self, diagnostics: psycopg.errors.Diagnostic) -> None:
        if diagnostics.severity_nonlocalized == "WARNING":
            # now: with the call that it belongs to, its contents are gone
            self._warnings.append((diagnostics.sqlstate or "", diagnostics.message_primary or ""))


@contextmanager
def _own_socket(descriptor: int) -> Generator[socket.socket]:
    """Speak to a socket that libpq owns, and leave it open."""
    with socket.socket(fileno=os.dup(descriptor)) as own:
        yield own
