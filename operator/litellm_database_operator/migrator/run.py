"""One run, from the first look to the judge's verdict: look, plan, ask the gate, apply, verify."""

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from psycopg import sql

from litellm_database_operator.migrator import history, ledger
from litellm_database_operator.migrator.apply.extras import build_indexes, create_views
from litellm_database_operator.migrator.apply.files import Applier
from litellm_database_operator.migrator.apply.mend import mend_indexes
from litellm_database_operator.migrator.compare.standing import Script, Standing
from litellm_database_operator.migrator.compare.verify import incomplete, verify
from litellm_database_operator.migrator.content import Content
from litellm_database_operator.migrator.door import open_session
from litellm_database_operator.migrator.errors import ConnectionLostError, QueryError
from litellm_database_operator.migrator.judge import Judge
from litellm_database_operator.migrator.log import log, show
from litellm_database_operator.migrator.look import Seen, look
from litellm_database_operator.migrator.patience import may_pass, patiently, say_again
from litellm_database_operator.migrator.plan.gate import Scope, ask_gate, read_scope
from litellm_database_operator.migrator.plan.plan import Plan, PlannedFile
from litellm_database_operator.migrator.plan.planner import Planner
from litellm_database_operator.migrator.plan.rows import ask_again
from litellm_database_operator.migrator.plan.wording import describe, summary
from litellm_database_operator.migrator.plan.work import Work, missing_views, state_of, unbuilt_indexes
from litellm_database_operator.migrator.prisma_cli.deployment import deploy
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.report import explain, make_report
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.migrator.settings import Settings
from litellm_database_operator.migrator.stop import disarm
from litellm_database_operator.model.migration import Engine, Policy, RunMode
from litellm_database_operator.model.names import SchemaName
from litellm_database_operator.model.report import Failure, Outcome
from litellm_database_operator.model.schema_state import SchemaState

