"""status.schema: what kubectl shows of a database in an upgrade (`--update-test-data` writes the files)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import Change, Judged, LoginState, Observed
from litellm_database_operator.model.outcome import Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure
from litellm_database_operator.planning.occasion import PreviewTarget
from litellm_database_operator.planning.plan import make_plan
from litellm_database_operator.reconcile.database_report import settled
from litellm_database_operator.reconcile.summary import Past
from tests.support.gate import planned, previewed
from tests.support.planning import (
    BUNDLE,
    EMPTY,
    NEWER,
    NOW,
    VERIFIED,
    inside_of,
    job_of,
    occasion_of,
    pod_of,
    ready,
    report_of,
    resource_of,
)

ExpectYaml = Callable[[str, Any], None]
NEW = Past(status={}, generation=1)
RESOURCE = resource_of()
PREVIEWING = resource_of({"migration": {"preview": {"version": "1.82.0"}}})
HALF = replace(EMPTY, finished=frozenset(BUNDLE.migrations[:1]), last_finished=NOW - timedelta(seconds=5))
RUNNING = job_of(created=NOW - timedelta(seconds=30))
FAILED = Failure(
    reason=Reason.MIGRATION_FAILED,
    message="cannot apply a migration",
    prisma_code="P3018",
    sqlstate="55P03",
    migration="20250201000000_second",
    blocked_by="psql (pid 4711, role reporting)",
)


def say(
    observed: Observed, *, target: Bundle = BUNDLE, preview: PreviewTarget | None = None, before: Past = NEW
) -> Outcome:
    """Return what a pass says that found `observed`."""
    resource = PREVIEWING if preview else RESOURCE
    plan = make_plan(resource, observed, replace(occasion_of(resource, target=target), preview=preview))
    return settled(resource, observed, plan, before=before, now=NOW)


def schema(outcome: Outcome) -> Mapping[str, Any]:
    """Return status.schema."""
    assert outcome.status is not None
    return outcome.status["schema"]


def ready_of(outcome: Outcome) -> Mapping[str, Any]:
    """Return the Ready condition."""
    assert outcome.status is not None
    return outcome.status["conditions"][0]


# As a person sees it


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        pytest.param("awaiting_approval", say(ready(RESOURCE, jobs=(planned(),)), target=NEWER), id="waiting"),
        pytest.param("migrating", say(ready(RESOURCE, inside=HALF, jobs=(RUNNING,))), id="migrating"),
        pytest.param("previewed", say(ready(PREVIEWING, jobs=(previewed(),)), preview=PreviewTarget(bundle=NEWER)),
                     id="previewed"),
        pytest.param("foreign_tables",
                     say(ready(RESOURCE, inside=replace(inside_of(), tables=frozenset({"orders"})))), id="foreign"),
        pytest.param("migration_failed",
                     say(ready(RESOURCE, inside=EMPTY,
                               jobs=(job_of(finished=True, pod=pod_of(left=report_of(failure=FAILED), exit_code=1)),))),
                     id="failed"),
    ],
)  # fmt: skip
def test_what_kubectl_shows(expect_yaml: ExpectYaml, name: str, outcome: Outcome) -> None:
    expect_yaml(f"kube/status_{name}.yaml", {"Ready": ready_of(outcome), "schema": schema(outcome)})


# Progress


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        pytest.param(EMPTY, {"migration": BUNDLE.migrations[0], "number": 1, "total": 2,
                             "since": "2026-03-01T11:59:30Z"}, id="nothing is finished"),
        pytest.param(HALF, {"migration": BUNDLE.migrations[1], "number": 2, "total": 2,
                            "since": "2026-03-01T11:59:55Z"}, id="one is finished"),
        pytest.param(replace(HALF, last_finished=NOW - timedelta(days=1)),
                     {"migration": BUNDLE.migrations[1], "number": 2, "total": 2, "since": "2026-03-01T11:59:30Z"},
                     id="the one before was another run's"),
        pytest.param(replace(inside_of(), judged={}), {"number": 2, "total": 2, "since": "2026-03-01T11:59:30Z"},
                     id="indexes are built"),
    ],
)  # fmt: skip
def test_progress_is_what_the_ledger_says(inside: Any, told: Mapping[str, Any]) -> None:
    assert schema(say(ready(RESOURCE, inside=inside, jobs=(RUNNING,))))["running"] == told


@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param(
            (job_of(ledger=HALF.finished, finished=True, deadline_exceeded=True),), id="with one that ran too long"
        ),
        pytest.param((job_of(NEWER),), id="with one to another bundle"),
        pytest.param((previewed(finished=False, succeeded=False, pod=pod_of()),), id="with a preview"),
        pytest.param((job_of(proof="2026-02-28"),), id="with a comparison"),
        pytest.param((job_of(ledger=HALF.finished, finished=True),), id="with one that was killed"),
    ],
)
def test_there_is_no_progress(jobs: Any) -> None:
    assert "running" not in schema(say(ready(RESOURCE, inside=HALF, jobs=jobs)))


def test_progress_is_told_from_the_start_and_since_when_only_once() -> None:
    """A look that finds the same file is no change, however the clocks differ."""
    starting = say(ready(RESOURCE, inside=HALF))
    assert schema(starting)["running"]["since"] == "2026-03-01T12:00:00Z"
    assert starting.status is not None
    going = ready(RESOURCE, inside=HALF, jobs=(RUNNING,))
    later = say(going, before=Past(status=starting.status, generation=1))
    assert (later.status, later.event) == (starting.status, None)
    further = ready(RESOURCE, inside=replace(inside_of(), judged={}), jobs=(RUNNING,))
    assert schema(say(further, before=Past(status=starting.status, generation=1)))["running"]["number"] == 2
    assert "migration" not in schema(say(further, before=Past(status=starting.status, generation=1)))["running"]


def test_a_preview_that_begins_is_no_progress() -> None:
    assert "running" not in schema(say(ready(PREVIEWING), preview=PreviewTarget(bundle=NEWER)))


def test_a_file_that_a_run_has_begun_is_not_broken_off() -> None:
    begun = replace(HALF, unfinished=frozenset(BUNDLE.migrations[1:]))
    assert schema(say(ready(RESOURCE, inside=begun, jobs=(RUNNING,))))["state"] == "Behind"
    assert schema(say(ready(RESOURCE, inside=begun)))["state"] == "Interrupted"


def test_what_was_found_to_lack_something_is_not_verified() -> None:
    drifted = replace(inside_of(), judged={BUNDLE.digest: Judged(at=NOW, missing=("table x",))})
    told = schema(say(ready(RESOURCE, inside=drifted)))
    assert told["state"] == "Drifted"
    assert "verifiedAt" not in told


def test_the_same_look_is_no_change() -> None:
    first = say(ready(RESOURCE, inside=HALF, jobs=(RUNNING,)))
    assert first.status is not None
    again = say(ready(RESOURCE, inside=HALF, jobs=(RUNNING,)), before=Past(status=first.status, generation=1))
    assert (again.status, again.event) == (first.status, None)


# The plan


def test_a_plan_is_shown_until_it_is_gone_through() -> None:
    assert schema(say(ready(RESOURCE, jobs=(planned(),)), target=NEWER))["plan"]["losesTotal"] == 5
    gone = say(ready(RESOURCE, inside=inside_of(NEWER), jobs=(planned(),)), target=NEWER)
    assert "plan" not in schema(gone)
    assert "next" not in schema(gone)


def test_the_plan_of_another_question_is_not_shown() -> None:
    assert "plan" not in schema(say(ready(RESOURCE, jobs=(planned(gate="another"),)), target=NEWER))
    assert "plan" not in schema(say(ready(RESOURCE, jobs=(previewed(),)), target=NEWER))


# What could not be seen


def test_where_nobody_could_look_it_is_as_it_was_last_said() -> None:
    waiting = say(ready(RESOURCE, jobs=(planned(),)), target=NEWER)
    assert waiting.status is not None
    crowded = ready(RESOURCE, inside=None, login=LoginState.CROWDED)
    before = Past(status=waiting.status, generation=1)
    assert schema(say(crowded, target=NEWER, before=before)) == schema(waiting)
    other = schema(say(crowded, before=before))
    assert "pending" not in other, "what was said of one bundle says nothing of another"
    assert other["bundle"] == BUNDLE.version


CROWDED = ready(RESOURCE, inside=None, login=LoginState.CROWDED)
AHEAD = replace(
    inside_of(NEWER),
    judged={BUNDLE.digest: VERIFIED},
    changes=(Change(at=NOW + timedelta(hours=1), names=frozenset(NEWER.migrations[2:]), breaks=False),),
)


@pytest.mark.parametrize(
    ("seen", "target", "ready_is"),
    [
        pytest.param(ready(RESOURCE), BUNDLE, ("True", "UpToDate"), id="well"),
        pytest.param(ready(RESOURCE, inside=AHEAD), BUNDLE, ("True", "AheadAndCompatible"), id="ahead"),
        pytest.param(ready(RESOURCE, jobs=(planned(),)), NEWER, ("False", "AwaitingApproval"), id="waits for a person"),
        pytest.param(ready(RESOURCE, inside=EMPTY, jobs=(RUNNING,)), BUNDLE, ("Unknown", "ServerBusy"), id="under way"),
    ],
)
def test_so_crowded_that_nobody_can_look_it_is_as_it_was(
    seen: Observed, target: Bundle, ready_is: tuple[str, str]
) -> None:
    before = say(seen, target=target)
    assert before.status is not None
    after = say(CROWDED, target=target, before=Past(status=before.status, generation=1))
    assert (ready_of(after)["status"], ready_of(after)["reason"]) == ready_is
    changed = say(CROWDED, target=target, before=Past(status=before.status, generation=2))
    assert ready_of(changed)["status"] == "Unknown", "what was seen of another generation says nothing"


# The preview's Event


def test_a_preview_that_cannot_be_is_told_once_by_an_event() -> None:
    refused = PreviewTarget(bundle=None, refusal="cannot migrate to LiteLLM 9.9.9")
    well = say(ready(PREVIEWING), preview=PreviewTarget(bundle=BUNDLE))
    assert well.status is not None
    first = say(ready(PREVIEWING), preview=refused, before=Past(status=well.status, generation=1))
    assert first.event is not None
    assert (first.event.type, first.event.reason) == ("Warning", "UnknownVersion")
    assert first.event.message == "spec.migration.preview: cannot migrate to LiteLLM 9.9.9"
    assert ready_of(first)["status"] == "True"
    assert first.status is not None
    again = say(ready(PREVIEWING), preview=refused, before=Past(status=first.status, generation=1))
    assert (again.event, again.status) == (None, first.status)


def test_the_longest_refusal_fits_status() -> None:
    refused = PreviewTarget(bundle=None, refusal="x" * 9_000)
    assert len(schema(say(ready(PREVIEWING), preview=refused))["preview"]["message"]) == 2000


def test_a_database_that_is_ahead_and_serves_is_warned_of() -> None:
    outcome = say(ready(RESOURCE, inside=AHEAD))
    assert outcome.event is not None
    assert (outcome.event.type, outcome.event.reason) == ("Warning", "AheadAndCompatible")
    assert ready_of(outcome)["status"] == "True"


def test_a_preview_is_gone_with_its_field() -> None:
    before = say(ready(PREVIEWING, jobs=(previewed(),)), preview=PreviewTarget(bundle=NEWER))
    assert before.status is not None
    after = say(ready(RESOURCE), before=Past(status=before.status, generation=2))
    assert "preview" not in schema(after)


def test_the_last_run_is_no_preview() -> None:
    outcome = say(ready(PREVIEWING, jobs=(previewed(), job_of(finished=True, succeeded=True))),
                  preview=PreviewTarget(bundle=NEWER))  # fmt: skip
    assert schema(outcome)["lastRun"]["job"] == "gateway-migrate-00000000"
    assert schema(outcome)["preview"]["job"] == "gateway-migrate-11111111"
