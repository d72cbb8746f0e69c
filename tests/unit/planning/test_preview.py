"""What another target would bring: when a run is due for it, what is told, and that Ready does not depend on it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from litellm_database_operator.model import names
from litellm_database_operator.model.bundle import Bundle, BundleVersion, Digest, ledger_fingerprint
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.observed import InsideFacts, JobFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure, Outcome
from litellm_database_operator.model.schema_state import SchemaState
from litellm_database_operator.planning.findings import State
from litellm_database_operator.planning.migration import is_at_rest
from litellm_database_operator.planning.occasion import PreviewTarget
from litellm_database_operator.planning.plan import Plan, make_plan
from litellm_database_operator.planning.preview import PreviewFinding
from litellm_database_operator.planning.steps import CloseMigration, DeleteJobs, StartMigration
from tests.support.gate import DIGEST, LOSES, planned, previewed
from tests.support.planning import (
    BUNDLE,
    EMPTY,
    NEWER,
    NOW,
    catalog_of,
    inside_of,
    job_of,
    occasion_of,
    pod_of,
    ready,
    report_of,
    resource_of,
)

NEWEST = Bundle(
    version=BundleVersion("0.4.41"),
    digest=Digest("sha256:" + "c" * 64),
    litellm=("1.83.0",),
    migrations=(*NEWER.migrations, "20250401000000_fourth"),
    views=NEWER.views,
)
PREVIEW = PreviewTarget(bundle=NEWER)
UNREACHABLE = Failure(reason=Reason.SERVER_UNREACHABLE, message="cannot reach the server")
BROKEN = Failure(reason=Reason.MIGRATION_FAILED, message="cannot read a script", prisma_code="P3018")


def plan(
    *jobs: JobFacts,
    preview: PreviewTarget | None = PREVIEW,
    inside: InsideFacts | None = None,
    target: Bundle = BUNDLE,
    annotation: str = "",
    **changes: Any,
) -> Plan:
    """Return the plan for a database at its bundle, where another is asked about."""
    annotations = {names.RETRY_ANNOTATION: annotation} if annotation else {}
    resource = resource_of({"migration": {"preview": {"version": "1.82.0"}}}, annotations=annotations)
    observed = ready(resource, inside=inside or inside_of(), jobs=jobs, **changes)
    occasion = replace(occasion_of(resource, target=target), preview=preview)
    return make_plan(resource, observed, occasion)


def started(made: Plan) -> StartMigration:
    """Return the one Job that is started."""
    (step,) = made.steps
    assert isinstance(step, StartMigration)
    return step


def told(made: Plan) -> PreviewFinding:
    """Return what is told of the preview."""
    assert made.aside.preview is not None
    return made.aside.preview


def failed(failure: Failure | None, **changes: Any) -> JobFacts:
    """Return a preview that failed."""
    left = pod_of(left=report_of(failure=failure), exit_code=1) if failure else pod_of(exit_code=137)
    return replace(previewed(), **({"succeeded": False, "pod": left} | changes))


# Due


def test_a_preview_is_planned_beside_a_database_that_is_ready() -> None:
    made = plan()
    step = started(made)
    assert (step.mode, step.bundle, step.target, step.gate) == (RunMode.PREVIEW, NEWER.version, NEWER.digest, "")
    assert step.ledger == ledger_fingerprint(BUNDLE.migrations)
    assert (made.decisive(), made.retry_after()) == (None, 10)
    assert told(made) == PreviewFinding(bundle=NEWER, state=SchemaState.BEHIND, message="a Job plans it")


@pytest.mark.parametrize(
    ("changes", "jobs"),
    [
        pytest.param({"target": NEWER, "preview": PreviewTarget(bundle=NEWEST)}, (planned(),), id="waits"),
        pytest.param({"target": NEWER, "preview": PreviewTarget(bundle=NEWEST)},
                     (job_of(NEWER, ledger=BUNDLE.migrations, finished=True, deadline_exceeded=True),), id="failed"),
        pytest.param({"inside": inside_of(NEWER), "preview": PreviewTarget(bundle=NEWEST)}, (), id="is ahead"),
    ],
)  # fmt: skip
def test_a_preview_is_planned_for_a_database_that(changes: dict[str, Any], jobs: tuple[JobFacts, ...]) -> None:
    made = plan(*jobs, **changes)
    assert made.migrated.state is State.STALLED
    assert (started(made).mode, started(made).target) == (RunMode.PREVIEW, NEWEST.digest)
    assert started(made).replaces == (), "the log of the migration stays"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"inside": EMPTY}, id="is to be migrated first"),
        pytest.param({"inside": EMPTY, "may_migrate": False}, id="waits for its migration"),
        pytest.param({"inside": EMPTY, "jobs": (job_of(),)}, id="is being migrated"),
        pytest.param(
            {"inside": EMPTY, "jobs": (job_of(finished=True, pod=pod_of(exit_code=137)),)}, id="is tried again"
        ),
    ],
)
def test_no_preview_is_planned_for_a_database_that(changes: dict[str, Any]) -> None:
    jobs = changes.pop("jobs", ())
    made = plan(*jobs, **changes)
    assert not [step for step in made.steps if isinstance(step, StartMigration) and step.mode is RunMode.PREVIEW]
    assert made.migrated.state is State.WAITING


def test_while_the_target_comes_first_the_preview_says_so_and_hurries_nobody() -> None:
    stuck = job_of(pod=pod_of(waiting="ErrImagePull", message="no such image"))
    made = plan(stuck, inside=EMPTY)
    assert told(made).message == "it is planned once the database is at its target"
    assert (made.migrated.reason, made.retry_after()) == (Reason.IMAGE_PULL_FAILED, 30)


def test_a_preview_waits_for_a_free_slot() -> None:
    made = plan(may_migrate=False)
    assert (made.steps, made.aside.waits, made.retry_after(), made.decisive()) == ((), True, 30, None)


def test_without_a_preview_nothing_is_told() -> None:
    made = plan(preview=None)
    assert (made.steps, made.aside.preview, made.retry_after()) == ((), None, None)


# Once


def test_a_preview_is_planned_once() -> None:
    job = previewed()
    made = plan(job)
    assert (made.steps, made.retry_after(), made.decisive()) == ((), None, None)
    assert told(made) == PreviewFinding(bundle=NEWER, state=SchemaState.BEHIND, plan=LOSES, job=job.name)


@pytest.mark.parametrize(
    ("jobs", "changes"),
    [
        pytest.param((previewed(),), {"preview": PreviewTarget(bundle=NEWEST)}, id="its target"),
        pytest.param((previewed(ledger=ledger_fingerprint(BUNDLE.migrations[:1])),), {}, id="the ledger"),
    ],
)
def test_a_preview_is_planned_anew_when_it_changes(jobs: tuple[JobFacts, ...], changes: dict[str, Any]) -> None:
    made = plan(*jobs, **changes)
    assert started(made).mode is RunMode.PREVIEW
    assert started(made).replaces == (jobs[0].name,)
    assert told(made).plan is None


def test_a_retry_of_a_migration_is_none_of_a_preview_that_is_there() -> None:
    assert plan(previewed(), annotation="again").steps == ()


def test_a_preview_keeps_the_last_migrations_job() -> None:
    migration = job_of(finished=True, succeeded=True)
    assert started(plan(previewed(ledger="other"), migration)).replaces == ("gateway-migrate-11111111",)


# Running


def test_a_running_preview_leaves_ready_as_it_is() -> None:
    resource = resource_of()
    running = previewed(finished=False, succeeded=False, pod=pod_of())
    catalog = replace(catalog_of(resource), migrator_unlocked=True)
    made = plan(running, catalog=catalog)
    assert (made.steps, made.decisive(), made.retry_after()) == ((), None, 10)
    assert told(made).message == "a Job plans it"


def test_a_preview_that_cannot_start_says_why() -> None:
    running = previewed(finished=False, succeeded=False, pod=pod_of(waiting="Unschedulable", message="0/1 nodes"))
    made = plan(running)
    assert made.decisive() is None
    assert '"0/1 nodes"' in told(made).message


def test_a_preview_that_ended_is_closed_and_read_in_the_same_pass() -> None:
    resource = resource_of()
    made = plan(previewed(), catalog=replace(catalog_of(resource), migrator_unlocked=True))
    assert made.steps == (CloseMigration(migrator=resource.roles.migrator),)
    assert made.retry_after() == 0


def test_a_migration_comes_after_a_running_preview() -> None:
    running = previewed(finished=False, succeeded=False, pod=pod_of())
    made = plan(running, target=NEWER)
    assert (made.steps, made.migrated.state, made.migrated.reason) == ((), State.WAITING, Reason.MIGRATING)
    assert "the migration comes after it" in made.migrated.message


def test_a_preview_that_cannot_start_makes_way_for_a_migration() -> None:
    running = previewed(finished=False, succeeded=False, pod=pod_of(waiting="Unschedulable", message="0/1 nodes"))
    made = plan(running, target=NEWER)
    assert made.steps == (DeleteJobs(jobs=(running.name,)),)
    assert (made.migrated.state, made.retry_after()) == (State.WAITING, 0)


# Not planned


@pytest.mark.parametrize(
    ("changes", "state", "failed_as", "words"),
    [
        pytest.param({"preview": PreviewTarget(bundle=None, refusal="cannot migrate to LiteLLM 9.9.9")}, None,
                     Reason.UNKNOWN_VERSION, "cannot migrate to LiteLLM 9.9.9", id="an unknown version"),
        pytest.param({"preview": PreviewTarget(bundle=None, refusal="no file of it makes column t.c",
                                               reason=Reason.BUNDLE_INCOMPLETE)}, None,
                     Reason.BUNDLE_INCOMPLETE, "no file of it makes column t.c", id="a bundle with gaps"),
        pytest.param({"preview": PreviewTarget(bundle=BUNDLE)}, None, None, "status.schema.plan",
                     id="the target itself"),
        pytest.param({"inside": inside_of(NEWER), "target": NEWER, "preview": PreviewTarget(bundle=BUNDLE)},
                     SchemaState.AHEAD, Reason.AHEAD_OF_TARGET, "Nothing is ever migrated back", id="an older one"),
        pytest.param({"inside": replace(inside_of(), tables=frozenset({"orders"}))}, SchemaState.FOREIGN,
                     Reason.FOREIGN_TABLES, '"orders"', id="beside foreign tables"),
        pytest.param({"inside": replace(EMPTY, tables=frozenset({"LiteLLM_UserTable"}))}, SchemaState.UNLEDGERED,
                     Reason.UNLEDGERED, '"LiteLLM_UserTable"', id="without a ledger"),
    ],
)  # fmt: skip
def test_what_needs_no_run_to_be_known(
    changes: dict[str, Any], state: SchemaState | None, failed_as: Reason | None, words: str
) -> None:
    made = plan(**changes)
    assert made.steps == ()
    assert (told(made).state, told(made).failed, told(made).plan) == (state, failed_as, None)
    assert words in told(made).message


@pytest.mark.parametrize(
    ("job", "reason", "again"),
    [
        pytest.param(failed(BROKEN), Reason.MIGRATION_FAILED, None, id="for good"),
        pytest.param(failed(UNREACHABLE), Reason.SERVER_UNREACHABLE, 540, id="by a passing fault"),
        pytest.param(failed(None), Reason.MIGRATION_INTERRUPTED, 540, id="without a word"),
        pytest.param(
            failed(None, pod=pod_of(left="{no", exit_code=1)), Reason.REPORT_INVALID, None, id="with no report"
        ),
        pytest.param(previewed(None), Reason.MIGRATION_INTERRUPTED, 540, id="well, and without a plan"),
    ],
)
def test_a_preview_that_failed_is_told_and_ready_stays(job: JobFacts, reason: Reason, again: float | None) -> None:
    made = plan(job)
    assert (made.steps, made.decisive(), made.retry_after()) == ((), None, again)
    assert (told(made).failed, told(made).job) == (reason, job.name)
    assert "0.4.40" in told(made).message


def test_a_preview_that_a_fault_ended_is_tried_again() -> None:
    old = failed(UNREACHABLE, created=NOW - timedelta(minutes=10))
    assert started(plan(old)).mode is RunMode.PREVIEW


def test_a_preview_that_failed_for_good_is_not_tried_again_by_itself() -> None:
    assert plan(failed(BROKEN, created=NOW - timedelta(days=1))).steps == ()


def test_a_plan_of_a_run_that_failed_is_not_believed() -> None:
    made = told(plan(previewed(succeeded=False)))
    assert (made.plan, made.failed) == (None, Reason.MIGRATION_INTERRUPTED)


def test_suspended_nothing_is_planned_nor_waited_for() -> None:
    resource = resource_of({"suspend": True, "migration": {"preview": {"version": "1.82.0"}}})
    occasion = replace(occasion_of(resource), preview=PREVIEW)
    made = make_plan(resource, ready(resource), occasion)
    assert (made.steps, made.retry_after(), made.aside.preview) == ((), None, None)


def test_a_retry_tries_a_preview_again_that_failed() -> None:
    assert plan(failed(BROKEN)).steps == ()
    assert started(plan(failed(BROKEN), annotation="again")).retry == "again"


def test_a_forged_outcome_is_no_preview() -> None:
    forged = planned(outcome=Outcome.MIGRATED, mode=RunMode.PREVIEW, gate="")
    assert told(plan(forged)).plan is None


# At rest


@pytest.mark.parametrize(
    ("preview", "rests"),
    [
        pytest.param(None, True, id="no preview"),
        pytest.param(PREVIEW, False, id="a preview"),
        pytest.param(PreviewTarget(bundle=BUNDLE), True, id="of the target itself"),
        pytest.param(PreviewTarget(bundle=None, refusal="no"), True, id="of an unknown version"),
    ],
)
def test_jobs_are_looked_at_only_where_one_can_tell_something(preview: PreviewTarget | None, *, rests: bool) -> None:
    resource = resource_of()
    occasion = replace(occasion_of(resource), preview=preview)
    assert is_at_rest(resource, catalog_of(resource), inside_of(), occasion) is rests


def test_the_plans_name_is_what_a_person_approves() -> None:
    assert told(plan(previewed())).plan == replace(LOSES, digest=DIGEST)