_WRITING = sql.SQL("SET default_transaction_read_only = off")
"""Ends a preview's own restraint: the history is written even of that."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What a run works with; `progress` tells afterwards how far it came."""

    settings: Settings
    content: Content
    judge: Judge
    progress: Progress
    row_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Of the run's row in the history."""
    pause: float = 0.0
    """Seconds before the next try, after one that failed for a reason that passes."""

    def migrate(self) -> None:
        """Do what the settings ask for; RunFailedError says why the database is not what it should be."""
        locked = self.settings.mode is RunMode.MIGRATE
        while True:
            session = open_session(self.settings.login, self.judge, self.content, self.progress, locked=locked)
            try:
                self._run(session)
                return self._record(session, failure=None)
            except BaseException as error:
                if not may_pass(error):
                    self._fail(session, error)
                    raise
                # Whatever was under way may be committed or not: only a new look can tell.
                self.pause = say_again(error, self.progress)
            finally:
                session.close()

    def _fail(self, session: Session, error: BaseException) -> None:
        disarm()
        with suppress(QueryError, ConnectionLostError):  # the report tells it as well
            self._record(session, failure=explain(error, self.progress))

    def _run(self, session: Session) -> None:
        time.sleep(self.pause)
        self.progress.ended = None  # how a try ended that could not be recorded says nothing of this one
        if self.settings.mode is RunMode.PREVIEW:
            self._preview(session)
        else:
            self._migrate(session)

    def _preview(self, session: Session) -> None:
        """Plan, as for a run; a database that is ahead has a plan too: an empty one."""
        session.execute(sql.SQL("SET default_transaction_read_only = on"))
        plan, _ = self._planner(session).plan(self._look(session), ahead=True)
        session.execute(_WRITING)
        self._tell(session, plan)
        self.progress.ended = Outcome.PLANNED

    def _migrate(self, session: Session) -> None:
        # A crash loses at worst the newest commits, a row of the ledger always together with what it stands for.
        session.execute(sql.SQL("SET synchronous_commit = off"))
        seen = self._look(session)
        session.execute(self._begin())
        standing = Standing(content=self.content, judge=self.judge, schema=self._schema)
        plan, work = self._planner(session, standing.known).plan(seen)
        self._tell(session, plan)
        if not self._passes(session, plan):
            self.progress.ended = Outcome.AWAITING_APPROVAL
            return
        if work.pending:
            self._warm_up()
        standing.ask(seen)
        self._apply(session, work, plan)
        if work.pending:
            seen = look(session, self._schema)
        self._verify(session, self._complete(session, seen), standing)

    @property
    def _schema(self) -> SchemaName:
        return self.settings.login.schema

    def _planner(self, session: Session, known: dict[str, Script] | None = None) -> Planner:
        known = {} if known is None else known
        return Planner(session=session, content=self.content, judge=self.judge, schema=self._schema, known=known)

    def _look(self, session: Session) -> Seen:
        self.progress.phase = "looking at the ledger"
        seen = look(session, self._schema)
        self.progress.finished = seen.finished
        self.progress.state = self.progress.state or state_of(self.content, seen)
        return seen

    def _begin(self) -> sql.Composed:
        progress = self.progress
        total, before = len(self.content.migrations), progress.fingerprint
        return history.begin(self.settings, row_id=self.row_id, total=total, ledger=before, state=progress.state)

    def _tell(self, session: Session, plan: Plan) -> None:
        """Say what is going to be done: in the history, in the log, in the report."""
        self.progress.phase = "writing the history"
        self.progress.plan = summary(plan)
        session.execute(self._begin(), history.plan(plan, row_id=self.row_id))
        if self.settings.mode is RunMode.PREVIEW or not plan.does_nothing:
            show(describe(plan))

    def _passes(self, session: Session, plan: Plan) -> bool:
        gate = ask_gate(self.settings.policy, self.settings.approved, plan, begun=self._begun(session, plan))
        log("gate", passes="yes" if gate.passes else "no", text=gate.words, plan=plan.digest)
        return gate.passes

    def _begun(self, session: Session, plan: Plan) -> Scope | None:
        """Return what is approved where this plan is not: a run may have begun that, and been cut off."""
        if self.settings.approved in {"", plan.digest}:
            return None
        found = session.fetch(history.Begun, history.begun(self.settings))
        return read_scope(found[0].plan) if found else None

    def _apply(self, session: Session, work: Work, plan: Plan) -> None:
        schema = self._schema
        patiently(lambda: session.execute(*ledger.create(schema, app=self.settings.login.app)), self.progress)
        for name in work.resume:
            session.execute(ledger.roll_back(schema, name=name))
        if self.settings.migration_engine is Engine.PRISMA_CLI:
            patiently(partial(self._ask_again, session, *plan.files), self.progress)
            return deploy(session, self.judge, self.content, self.settings, self.progress)
        applier = Applier(session=session, judge=self.judge, schema=schema, progress=self.progress)
        for number, (migration, file) in enumerate(zip(work.pending, plan.files, strict=True), start=1):
            ask = partial(self._ask_again, session, file)
            applier.apply(migration, number=number, total=len(work.pending), ask=ask)
        return None

    def _ask_again(self, session: Session, *files: PlannedFile) -> None:
        """Ask again, right before files run, for rows that were not there when they were planned.

        They may have waited for locks for hours. Where there are rows now, PlanOutdatedError lets the run begin again
        with a plan that says so, which the gate has to let pass anew.
        """
        if self.settings.policy is Policy.AUTO:
            return
        for file in files:
            ask_again(session, self._schema, file)

    def _warm_up(self) -> None:
        """Let the judge try what it will be asked afterwards; all of it only where nobody works with the tables yet."""
        alone = self.progress.state is SchemaState.EMPTY
        self.judge.warm_up(self.content.script_paths, self.content.datamodel if alone else None)

    def _complete(self, session: Session, seen: Seen) -> Seen:
        """Build what belongs to the bundle and is in no migration; return the database as it is then."""
        if seen.invalid:
            mend_indexes(session, self._schema, seen.invalid, self.progress)
            seen = look(session, self._schema)
        indexes, views = unbuilt_indexes(self.content, seen), missing_views(self.content, seen)
        build_indexes(session, self._schema, indexes, self.progress)
        create_views(session, views, self.progress)
        return look(session, self._schema) if indexes or views else seen

    def _verify(self, session: Session, seen: Seen, standing: Standing) -> None:
        self.progress.phase = "comparing the database with schema.prisma"
        self.progress.finished = seen.finished
        self.progress.missing = verify(self.content, self.judge, seen, standing, session)
        if self.progress.missing:
            if self.progress.state is SchemaState.CURRENT:
                self.progress.state = SchemaState.DRIFTED
            raise incomplete(self.progress.missing, drifted=self.progress.state is SchemaState.DRIFTED)

    def _record(self, session: Session, *, failure: Failure | None) -> None:
        self.progress.phase = "writing the history"
        report = make_report(self.progress, failure, bundle=self.content.version, digest=self.content.digest)
        end = history.end(report, row_id=self.row_id, missing=self.progress.missing)
        session.execute(_WRITING)
        # The one commit that waits for the disk; what was committed before it is on the disk then, too.
        session.execute(sql.SQL("RESET synchronous_commit"), self._begin(), end)
