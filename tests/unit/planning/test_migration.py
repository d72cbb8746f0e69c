"""When a Job is started, and what its end means; the database's word counts, a Job's only explains."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from litellm_database_operator.model import names
from litellm_database_operator.model.bundle import Bundle, ledger_fingerprint
from litellm_database_operator.model.observed import InsideFacts, JobFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure
from litellm_database_operator.planning.findings import Finding, State
from litellm_database_operator.planning.migration import is_complete
from litellm_database_operator.planning.plan import make_plan
from litellm_database_operator.planning.steps import CloseMigration, DeleteJobs, StartMigration, Step
from tests.support.planning import (
    BUNDLE,
    EMPTY,
    NEWER,
    NOW,
    VERIFIED,
    catalog_of,
    inside_of,
    job_of,
    occasion_of,
    pod_of,
    ready,
    report_of,
    resource_of,
)

RESOURCE = resource_of()
HALF = replace(EMPTY, finished=frozenset(BUNDLE.migrations[:1]))
NO_VIEWS = replace(inside_of(), views=frozenset[str]())
FAILURE = Failure(
    reason=Reason.MIGRATION_FAILED,
    message="cannot apply a migration",
    prisma_code="P3018",
    sqlstate="42P07",
    migration="20250201000000_second",
    statement='CREATE TABLE "X"',
    server_message='relation "X" already exists',
)


def migrate(
    inside: InsideFacts | None, *jobs: JobFacts, target: Bundle = BUNDLE, annotation: str = "", **changes: Any
) -> tuple[tuple[Step, ...], Finding]:
    """Return the steps towards `target` and how SchemaMigrated stands, in a database that is well otherwise."""
    annotations = {names.RETRY_ANNOTATION: annotation} if annotation else {}
    resource = resource_of(annotations=annotations)
    observed = ready(resource, inside=inside, jobs=jobs, **changes)
    plan = make_plan(resource, observed, occasion_of(resource, target=target))
    return plan.steps, plan.migrated


def started(steps: tuple[Step, ...]) -> StartMigration:
    """Return the one Job that is started."""
    (step,) = steps
    assert isinstance(step, StartMigration)
    return step


def failed(failure: Failure | None = FAILURE, **changes: Any) -> JobFacts:
    """Return a Job that failed at once in an empty database."""
    left = pod_of(left=report_of(failure=failure), exit_code=1) if failure else pod_of(exit_code=1)
    return replace(job_of(finished=True, pod=left), **changes)


def succeeded(**changes: Any) -> JobFacts:
    """Return a Job that brought an empty database to the bundle."""
    left = pod_of(left=report_of(ledger=BUNDLE.migrations, applied=2), exit_code=0)
    return replace(job_of(finished=True, succeeded=True, pod=left), **changes)


# Complete


@pytest.mark.parametrize(
    ("inside", "complete"),
    [
        pytest.param(inside_of(), True, id="ledger, views and a comparison"),
        pytest.param(inside_of(NEWER), False, id="never compared with this bundle"),
        pytest.param(
            replace(inside_of(NEWER), judged={BUNDLE.digest: VERIFIED}), True, id="more migrations than needed"
        ),
        pytest.param(NO_VIEWS, False, id="a view is gone"),
        pytest.param(replace(inside_of(), finished=HALF.finished), False, id="a migration is not there"),
        pytest.param(replace(inside_of(), judged={}), False, id="nobody compared"),
        pytest.param(EMPTY, False, id="empty"),
    ],
)
def test_complete_is_what_the_database_proves(inside: InsideFacts, *, complete: bool) -> None:
    assert is_complete(BUNDLE, inside) is complete


def test_a_complete_database_needs_no_job_whatever_jobs_say() -> None:
    steps, finding = migrate(inside_of(), failed())
    assert (steps, finding.state, finding.reason) == ((), State.DONE, Reason.MIGRATED)


# Ahead


AHEAD = replace(inside_of(NEWER), judged=dict.fromkeys((BUNDLE.digest, NEWER.digest), VERIFIED))


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param(AHEAD, id="once compared with the target"),
        pytest.param(inside_of(NEWER), id="never compared with the target"),
        pytest.param(replace(EMPTY, finished=frozenset(NEWER.migrations[2:])), id="with gaps"),
    ],
)
def test_a_database_that_is_ahead_is_never_migrated_nor_called_up_to_date(inside: InsideFacts) -> None:
    steps, finding = migrate(inside)
    assert (steps, finding.state, finding.reason) == ((), State.STALLED, Reason.AHEAD_OF_TARGET)
    assert "20250301000000_third" in finding.message


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("20240101000000_forgotten", id="an old one that LiteLLM has dropped since"),
        pytest.param("20991231000000_baseline_diff", id="a baseline diff of LiteLLM's own migrator"),
    ],
)
def test_an_unknown_migration_alone_does_not_put_a_database_ahead(name: str) -> None:
    _, finding = migrate(replace(inside_of(), finished=inside_of().finished | {name}))
    assert finding.reason is Reason.MIGRATED


def test_a_name_in_the_ledger_is_foreign_text() -> None:
    _, finding = migrate(replace(inside_of(), finished=inside_of().finished | {"9\x1b[31m\n" + "x" * 5_000}))
    assert finding.message.isprintable()
    assert len(finding.message) < 600


# Started


@pytest.mark.parametrize(
    "inside",
    [pytest.param(EMPTY, id="empty"), pytest.param(HALF, id="half way"), pytest.param(NO_VIEWS, id="views gone")],
)
def test_without_a_job_one_is_started(inside: InsideFacts) -> None:
    steps, finding = migrate(inside)
    step = started(steps)
    assert (step.target, step.ledger, step.replaces) == (BUNDLE.digest, ledger_fingerprint(inside.finished), ())
    assert (finding.state, finding.reason, finding.retry_after) == (State.WAITING, Reason.MIGRATING, 10)


def test_a_started_job_brings_the_resources_wishes() -> None:
    resource = resource_of({"migration": {"deadline": 60, "podTemplate": {"priorityClassName": "batch"}}})
    plan = make_plan(resource, ready(resource, inside=EMPTY, ca="PEM", ca_secret=None), occasion_of(resource))
    (step,) = [step for step in plan.steps if isinstance(step, StartMigration)]
    assert (step.deadline, step.pod_template.priority_class_name, step.ca) == (60, "batch", "PEM")
    assert step.binding.login == resource.roles.migrator


def test_the_same_look_starts_the_same_job() -> None:
    assert started(migrate(HALF)[0]).job == started(migrate(HALF)[0]).job


@pytest.mark.parametrize(
    ("inside", "target", "annotation"),
    [
        pytest.param(EMPTY, BUNDLE, "", id="another ledger"),
        pytest.param(HALF, NEWER, "", id="another target"),
        pytest.param(HALF, BUNDLE, "again", id="a retry"),
    ],
)
def test_another_question_is_another_job(inside: InsideFacts, target: Bundle, annotation: str) -> None:
    other = started(migrate(inside, target=target, annotation=annotation)[0])
    assert other.job != started(migrate(HALF)[0]).job


def test_while_the_ledger_cannot_be_read_no_job_is_started() -> None:
    steps, finding = migrate(None)
    assert not [step for step in steps if isinstance(step, StartMigration)]
    assert finding.state is State.WAITING


def test_a_job_waits_for_a_free_slot() -> None:
    steps, finding = migrate(EMPTY, may_migrate=False)
    assert (steps, finding.state, finding.reason, finding.retry_after) == ((), State.WAITING, Reason.PENDING, 30)
    assert "limits.concurrentMigrations" in finding.message


# Running


@pytest.mark.parametrize(
    ("job", "target", "reason", "told"),
    [
        pytest.param(job_of(), BUNDLE, Reason.MIGRATING, "runs to bundle 0.4.39", id="running"),
        pytest.param(job_of(pod=None), BUNDLE, Reason.MIGRATING, "runs to bundle", id="without a pod yet"),
        pytest.param(job_of(), NEWER, Reason.MIGRATING, "0.4.40 comes after it", id="to another bundle"),
        pytest.param(job_of(pod=None, refused="exceeded quota: team"), BUNDLE, Reason.POD_REFUSED,
                     '"exceeded quota: team"', id="its pod is refused"),
        pytest.param(job_of(pod=pod_of(waiting="Unschedulable", message="0/1 nodes")), BUNDLE,
                     Reason.POD_UNSCHEDULABLE, '"0/1 nodes"', id="no node takes its pod"),
        *(
            pytest.param(job_of(pod=pod_of(waiting=why, message="told")), BUNDLE, Reason.IMAGE_PULL_FAILED,
                         f'({why}): "told"', id=f"its container waits with {why}")
            for why in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
                        "RegistryUnavailable", "CreateContainerConfigError", "CreateContainerError",
                        "RunContainerError")
        ),
    ],
)  # fmt: skip
def test_a_job_that_runs_is_waited_for(job: JobFacts, target: Bundle, reason: Reason, told: str) -> None:
    steps, finding = migrate(EMPTY, job, target=target)
    soon = 10 if reason is Reason.MIGRATING else 30
    assert (steps, finding.state, finding.reason, finding.retry_after) == ((), State.WAITING, reason, soon)
    assert told in finding.message


def test_a_migration_comes_after_a_running_comparison() -> None:
    steps, finding = migrate(HALF, job_of(proof="2026-03-01", ledger=HALF.finished))
    assert (steps, finding.state, finding.reason) == ((), State.WAITING, Reason.MIGRATING)
    assert "which changes nothing, still runs" in finding.message


def test_a_running_comparison_leaves_ready_as_it_is() -> None:
    unlocked = replace(catalog_of(RESOURCE), migrator_unlocked=True)
    steps, finding = migrate(inside_of(), job_of(proof="2026-03-01"), catalog=unlocked)
    assert (steps, finding.state) == ((), State.DONE)


def test_a_running_job_is_seen_behind_a_newer_one_that_ended() -> None:
    steps, finding = migrate(EMPTY, failed(name="newer"), job_of(name="older"))
    assert (steps, finding.reason) == ((), Reason.MIGRATING)


def test_an_unlocked_migrator_whose_job_runs_is_left_alone() -> None:
    steps, _ = migrate(EMPTY, job_of(), catalog=replace(catalog_of(RESOURCE), migrator_unlocked=True))
    assert steps == ()


@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param((), id="without a Job"),
        pytest.param((succeeded(),), id="after success"),
        pytest.param((failed(),), id="after failure"),
    ],
)
@pytest.mark.parametrize(
    "inside",
    [pytest.param(inside_of(), id="complete"), pytest.param(EMPTY, id="empty"), pytest.param(None, id="unseen")],
)
def test_an_unlocked_migrator_without_a_running_job_is_closed_first(
    inside: InsideFacts | None, jobs: tuple[JobFacts, ...]
) -> None:
    steps, finding = migrate(inside, *jobs, catalog=replace(catalog_of(RESOURCE), migrator_unlocked=True))
    assert steps == (CloseMigration(migrator=RESOURCE.roles.migrator),)
    assert (finding.state, finding.retry_after) == (State.WAITING, 0)


# Failed

RETRY = "kubectl -n team-a annotate litellmdatabase gateway --overwrite litellmdb.dev/retry=$(date +%s)"


def failure_of(reason: Reason) -> Failure:
    """Return a failure with nothing but its reason."""
    return Failure(reason=reason, message=f"cannot go on: {reason}")


@pytest.mark.parametrize(
    ("job", "reason", "told"),
    [
        pytest.param(failed(), Reason.MIGRATION_FAILED,
                     '"cannot apply a migration"; migration "20250201000000_second"; P3018, SQLSTATE 42P07; PostgreSQL '
                     'says "relation "X" already exists"; at "CREATE TABLE "X""', id="a migration, with all its facts"),
        *(
            pytest.param(failed(failure_of(reason)), reason, f"cannot go on: {reason}", id=f"told as {reason}")
            for reason in (Reason.MIGRATION_DEADLINE_EXCEEDED, Reason.SCHEMA_INCOMPLETE, Reason.DATABASE_MISSING,
                           Reason.TLS_FAILED)
        ),
        pytest.param(failed(None, pod=None, deadline_exceeded=True), Reason.MIGRATION_DEADLINE_EXCEEDED,
                     "spec.migration.deadline", id="ended by Kubernetes at the fence"),
        pytest.param(failed(pod=pod_of(left="Traceback …", exit_code=1)), Reason.REPORT_INVALID, "(no JSON)",
                     id="with something else for a report"),
        pytest.param(failed(succeeded=True, pod=pod_of(left="{", exit_code=0)), Reason.REPORT_INVALID, "(no JSON)",
                     id="well, with something else for a report"),
        pytest.param(failed(pod=pod_of(left='{"version": 9}', exit_code=1)), Reason.REPORT_INVALID, "another version",
                     id="with a report of another version"),
    ],
)  # fmt: skip
def test_a_failed_job_is_explained_and_not_repeated(job: JobFacts, reason: Reason, told: str) -> None:
    steps, finding = migrate(EMPTY, job)
    assert (steps, finding.state, finding.reason) == ((), State.STALLED, reason)
    assert told in finding.message
    assert finding.message.endswith(RETRY)


def test_an_unfinished_row_is_told_once_a_job_has_found_it() -> None:
    interrupted = replace(HALF, unfinished=frozenset(BUNDLE.migrations[1:]))
    assert isinstance(started(migrate(interrupted)[0]), StartMigration)
    job = failed(failure_of(Reason.LEDGER_UNFINISHED), ledger=ledger_fingerprint(HALF.finished))
    steps, finding = migrate(interrupted, job)
    assert (steps, finding.state, finding.reason) == ((), State.STALLED, Reason.LEDGER_UNFINISHED)


def test_an_unfinished_row_after_a_run_that_succeeded_is_given_to_another_one_at_once() -> None:
    interrupted = replace(inside_of(), unfinished=frozenset({"20990101000000_by_hand"}))
    first = succeeded()
    assert started(migrate(interrupted, first)[0]).replaces == (first.name,)
    again = succeeded(ledger=ledger_fingerprint(BUNDLE.migrations))
    assert migrate(interrupted, again)[0] == (), "it says of just this ledger that it is done: not again and again"


PASSING = [
    *(
        pytest.param(failed(failure_of(reason)), reason, f"cannot go on: {reason}", id=f"told as {reason}")
        for reason in (
            Reason.MIGRATION_INTERRUPTED,
            Reason.SERVER_UNREACHABLE,
            Reason.SERVER_READ_ONLY,
            Reason.SERVER_BUSY,
            Reason.LOGIN_FAILED,
        )
    ),
    *(
        pytest.param(failed(failure_of(reason)), reason, f"cannot go on: {reason}", id=f"{reason}, mended since")
        for reason in (
            Reason.FOREIGN_TABLES,
            Reason.UNLEDGERED,
            Reason.LEDGER_UNFINISHED,
            Reason.AHEAD_OF_TARGET,
        )
    ),
    pytest.param(failed(None, pod=None), Reason.MIGRATION_INTERRUPTED, "without a report:", id="without a pod"),
    pytest.param(
        failed(None, succeeded=True, pod=None),
        Reason.MIGRATION_INTERRUPTED,
        "without a report:",
        id="well, and forgotten",
    ),
    pytest.param(failed(None, pod=pod_of(exit_code=137)), Reason.MIGRATION_INTERRUPTED, "(exit code 137)", id="killed"),
    pytest.param(
        failed(pod=pod_of(left=report_of(), exit_code=1)),
        Reason.MIGRATION_INTERRUPTED,
        "exit code 1",
        id="with a report of success",
    ),
]


@pytest.mark.parametrize(("job", "reason", "told"), PASSING)
def test_a_run_that_a_fault_ended_is_waited_for(job: JobFacts, reason: Reason, told: str) -> None:
    steps, finding = migrate(EMPTY, job)
    assert (steps, finding.state, finding.reason) == ((), State.WAITING, reason)
    assert told in finding.message
    assert RETRY in finding.message
    assert finding.retry_after == 9 * 60


@pytest.mark.parametrize("job", [each.values[0] for each in PASSING])
def test_a_run_that_a_fault_ended_is_repeated_after_ten_minutes(job: JobFacts) -> None:
    steps, finding = migrate(EMPTY, replace(job, created=NOW - timedelta(minutes=10)))
    assert [type(step) for step in steps] == [StartMigration]
    assert finding.reason == Reason.MIGRATING


def test_a_run_that_failed_before_it_looked_is_no_reason_for_another_at_once() -> None:
    """Its report knows no ledger, and the database has one: an upgrade whose container cannot even begin."""
    job = failed(failure_of(Reason.TLS_FAILED), target=NEWER.digest, ledger=ledger_fingerprint(BUNDLE.migrations))
    steps, finding = migrate(inside_of(), job, target=NEWER)
    assert (steps, finding.state, finding.reason) == ((), State.STALLED, Reason.TLS_FAILED)


@pytest.mark.parametrize(
    "stuck",
    [
        pytest.param({"pod": pod_of(waiting="ErrImagePull")}, id="its image cannot be pulled"),
        pytest.param({"pod": pod_of(waiting="Unschedulable")}, id="no node takes its pod"),
        pytest.param({"pod": None, "refused": "exceeded quota"}, id="the cluster refuses its pod"),
    ],
)
def test_a_job_that_cannot_start_goes_when_its_pod_is_asked_for_otherwise(stuck: dict[str, Any]) -> None:
    steps, finding = migrate(EMPTY, job_of(template="another", **stuck))
    assert steps == (DeleteJobs(jobs=("gateway-migrate-00000000",)),)
    assert (finding.state, finding.retry_after) == (State.WAITING, 0)


def test_a_job_that_runs_is_not_ended_for_another_pod_template() -> None:
    steps, finding = migrate(EMPTY, job_of(template="another"))
    assert (steps, finding.reason) == ((), Reason.MIGRATING)


def test_a_run_that_failed_half_way_is_final() -> None:
    left = pod_of(left=report_of(ledger=HALF.finished, applied=1, failure=FAILURE), exit_code=1)
    steps, finding = migrate(HALF, failed(pod=left))
    assert (steps, finding.state) == ((), State.STALLED)


HALF_WAY = failed(pod=pod_of(left=report_of(ledger=HALF.finished, applied=1, failure=FAILURE), exit_code=1))


@pytest.mark.parametrize(
    ("inside", "job", "target", "annotation"),
    [
        pytest.param(HALF, failed(), BUNDLE, "", id="somebody applied what failed"),
        pytest.param(EMPTY, HALF_WAY, BUNDLE, "", id="the database was restored to before the run"),
        pytest.param(EMPTY, succeeded(), BUNDLE, "", id="the database was restored to before a run that succeeded"),
        pytest.param(EMPTY, failed(), BUNDLE, "again", id="a retry is asked for"),
        pytest.param(EMPTY, failed(retry="again"), BUNDLE, "and again", id="another retry is asked for"),
        pytest.param(EMPTY, failed(), NEWER, "", id="the target changed"),
        pytest.param(EMPTY, failed(None, pod=None, ledger=ledger_fingerprint(["x"])), BUNDLE, "",
                     id="killed, and the ledger moved since"),
    ],
)  # fmt: skip
def test_a_job_that_answered_another_question_is_replaced(
    inside: InsideFacts, job: JobFacts, target: Bundle, annotation: str
) -> None:
    steps, finding = migrate(inside, job, target=target, annotation=annotation)
    assert started(steps).replaces == (job.name,)
    assert started(steps).retry == annotation
    assert finding.state is State.WAITING


def test_a_retry_that_failed_is_final() -> None:
    steps, finding = migrate(EMPTY, failed(retry="again"), annotation="again")
    assert (steps, finding.state) == ((), State.STALLED)


def test_the_last_job_decides_and_older_ones_say_nothing() -> None:
    steps, finding = migrate(EMPTY, failed(name="newer"), succeeded(name="older"))
    assert (steps, finding.state) == ((), State.STALLED)
    assert "newer" in finding.message


def test_foreign_text_stays_in_quotes_and_out_of_the_command() -> None:
    evil = '"; kubectl delete ns team-a; \x1b[31m\n'
    job = failed(replace(FAILURE, statement=evil, server_message=evil, migration=evil))
    _, finding = migrate(EMPTY, job)
    assert finding.message.isprintable()
    assert finding.message.endswith(RETRY)
    assert "delete" not in finding.message.partition("Then: kubectl")[2]


def test_the_next_command_survives_the_longest_report() -> None:
    long = "x" * 300
    failure = replace(FAILURE, message=long, statement=long, server_message=long, migration=long)
    resource = resource_of(name="n" * 40, namespace="m" * 63)
    job = failed(failure, name="n" * 40 + "-migrate-00000000")
    plan = make_plan(resource, ready(resource, inside=EMPTY, jobs=(job,)), occasion_of(resource))
    assert len(plan.migrated.message) <= 2000
    assert plan.migrated.message.endswith("=$(date +%s)")


# Succeeded, and yet


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        pytest.param(NO_VIEWS, "LiteLLM_VerificationTokenView", id="views gone"),
        pytest.param(replace(inside_of(), judged={}), "record of its comparison", id="the record gone"),
    ],
)
def test_what_a_run_left_complete_and_is_not_so_is_told(inside: InsideFacts, told: str) -> None:
    steps, finding = migrate(inside, succeeded())
    assert (steps, finding.state, finding.reason) == ((), State.STALLED, Reason.SCHEMA_INCOMPLETE)
    assert told in finding.message


@pytest.mark.parametrize(
    ("minutes", "again"),
    [pytest.param(9, False, id="not before ten minutes"), pytest.param(10, True, id="after ten minutes")],
)
def test_such_a_run_is_repeated_seldom(minutes: int, *, again: bool) -> None:
    steps, _ = migrate(NO_VIEWS, succeeded(created=NOW - timedelta(minutes=minutes)))
    assert bool(steps) is again


def test_nothing_to_do_that_left_it_incomplete_is_repeated_as_seldom() -> None:
    left = pod_of(left=report_of(ledger=BUNDLE.migrations), exit_code=0)
    job = job_of(finished=True, succeeded=True, pod=left, ledger=BUNDLE.migrations)
    steps, finding = migrate(NO_VIEWS, job)
    assert (steps, finding.reason) == ((), Reason.SCHEMA_INCOMPLETE)
