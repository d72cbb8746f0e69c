"""One run, from the first look to the judge's verdict: look, plan, apply, verify."""

import uuid
from contextlib import suppress
from dataclasses import dataclass, field

from psycopg import sql

from litellm_database_operator.migrator import history, ledger
from litellm_database_operator.migrator.apply import Applier
from litellm_database_operator.migrator.content import Content
from litellm_database_operator.migrator.door import open_session
from litellm_database_operator.migrator.errors import ConnectionLostError, QueryError
from litellm_database_operator.migrator.extras import build_indexes, create_views
from litellm_database_operator.migrator.judge import Judge
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Seen, look
from litellm_database_operator.migrator.patience import patiently
from litellm_database_operator.migrator.plan import Plan, edited, make_plan, missing_views, unbuilt_indexes, unknown
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.report import explain, make_report
from litellm_database_operator.migrator.script import leaves_only_an_index
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.migrator.settings import Settings
from litellm_database_operator.migrator.stop import disarm
from litellm_database_operator.migrator.verify import incomplete, verify
from litellm_database_operator.model.names import SchemaName
from litellm_database_operator.model.report import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run works with; `progress` tells afterwards how far it came."""

    settings: Settings
    content: Content
    judge: Judge
    progress: Progress
    row_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Of the run's row in the history."""

    def migrate(self) -> None:
        """Bring the database to the bundle; RunFailedError says why it is not there."""
        while True:
            session = open_session(self.settings.login, self.judge, self.content, self.progress)
            try:
                self._migrate(session)
                return self._record(session, failure=None)
            except ConnectionLostError as error:
                # Whatever was under way may be committed or not: only a new look can tell.
                self.progress.obstacle = str(error)
                log("lost the connection", text=str(error))
            except BaseException as error:
                disarm()
                with suppress(QueryError, ConnectionLostError):  # the report tells it as well
                    self._record(session, failure=explain(error, self.progress))
                raise
            finally:
                session.close()

    def _migrate(self, session: Session) -> None:
        seen = look(session, self._schema)
        self.judge.warm_up(self.content.script_paths)
        self._begin(session, seen)
        self._apply(session, self._plan(seen))
        self._complete(session, look(session, self._schema))
        self._verify(look(session, self._schema))

    @property
    def _schema(self) -> SchemaName:
        return self.settings.login.schema

    def _begin(self, session: Session, seen: Seen) -> None:
        self.progress.phase = "writing the history"
        self.progress.finished = seen.finished
        fingerprint = self.progress.fingerprint
        session.execute(
            history.begin(row_id=self.row_id, job=self.settings.job, content=self.content, ledger=fingerprint)
        )

    def _record(self, session: Session, *, failure: Failure | None) -> None:
        self.progress.phase = "writing the history"
        report = make_report(self.progress, failure, bundle=self.content.version, digest=self.content.digest)
        # The one commit that waits for the disk; what was committed before it is on the disk then, too.
        session.execute(sql.SQL("RESET synchronous_commit"), history.end(report, row_id=self.row_id))

    def _plan(self, seen: Seen) -> Plan:
        self.progress.phase = "looking at the ledger"
        scripts = {migration.name: migration.script for migration in self.content.migrations}
        unfinished = [name for name in seen.unfinished if name in scripts]
        resumable = frozenset(name for name in unfinished if leaves_only_an_index(scripts[name], self.judge))
        plan = make_plan(self.content, seen, resumable=resumable)
        log(
            "planned",
            pending=len(plan.pending),
            finished=len(seen.finished),
            edited=len(edited(self.content, seen)),
            unknown=len(unknown(self.content, seen)),
        )
        return plan

    def _apply(self, session: Session, plan: Plan) -> None:
        schema = self._schema
        # A crash loses at worst the newest commits, a row of the ledger always together with what it stands for.
        session.execute(sql.SQL("SET synchronous_commit = off"))
        patiently(lambda: session.execute(*ledger.create(schema, app=self.settings.login.app)), self.progress)
        for name in plan.resume:
            session.execute(ledger.roll_back(schema, name=name))
        applier = Applier(session=session, judge=self.judge, schema=schema, progress=self.progress)
        for number, migration in enumerate(plan.pending, start=1):
            applier.apply(migration, number=number, total=len(plan.pending))

    def _complete(self, session: Session, seen: Seen) -> None:
        build_indexes(session, self._schema, unbuilt_indexes(self.content, seen), self.progress)
        create_views(session, missing_views(self.content, seen), self.progress)

    def _verify(self, seen: Seen) -> None:
        self.progress.phase = "comparing the database with schema.prisma"
        self.progress.finished = seen.finished
        self.progress.missing = verify(self.content, self.judge, seen)
        if self.progress.missing:
            raise incomplete(self.progress.missing)
