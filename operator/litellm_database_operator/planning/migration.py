"""When a migration Job runs; what its end means is in verdict.py, what runs beside it in aside.py.

Done is read from the database, never from a Job: a Job only says why the database is not done yet.
"""

from dataclasses import dataclass, replace
from typing import Final

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import CatalogFacts, InsideFacts, JobFacts, LoginState, Observed
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.schema_state import SchemaState
from litellm_database_operator.planning import state
from litellm_database_operator.planning.ahead import is_compatible
from litellm_database_operator.planning.aside import NOTHING_ASIDE, Aside, plan_aside, wants_aside
from litellm_database_operator.planning.findings import Finding, State, done, waiting
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.proof import told_of_proof
from litellm_database_operator.planning.question import is_aside, last_answer, migration_question, running_job
from litellm_database_operator.planning.running import (
    LOOK_AGAIN,
    LOOK_AT_A_RUN,
    held_up,
    migrating,
    replaceable,
    told_of_run,
)
from litellm_database_operator.planning.seen import state_of
from litellm_database_operator.planning.start import start
from litellm_database_operator.planning.steps import CloseMigration, DeleteJobs, Step
from litellm_database_operator.planning.target import taken
from litellm_database_operator.planning.verdict import judge_last_run

_AT_ONCE: Final = 0.0
_NOTHING: Final = InsideFacts(finished=frozenset(), unfinished=frozenset(), views=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """The steps towards the target, and how SchemaMigrated stands."""

    steps: tuple[Step, ...]
    finding: Finding
    aside: Aside = NOTHING_ASIDE


def is_complete(target: Bundle, inside: InsideFacts) -> bool:
    """Tell whether the database proves that it is at the target: ledger, views, and a run that compared the schema."""
    return (
        inside.finished.issuperset(target.migrations)
        and inside.views.issuperset(target.views)
        and target.digest in inside.verified
    )


def is_at_rest(
    resource: LiteLLMDatabase, catalog: CatalogFacts, inside: InsideFacts | None, occasion: Occasion
) -> bool:
    """Tell whether there is nothing to ask a Job, and nothing that one could tell."""
    if inside is None or catalog.migrator_unlocked or wants_aside(resource, inside, occasion):
        return False
    found = state_of(occasion.target, inside)
    done_with = found is SchemaState.CURRENT and is_complete(occasion.target, inside)
    return done_with or found in state.REFUSED


def plan_migration(resource: LiteLLMDatabase, observed: Observed, occasion: Occasion, *, is_new: bool) -> MigrationPlan:
    """Decide on the Job; `is_new` says that no login could ever enter the database, so that it is empty."""
    if observed.catalog.migrator_unlocked and running_job(observed.jobs) is None:
        close = CloseMigration(migrator=resource.roles.migrator)
        return MigrationPlan(steps=(close,), finding=_again("the run has ended; its result is being read"))
    if stuck := replaceable(resource, observed, occasion):
        steps = (DeleteJobs(jobs=(stuck.name,)),)
        return MigrationPlan(steps=steps, finding=_again("its pod cannot start, and is asked for otherwise now"))
    inside = _NOTHING if is_new else observed.inside
    if inside is None:
        return MigrationPlan(steps=(), finding=_unseen(observed))
    finding = _settled(resource, observed, inside, occasion)
    if finding is None:
        return _due(resource, observed, inside, occasion)
    aside = plan_aside(resource, observed, inside, occasion, settled=finding.state is not State.WAITING)
    if finding.state is State.DONE and (obstacle := told_of_proof(resource, inside, observed.jobs, occasion)):
        finding = replace(finding, message=f"{finding.message}; {obstacle}")
    return MigrationPlan(steps=aside.steps, finding=finding, aside=aside)


def _settled(resource: LiteLLMDatabase, observed: Observed, inside: InsideFacts, occasion: Occasion) -> Finding | None:
    """Return why no Job is started, or None when one is due."""
    running = running_job(observed.jobs)
    if running and not is_aside(running):
        return told_of_run(running, occasion.target)
    question = migration_question(resource, occasion.target, inside)
    asked_anew = bool(resource.retry) and last_answer(question, observed.jobs) is None
    if standing := _standing(resource, inside, occasion, asked_anew=asked_anew):
        return standing
    return judge_last_run(resource, question, observed.jobs, inside, occasion)


def _due(resource: LiteLLMDatabase, observed: Observed, inside: InsideFacts, occasion: Occasion) -> MigrationPlan:
    """Start the run that is due, or wait for its turn; what runs aside and cannot start makes way for it."""
    running = running_job(observed.jobs)
    if running and held_up(running):
        steps = (DeleteJobs(jobs=(running.name,)),)
        return MigrationPlan(steps=steps, finding=_again(f"Job {running.name} cannot start, and makes way"))
    if not running and observed.may_migrate:
        run = start(resource, observed, occasion, migration_question(resource, occasion.target, inside))
        finding = waiting(Reason.MIGRATING, migrating(occasion.target), retry_after=LOOK_AT_A_RUN)
        return MigrationPlan(steps=(run,), finding=finding)
    aside = plan_aside(resource, observed, inside, occasion, settled=False)
    return MigrationPlan(steps=(), finding=_in_turn(running), aside=aside)


def _in_turn(running: JobFacts | None) -> Finding:
    if running:
        text = f"Job {running.name}, which changes nothing, still runs; the migration comes after it"
        return waiting(Reason.MIGRATING, text, retry_after=LOOK_AT_A_RUN)
    full = "waiting for a free migration: limits.concurrentMigrations of the PostgresServer are running"
    return waiting(Reason.PENDING, full, retry_after=LOOK_AGAIN)


def _standing(
    resource: LiteLLMDatabase, inside: InsideFacts, occasion: Occasion, *, asked_anew: bool
) -> Finding | None:
    """Return what the database itself says against a run, or None where a run can bring it further."""
    target = occasion.target
    match state_of(target, inside):
        case SchemaState.FOREIGN:
            return state.foreign(resource, inside)
        case SchemaState.UNLEDGERED:
            return state.unledgered(inside)
        case SchemaState.AHEAD:
            return state.ahead(target, inside, compatible=is_compatible(target, inside))
        case SchemaState.DRIFTED if not asked_anew:
            return state.drifted(resource, target, inside)
        case SchemaState.CURRENT if is_complete(target, inside):
            return done(Reason.MIGRATED, f"ledger, views and schema match bundle {target.version}{taken(target)}")
        case _:
            return None


def _again(message: str) -> Finding:
    return waiting(Reason.MIGRATING, message, retry_after=_AT_ONCE)


def _unseen(observed: Observed) -> Finding:
    if observed.login is LoginState.CROWDED:
        # not at once: looking again is one more connection
        text = "cannot look at the ledger while the app's connections, or the server's, are all in use"
        return waiting(Reason.SERVER_BUSY, text, retry_after=LOOK_AGAIN)
    return _again("waiting for the app's login, to look at the ledger")
