"""Upstream's way to apply migrations, `migration.engine: PrismaCLI`: PyPI's `prisma` runs Prisma's own command line.

run.py calls deploy() in the place of its own Applier, and judges afterwards as ever. The command line lies in the
image beside the judge, and needs no network but the database; engine/prisma-cli/prisma.config.mjs is its other half.
"""

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, LiteralString
from urllib.parse import quote

from psycopg import sql

from litellm_database_operator.migrator import ledger
from litellm_database_operator.migrator.blockers import blockers
from litellm_database_operator.migrator.content import Content, Migration
from litellm_database_operator.migrator.errors import ConnectionLostError, QueryError, RunFailedError
from litellm_database_operator.migrator.judge import Judge
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import LedgerRow, Seen
from litellm_database_operator.migrator.prisma_cli.process import PrismaProcess, Refusal
from litellm_database_operator.migrator.prisma_cli.workspace import CLI_NAME, cli_folder, environment, lay_out
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.script import controls_transactions, failing_statement, leaves_only_an_index
from litellm_database_operator.migrator.session import APPLICATION_NAME, Session
from litellm_database_operator.migrator.settings import Settings
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure

_RHYTHM: Final = 0.5
"""Seconds between two looks at how far it is."""
_PRISMA_CODE: Final = re.compile(r"\bP\d{4}\b")

# The migrator acts as the owner, who may end no session of another role: here it is itself again.
_SESSIONS: Final[LiteralString] = """
SELECT pid FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND usename = SESSION_USER AND application_name = {name}
"""
_END_SESSIONS: Final[LiteralString] = """
SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM ({sessions}) session
"""


def deploy(session: Session, judge: Judge, content: Content, settings: Settings, progress: Progress) -> None:
    """Apply what is pending by `prisma migrate deploy`; where nothing is, nothing is started.

    `session` holds Prisma's lock meanwhile. The ledger must exist, and have no unfinished row. RunFailedError names
    the migration, and believes no exit code; ConnectionLostError and QueryError as in Session.fetch.
    """
    deployment = _Deployment(session=session, judge=judge, content=content, settings=settings, progress=progress)
    if deployment.pending:
        deployment.run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    pid: int


class _Deployment:
    """One `prisma migrate deploy`."""

    def __init__(
        self, *, session: Session, judge: Judge, content: Content, settings: Settings, progress: Progress
    ) -> None:
        self._session, self._judge, self._content = session, judge, content
        self._settings, self._progress = settings, progress
        self._total = len(self.pending)

    @property
    def pending(self) -> tuple[Migration, ...]:
        """What the ledger did not hold when it was last looked at."""
        return tuple(one for one in self._content.migrations if one.name not in self._progress.finished)

    def run(self) -> None:
        """Start it, follow it, and judge by the ledger what became of it."""
        self._progress.phase = "applying migrations"
        lay_out(self._content, self._settings.workspace)
        try:
            with self._start() as process:
                while not process.ends_within(_RHYTHM):
                    self._look()
                    self._ask_who_blocks()
                self._conclude(process, self._look())
        finally:
            self._end_sessions()

    def _start(self) -> PrismaProcess:
        config = cli_folder(self._settings) / "prisma.config.mjs"
        # -P: a file of the bundle is no module of Python's.
        command = (sys.executable, "-P", "-m", "prisma", "migrate", "deploy", "--config", config)
        given = environment(self._settings, os.environ)
        return PrismaProcess(command, environment=given, folder=self._settings.workspace)

    def _look(self) -> Seen:
        """See in the ledger how far it is, and say so."""
        rows = self._session.fetch(LedgerRow, ledger.rows(self._settings.login.schema))
        seen = Seen(objects=(), rows=tuple(rows))
        for migration in self.pending:
            if migration.name in seen.finished:
                self._progress.finish(migration.name)
                number = self._total - len(self.pending)
                log("applied", migration=migration.name, number=number, total=self._total)
        for name in seen.unfinished:
            self._begin(name)
        return seen

    def _begin(self, name: str) -> None:
        if self._progress.migration == name:
            return
        self._progress.begin(name)
        number = self._total - len(self.pending) + 1
        told = f"{APPLICATION_NAME} {number}/{self._total}"
        self._session.execute(sql.SQL("SET application_name = {}").format(told))

    def _ask_who_blocks(self) -> None:
        """Say who is in the way of its sessions: it waits without an end, as upstream does."""
        for one in self._session.fetch(_Session, _sessions()):
            if found := blockers(self._session, pid=one.pid):
                return self._progress.block(found)
        return self._progress.pass_on()

    def _conclude(self, process: PrismaProcess, seen: Seen) -> None:
        failed = next((one for one in self.pending if one.name in seen.unfinished), None)
        if failed is not None:
            self._leave_nothing(failed)
            raise RunFailedError(self._refused(failed, process.refusal))
        if process.exit_code or self.pending:
            raise RunFailedError(self._ended(process))

    def _leave_nothing(self, failed: Migration) -> None:
        """Let a failed migration be tried again, as the migrator's own way would, where nothing of it can be left.

        A script is one query, and so one transaction, unless it says otherwise itself.
        """
        if not (controls_transactions(failed.script, self._judge) or leaves_only_an_index(failed.script, self._judge)):
            self._session.execute(ledger.roll_back(self._settings.login.schema, name=failed.name))

    def _refused(self, failed: Migration, refusal: Refusal | None) -> Failure:
        message = "cannot apply a migration: PostgreSQL refused one of its statements to `prisma migrate deploy`"
        failure = Failure(reason=Reason.MIGRATION_FAILED, prisma_code="P3018", migration=failed.name, message=message)
        if refusal is None:
            return failure
        statement = failing_statement(
            failed.script, self._judge, completed=refusal.completed, position=refusal.position
        )
        return replace(failure, sqlstate=refusal.sqlstate, statement=statement, server_message=refusal.message)

    def _ended(self, process: PrismaProcess) -> Failure:
        words = self._without_password(process.last_words)
        code = _PRISMA_CODE.search(words)
        return Failure(
            reason=Reason.MIGRATION_FAILED,
            prisma_code=code.group() if code else None,
            migration=self.pending[0].name if self.pending else None,
            server_message=words,
            message=f"cannot apply migrations: `prisma migrate deploy` ended with exit code {process.exit_code}, "
            f"and {len(self.pending)} of {self._total} migrations are not in the ledger",
        )

    def _without_password(self, words: str) -> str:
        password = self._settings.login.password.reveal()
        return words.replace(quote(password, safe=""), "…").replace(password, "…")

    def _end_sessions(self) -> None:
        """End what a killed command line may have left running on the server. A lost session cannot: others do."""
        end = sql.SQL(_END_SESSIONS).format(sessions=_sessions())
        with suppress(ConnectionLostError, QueryError):
            self._session.execute(sql.SQL("SET ROLE NONE"), end, sql.SQL("RESET ROLE"))


def _sessions() -> sql.Composed:
    return sql.SQL(_SESSIONS).format(name=sql.Literal(CLI_NAME))
