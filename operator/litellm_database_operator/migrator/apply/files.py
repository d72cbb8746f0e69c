"""Applies a pending migration with its row of the ledger in one query, so that both are committed or neither is.

A script that PostgreSQL refuses inside a transaction (CREATE INDEX CONCURRENTLY), or that controls transactions
itself, goes in Prisma's own three steps: begin the row, run the script, finish the row.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from litellm_database_operator.migrator import ledger
from litellm_database_operator.migrator.apply.extras import concurrently, drop_invalid_indexes
from litellm_database_operator.migrator.content import Migration
from litellm_database_operator.migrator.errors import QueryError, RunFailedError
from litellm_database_operator.migrator.judge import Judge
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.patience import patiently
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.script import controls_transactions, failing_statement, leaves_only_an_index
from litellm_database_operator.migrator.session import APPLICATION_NAME, Session
from litellm_database_operator.migrator.stop import StopError
from litellm_database_operator.model.names import SchemaName
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure

_NO_TRANSACTION: Final = frozenset({"25001", "2D000"})
"""active_sql_transaction, invalid_transaction_termination: the script cannot run inside a transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A script, and what of ours stands before and after it."""

    before: bytes
    statements_before: int
    script: bytes
    after: bytes

    def text(self) -> bytes:
        """Return what is sent; the line breaks end a last line that is a comment or lacks its semicolon."""
        return self.before + self.script + b"\n;\n" + self.after if self.after else self.before + self.script


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """What applying a migration needs."""

    session: Session
    judge: Judge
    schema: SchemaName
    progress: Progress

    def apply(self, migration: Migration, *, number: int, total: int, ask: Callable[[], None]) -> None:
        """Apply one; RunFailedError names migration, statement and SQLSTATE when it cannot be.

        `ask` is called before each try: it raises where the file would lose what nobody let pass.
        """
        began = time.monotonic()
        self.progress.begin(migration.name)
        begin_name = sql.SQL("SET application_name = {}").format(f"{APPLICATION_NAME} {number}/{total}")
        if controls_transactions(migration.script, self.judge):
            patiently(ask, self.progress)
            self._in_three_steps(migration, begin_name)
        else:
            self._in_one_query(migration, begin_name, ask)
        self.progress.finish(migration.name)
        spent = round((time.monotonic() - began) * 1000)
        log("applied", migration=migration.name, number=number, total=total, ms=spent)

    def _in_one_query(self, migration: Migration, begin_name: sql.Composable, ask: Callable[[], None]) -> None:
        query = Query(
            before=self.session.compose(begin_name),
            statements_before=1,
            script=migration.script,
            after=self.session.compose(ledger.record(self.schema, migration)),
        )
        try:
            self._patiently(query, lambda: self._run_asked(query, ask))
        except QueryError as error:
            if error.sqlstate not in _NO_TRANSACTION:
                raise self._failed(error, query) from error
            self._in_three_steps(migration, begin_name)

    def _in_three_steps(self, migration: Migration, begin_name: sql.Composable) -> None:
        row_id = ledger.new_id()
        query = Query(before=b"", statements_before=0, script=migration.script, after=b"")
        self.session.execute(begin_name, ledger.begin(self.schema, migration, row_id=row_id))
        try:
            self._patiently(query, lambda: self._run(query, self._run_alone))
        except QueryError as error:
            failed = self._failed(error, query)
            logs = f"{error.sqlstate}: {error.message}"
            self.session.execute(ledger.explain(self.schema, row_id=row_id, logs=logs))
            raise failed from error
        self.session.execute(ledger.finish(self.schema, row_id=row_id))

    def _run_asked(self, query: Query, ask: Callable[[], None]) -> None:
        """Ask in each try: one that waited for a lock in vain may have waited long."""
        ask()
        self._run(query, self._run_whole)

    def _run(self, query: Query, attempt: Callable[[Query], None]) -> None:
        """Make one try, and keep how far it came: one that was stopped before its first statement says nothing."""
        try:
            attempt(query)
        except (QueryError, StopError):
            self.progress.reach(self.session.completed - query.statements_before)
            raise

    def _run_whole(self, query: Query) -> None:
        self.session.run_query(query.text())

    def _run_alone(self, query: Query) -> None:
        """Run a script without a transaction around it, as if no earlier try had left anything behind.

        An interrupted CREATE INDEX CONCURRENTLY leaves an INVALID index, and IF NOT EXISTS would be content with it.
        """
        if not leaves_only_an_index(query.script, self.judge):
            return self._run_whole(query)
        with concurrently(self.session):
            drop_invalid_indexes(self.session, self.schema, named_in=query.script.decode(errors="replace"))
            return self._run_whole(query)

    def _patiently(self, query: Query, attempt: Callable[[], None]) -> None:
        try:
            patiently(attempt, self.progress)
        except StopError:
            self.progress.statement = self._statement(query, position=None)
            raise

    def _failed(self, error: QueryError, query: Query) -> RunFailedError:
        return RunFailedError(
            Failure(
                reason=Reason.MIGRATION_FAILED,
                prisma_code="P3018",
                sqlstate=error.sqlstate,
                migration=self.progress.migration,
                statement=self._statement(query, position=error.position),
                server_message=error.message,
                message="cannot apply a migration: PostgreSQL refused one of its statements",
            )
        )

    def _statement(self, query: Query, *, position: int | None) -> str | None:
        """Name the statement that the query ended in."""
        return failing_statement(
            query.script,
            self.judge,
            completed=self.progress.reached,
            position=None if position is None else position - len(query.before.decode()),
        )
