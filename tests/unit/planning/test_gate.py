"""A plan that waits for a person: when it does, what is said, and what lets it pass."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from litellm_database_operator.model import names
from litellm_database_operator.model.bundle import ledger_fingerprint
from litellm_database_operator.model.migration import Engine, Policy, RunMode
from litellm_database_operator.model.observed import JobFacts, Judged
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome, PlanSummary
from litellm_database_operator.model.resource import Migration
from litellm_database_operator.planning.findings import Finding, State
from litellm_database_operator.planning.gate import DEFAULT_GATE, gate_fingerprint
from litellm_database_operator.planning.plan import Plan, make_plan
from litellm_database_operator.planning.steps import StartMigration, Step
from tests.support.gate import DIGEST, HARMLESS, LOSES, OTHER_DIGEST, planned, previewed
from tests.support.planning import BUNDLE, EMPTY, NEWER, NOW, inside_of, job_of, occasion_of, ready, resource_of

MANUAL = {"policy": "Manual"}
APPROVED = {"approvedPlan": DIGEST}
APPROVAL = (
    "kubectl -n team-a patch litellmdatabase gateway --type merge -p "
    f'\'{{"spec":{{"migration":{{"approvedPlan":"{DIGEST}"}}}}}}\''
)


def upgrade(
    *jobs: JobFacts, migration: dict[str, Any] | None = None, annotation: str = ""
) -> tuple[tuple[Step, ...], Finding]:
    """Return what is planned for a database that is one bundle behind its target."""
    annotations = {names.RETRY_ANNOTATION: annotation} if annotation else {}
    resource = resource_of({"migration": migration or {}}, annotations=annotations)
    plan = make_plan(resource, ready(resource, jobs=jobs), occasion_of(resource, target=NEWER))
    return plan.steps, plan.migrated


def started(steps: tuple[Step, ...]) -> StartMigration:
    """Return the one Job that is started."""
    (step,) = steps
    assert isinstance(step, StartMigration)
    return step


def gate_of(migration: dict[str, Any]) -> str:
    """Return the fingerprint of what a resource asks of its migrations."""
    return gate_fingerprint(Migration.model_validate(migration))


# The question


def test_a_run_is_told_what_lets_its_plan_pass() -> None:
    asked = {"policy": "Manual", "approvedPlan": DIGEST, "engine": "PrismaCLI"}
    step = started(upgrade(migration=asked)[0])
    assert (step.mode, step.policy, step.approved, step.engine) == (
        RunMode.MIGRATE,
        Policy.MANUAL,
        DIGEST,
        Engine.PRISMA_CLI,
    )
    assert (step.gate, step.proof) == (gate_of(asked), "")


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"policy": "Auto"}, id="another policy"),
        pytest.param(APPROVED, id="an approval"),
        pytest.param({"engine": "PrismaCLI"}, id="another engine"),
    ],
)
def test_what_lets_a_plan_pass_makes_another_job(asked: dict[str, Any]) -> None:
    assert started(upgrade(migration=asked)[0]).job != started(upgrade()[0]).job
    assert gate_of(asked) != DEFAULT_GATE


def test_what_says_nothing_of_the_gate_makes_the_same_job() -> None:
    assert started(upgrade(migration={"deadline": 60})[0]).job == started(upgrade()[0]).job
    assert gate_of({"policy": "Safe", "engine": "Direct", "deadline": 60}) == DEFAULT_GATE


# Waiting


@pytest.mark.parametrize(
    ("plan", "migration", "told"),
    [
        pytest.param(LOSES, {}, 'rows that exist would be lost: "DROP COLUMN old of LiteLLM_TeamTable" and 4 more',
                     id="rows would be lost"),
        pytest.param(replace(LOSES, loses_total=2), {}, '"DROP COLUMN old of LiteLLM_TeamTable" and 1 more',
                     id="two statements"),
        pytest.param(replace(LOSES, loses=LOSES.loses[:1], loses_total=1), {},
                     '"DROP COLUMN old of LiteLLM_TeamTable". Nothing was changed', id="one statement"),
        pytest.param(LOSES, MANUAL, "rows that exist would be lost", id="the worst is told, whatever the policy"),
        pytest.param(HARMLESS, MANUAL,
                     'spec.migration.policy is Manual, and still to be made: 1 migration, the first '
                     '"20250301000000_third". Nothing', id="nothing passes by itself"),
        pytest.param(replace(HARMLESS, blocks=("x rewrites 12 GB",), blocks_total=2), MANUAL,
                     '; it stops reads or writes: "x rewrites 12 GB" and 1 more', id="something blocks"),
        pytest.param(replace(HARMLESS, pending=0, first=None), MANUAL, "still to be made: indexes or views",
                     id="no file, and yet something to build"),
    ],
)  # fmt: skip
def test_a_plan_that_did_not_pass_is_told_with_its_worst_line(
    plan: PlanSummary, migration: dict[str, Any], told: str
) -> None:
    steps, finding = upgrade(planned(plan, gate=gate_of(migration)), migration=migration)
    assert (steps, finding.state, finding.reason, finding.retry_after) == (
        (),
        State.STALLED,
        Reason.AWAITING_APPROVAL,
        None,
    )
    assert told in finding.message
    assert "the database serves on" in finding.message
    assert "kubectl -n team-a logs job/gateway-migrate-00000000" in finding.message
    assert finding.message.endswith(APPROVAL)
    assert "another plan" not in finding.message


@pytest.mark.parametrize(
    ("applied", "told"),
    [
        pytest.param(1, "1 migration was applied before that was known", id="one"),
        pytest.param(2, "2 migrations were applied before that was known", id="two"),
    ],
)
def test_what_was_applied_before_a_plan_had_to_be_made_anew_is_told(applied: int, told: str) -> None:
    _, finding = upgrade(planned(applied=applied))
    assert finding.reason is Reason.AWAITING_APPROVAL
    assert told in finding.message
    assert "Nothing was changed" not in finding.message


def test_the_approval_of_another_plan_is_told() -> None:
    asked = {"approvedPlan": OTHER_DIGEST}
    _, finding = upgrade(planned(gate=gate_of(asked)), migration=asked)
    assert finding.reason is Reason.AWAITING_APPROVAL
    assert f"approvedPlan names another plan ({OTHER_DIGEST})" in finding.message
    assert finding.message.endswith(APPROVAL)


def test_a_plans_words_are_foreign_and_stay_out_of_the_command() -> None:
    evil = "x'; kubectl delete ns team-a; \x1b[31m\n" + "y" * 5_000
    _, finding = upgrade(planned(replace(LOSES, loses=(evil, evil, evil), first=evil)))
    assert finding.message.isprintable()
    assert finding.message.endswith(APPROVAL)
    assert "delete" not in finding.message.partition("Nothing was changed")[2]
    assert len(finding.message) < 2000


def test_the_command_survives_the_longest_names() -> None:
    resource = resource_of({"migration": {"approvedPlan": OTHER_DIGEST}}, name="n" * 40, namespace="m" * 63)
    job = planned(replace(LOSES, loses=("x" * 300,)), name="n" * 40 + "-migrate-00000000",
                  gate=gate_of({"approvedPlan": OTHER_DIGEST}))  # fmt: skip
    plan = make_plan(resource, ready(resource, jobs=(job,)), occasion_of(resource, target=NEWER))
    assert len(plan.migrated.message) <= 2000
    assert plan.migrated.message.endswith("\"}}}'")


# Going on


@pytest.mark.parametrize(
    ("asked", "annotation"),
    [
        pytest.param(APPROVED, "", id="it is approved"),
        pytest.param({"approvedPlan": OTHER_DIGEST}, "", id="another plan is approved"),
        pytest.param({"policy": "Auto"}, "", id="everything passes now"),
        pytest.param({"engine": "PrismaCLI"}, "", id="another engine is asked for"),
        pytest.param({}, "again", id="it is to be planned again"),
    ],
)
def test_a_plan_that_waits_is_made_anew_at_once_when(asked: dict[str, Any], annotation: str) -> None:
    waits = planned()
    steps, finding = upgrade(waits, migration=asked, annotation=annotation)
    assert started(steps).replaces == (waits.name,)
    assert (finding.state, finding.reason) == (State.WAITING, Reason.MIGRATING)


def test_a_plan_that_waits_is_made_anew_when_the_ledger_moved() -> None:
    steps, _ = upgrade(planned(ledger=BUNDLE.migrations[:1]))
    assert started(steps).ledger == ledger_fingerprint(BUNDLE.migrations)


def test_an_approval_that_nothing_waits_for_starts_nothing() -> None:
    resource = resource_of({"migration": APPROVED})
    plan = make_plan(resource, ready(resource), occasion_of(resource))
    assert (plan.steps, plan.decisive()) == ((), None)


def test_a_failure_is_not_final_under_another_gate() -> None:
    failed = job_of(NEWER, ledger=BUNDLE.migrations, finished=True)
    assert upgrade(failed)[0] == ()
    assert started(upgrade(failed, migration={"engine": "PrismaCLI"})[0])


def test_a_preview_of_the_target_answers_for_no_migration() -> None:
    preview = previewed(gate=DEFAULT_GATE)
    assert started(upgrade(preview)[0]).replaces == ()


# What a report may claim


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(planned(None), id="no plan"),
        pytest.param(planned(outcome=Outcome.PLANNED), id="a preview's outcome"),
        pytest.param(planned(outcome=Outcome.NOTHING_TO_DO), id="nothing to do"),
    ],
)
def test_a_report_that_contradicts_the_database_is_not_believed(job: JobFacts) -> None:
    steps, finding = upgrade(job)
    assert (steps, finding.state, finding.reason) == ((), State.STALLED, Reason.SCHEMA_INCOMPLETE)
    assert inside_of(BUNDLE).finished != set(NEWER.migrations)


def test_a_job_that_failed_waits_for_no_approval() -> None:
    _, finding = upgrade(planned(succeeded=False))
    assert finding.reason is Reason.MIGRATION_INTERRUPTED


# A comparison that found something to build

COMPARED = replace(inside_of(NEWER), judged={NEWER.digest: Judged(at=NOW - timedelta(days=2), missing=())})
TOKEN = (NOW - timedelta(days=2)).isoformat()


def compared(*jobs: JobFacts, migration: dict[str, Any]) -> Plan:
    """Return the plan for a database at its target whose last comparison was two days ago."""
    resource = resource_of({"migration": migration})
    return make_plan(resource, ready(resource, inside=COMPARED, jobs=jobs), occasion_of(resource, target=NEWER))


def test_what_a_comparison_may_not_build_is_told_and_ready_stays() -> None:
    """Somebody dropped an index, and the policy is Manual."""
    waits = planned(replace(HARMLESS, pending=0), ledger=NEWER.migrations, proof=TOKEN, gate=gate_of(MANUAL))
    plan = compared(waits, migration=MANUAL)
    assert (plan.steps, plan.decisive()) == ((), None)
    assert plan.migrated.message.endswith(APPROVAL)


def test_once_it_is_approved_it_is_built_at_once() -> None:
    waits = planned(replace(HARMLESS, pending=0), ledger=NEWER.migrations, proof=TOKEN, gate=gate_of(MANUAL))
    plan = compared(waits, migration=MANUAL | APPROVED)
    assert (started(plan.steps).proof, started(plan.steps).approved) == (TOKEN, DIGEST)
    assert plan.decisive() is None


def test_an_empty_database_serves_nobody_yet() -> None:
    resource = resource_of({"migration": MANUAL})
    job = planned(ledger=(), target=BUNDLE, gate=gate_of(MANUAL))
    found = make_plan(resource, ready(resource, inside=EMPTY, jobs=(job,)), occasion_of(resource)).migrated
    assert found.reason is Reason.AWAITING_APPROVAL
    assert "serves on" not in found.message
