"""Makes the plan of a run: asks the judge what pending files do, and the database what they hit. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from litellm_database_operator.migrator.compare.standing import Script
from litellm_database_operator.migrator.content import Content, Migration
from litellm_database_operator.migrator.errors import RunFailedError
from litellm_database_operator.migrator.judge import AskedEffects, Judge, JudgeError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Seen
from litellm_database_operator.migrator.plan.catalog import fetch_catalog
from litellm_database_operator.migrator.plan.course import Course
from litellm_database_operator.migrator.plan.effect import StatementEffects
from litellm_database_operator.migrator.plan.plan import Plan, PlannedFile
from litellm_database_operator.migrator.plan.rows import Rows
from litellm_database_operator.migrator.plan.statements import plan_files
from litellm_database_operator.migrator.plan.work import Work, edited, find_work, refuse, state_of, unknown
from litellm_database_operator.migrator.script import leaves_only_an_index
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure
from litellm_database_operator.model.schema_state import SchemaState


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """What planning needs."""

    session: Session
    content: Content
    judge: Judge
    schema: SchemaName
    known: dict[str, Script] = field(default_factory=dict[str, Script])
    """What files do, by SHA-256: those that were read for the plan are put there."""

    def plan(self, seen: Seen, *, ahead: bool = False) -> tuple[Plan, Work]:
        """Plan the way to the bundle; RunFailedError where a person must act first.

        `ahead`: that the database is ahead of the bundle is no reason to refuse.
        """
        resumable = self._resumable(seen)
        refuse(self.content, seen, resumable=resumable, ahead=ahead)
        work = find_work(self.content, seen, resumable=resumable)
        state = state_of(self.content, seen)
        plan = Plan(
            bundle=self.content.version,
            target=self.content.digest,
            state=state,
            files=self._files(work.pending, state),
            indexes=work.indexes,
            views=work.views,
        )
        self._log(plan, seen)
        return plan, work

    def _resumable(self, seen: Seen) -> frozenset[str]:
        scripts = {migration.name: migration.script for migration in self.content.migrations}
        unfinished = [name for name in seen.unfinished if name in scripts]
        return frozenset(name for name in unfinished if leaves_only_an_index(scripts[name], self.judge))

    def _files(self, pending: Sequence[Migration], state: SchemaState) -> tuple[PlannedFile, ...]:
        """Plan the files. In an empty schema there is nothing that they could lose, break or be in the way of."""
        if state is SchemaState.EMPTY or not pending:
            return tuple(PlannedFile(name=each.name, checksum=each.checksum) for each in pending)
        asked = self.judge.ask_effects({migration.name: migration.script for migration in pending})
        course = Course(fetch_catalog(self.session, self.schema), self.schema)
        rows = Rows(session=self.session, schema=self.schema)
        told = _answer(asked)
        self.known.update({migration.checksum: told[migration.name] for migration in pending})
        return plan_files(pending, told, course, rows.exist)

    def _log(self, plan: Plan, seen: Seen) -> None:
        log(
            "planned",
            plan=plan.digest,
            state=plan.state,
            pending=len(plan.files),
            finished=len(seen.finished),
            edited=len(edited(self.content, seen)),
            unknown=len(unknown(self.content, seen)),
        )


def _answer(asked: AskedEffects) -> Mapping[str, Sequence[StatementEffects]]:
    try:
        return {script.name: script.statements for script in asked.answer()}
    except JudgeError as error:
        if error.script is None:
            raise
        raise RunFailedError(
            Failure(
                reason=Reason.MIGRATION_FAILED,
                prisma_code="P3018",
                sqlstate=error.sqlstate,
                migration=error.script,
                server_message=error.message,
                message="cannot plan: a migration is not what PostgreSQL's parser can read; nothing was applied",
            )
        ) from error
