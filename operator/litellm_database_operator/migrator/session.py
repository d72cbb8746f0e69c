"""The migrator's connection to the database: the only module here that connects and executes.

Synchronous: there is one connection, one thing at a time happens on it, and StopError must be able to interrupt it.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import psycopg
from psycopg import generators, pq, sql
from psycopg.abc import PQGen
from psycopg.pq.abc import PGresult
from psycopg.rows import class_row

from litellm_database_operator.migrator.errors import ConnectError, ConnectionLostError, QueryError
from litellm_database_operator.migrator.settings import Login
from litellm_database_operator.migrator.stop import StopError
from litellm_database_operator.model.secret import quote_option

_Row = TypeVar("_Row")
APPLICATION_NAME: Final = "litellm-migrator"
_LOCK_TIMEOUT: Final = "500ms"
"""Whoever waits for a strong lock holds up every query behind it: better to let go and try again. Below the server's
deadlock_timeout, which is a second: in a deadlock with a proxy it is then always us who give way."""
_OPTIONS: Final = {
    "lock_timeout": _LOCK_TIMEOUT,
    "statement_timeout": "0",  # the run's own deadline counts
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",  # the session idles while the judge compares
    "default_transaction_read_only": "off",
    "client_min_messages": "warning",
    "standard_conforming_strings": "on",
}
_COPYING: Final = frozenset({pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})
_COMPLETED: Final = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})
_NOT_SUPPORTED: Final = "0A000"
_CANCEL_WITHIN: Final = 5.0
"""Seconds, as psycopg itself gives a cancel that follows an interrupt."""


class Session:
    """A session in autocommit: every query is its own transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._results: list[PGresult] = []
        self._endings: list[Callable[[], None]] = []
        self.pid: Final = connection.info.backend_pid
        self.busy_since: float | None = None
        """When the query that is under way began, by the monotonic clock; None between queries."""

    @property
    def lost(self) -> bool:
        """Whether the connection is known to be gone."""
        return self._connection.closed

    @property
    def completed(self) -> int:
        """How many statements of the last query came to their end, also after it failed or was interrupted."""
        return sum(result.status in _COMPLETED for result in self._results)

    def compose(self, *statements: sql.Composable) -> bytes:
        """Return the text of statements, each ended by a semicolon."""
        return b"".join(statement.as_bytes(self._connection) + b";\n" for statement in statements)

    def quote(self, name: sql.Identifier) -> str:
        """Return a name as it stands in a statement."""
        return name.as_string(self._connection)

    def execute(self, *statements: sql.Composable) -> None:
        """Run statements as one simple query, which is one transaction; errors as run_query."""
        self.run_query(self.compose(*statements))

    def run_query(self, query: bytes) -> None:
        """Run a text of any number of statements as one simple query.

        PostgreSQL makes one transaction of it: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
        QueryError: the server refused a statement; ConnectionLostError: nobody knows whether it was committed.
        """
        self._results.clear()
        try:
            with self._busy():
                self._connection.pgconn.send_query(query)
                self._connection.wait(_collect(self._connection.pgconn, self._results))
        except psycopg.Error as error:
            raise ConnectionLostError(_first_line(error), sqlstate=self._last_word()) from error
        except StopError:
            self._let_go()
            raise
        if self._results and self._results[-1].status == pq.ExecStatus.FATAL_ERROR:
            self._refuse(self._results[-1])

    def fetch(self, row: type[_Row], query: sql.Composed) -> Sequence[_Row]:
        """Return the rows of a query, each as a `row`."""
        try:
            with self._busy(), self._connection.cursor(row_factory=class_row(row)) as cursor:
                return cursor.execute(query).fetchall()
        except psycopg.Error as error:
            if self._connection.closed:
                raise ConnectionLostError(_first_line(error), sqlstate=error.sqlstate) from error
            raise QueryError(_first_line(error), sqlstate=error.sqlstate or "", position=None) from error

    def on_close(self, ending: Callable[[], None]) -> None:
        """Have something end before the session does."""
        self._endings.append(ending)

    def close(self) -> None:
        """End the session, and with it every lock."""
        for ending in self._endings:
            ending()
        self._connection.close()

    def _let_go(self) -> None:
        """Cancel what the server still runs, and keep how far it came.

        psycopg has done both where the interrupt came while it waited; one that came right after sending has not
        reached it, and the server would go on with nobody there.
        """
        pgconn = self._connection.pgconn
        with suppress(psycopg.Error, QueryError):
            if pgconn.transaction_status == pq.TransactionStatus.ACTIVE and pgconn.flush() == 0:
                self._connection.cancel_safe(timeout=_CANCEL_WITHIN)
                self._connection.wait(_collect(pgconn, self._results))

    @contextmanager
    def _busy(self) -> Generator[None]:
        self.busy_since = time.monotonic()
        try:
            yield
        finally:
            self.busy_since = None

    def _last_word(self) -> str | None:
        """Return the SQLSTATE that the server said before it closed the connection, if it did."""
        return _field(self._results[-1], pq.DiagnosticField.SQLSTATE) or None if self._results else None

    def _refuse(self, result: PGresult) -> None:
        message = _field(result, pq.DiagnosticField.MESSAGE_PRIMARY)
        sqlstate = _field(result, pq.DiagnosticField.SQLSTATE)
        if self._connection.pgconn.status == pq.ConnStatus.BAD:
            raise ConnectionLostError(message, sqlstate=sqlstate or None)
        position = _field(result, pq.DiagnosticField.STATEMENT_POSITION)
        raise QueryError(message, sqlstate=sqlstate, position=int(position) if position else None)


def connect(login: Login) -> Session:
    """Log in once; ConnectError holds libpq's words, which name host and user, never the password."""
    try:
        connection = psycopg.connect(
            host=login.host,
            port=login.port,
            dbname=login.database,
            user=login.username,
            password=login.password.reveal(),
            sslmode=login.tls,
            sslrootcert=None if login.ca is None else str(login.ca),
            gssencmode="disable",
            require_auth="scram-sha-256",
            target_session_attrs="read-write",  # a standby is a server that is not ready
            client_encoding="UTF8",
            application_name=APPLICATION_NAME,
            options=" ".join(f"-c{name}={value}" for name, value in _options(login).items()),
            connect_timeout=10,
            # A statement may run for hours; a server that is gone is noticed in a minute.
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=60_000,
            autocommit=True,
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        raise ConnectError(_first_line(error)) from error
    return Session(connection)


def _options(login: Login) -> dict[str, str]:
    return _OPTIONS | {"search_path": quote_option(login.schema)}


def _collect(pgconn: psycopg.pq.abc.PGconn, results: list[PGresult]) -> PQGen[None]:
    """Keep each result as it comes, so that it is known how far the query got even when it is interrupted."""
    yield from generators.send(pgconn)
    while (result := (yield from generators.fetch(pgconn))) is not None:
        results.append(result)
        if result.status == pq.ExecStatus.COPY_IN:
            pgconn.put_copy_end(b"a migration has nothing to copy from")
            yield from generators.send(pgconn)
        elif result.status in _COPYING:
            pgconn.finish()  # the server would send until somebody takes it
            raise QueryError("cannot COPY to the client", sqlstate=_NOT_SUPPORTED, position=None)


def _field(result: PGresult, name: pq.DiagnosticField) -> str:
    return (result.error_field(name) or b"").decode(errors="replace")


def _first_line(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]
