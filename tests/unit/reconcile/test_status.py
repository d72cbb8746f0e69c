"""What status says in each state, so that kstatus, kubectl wait and Argo CD read the same out of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from litellm_database_operator.errors import MustActError, OperatorError, UnavailableError
from litellm_database_operator.model import conditions
from litellm_database_operator.model.observed import LoginState, Observed
from litellm_database_operator.model.outcome import Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.model.secret import Password
from litellm_database_operator.planning.plan import make_plan
from litellm_database_operator.reconcile import summary
from litellm_database_operator.reconcile.database_report import failed, settled
from litellm_database_operator.reconcile.summary import Past, Patience, past
from tests.support.planning import (
    BUNDLE,
    EMPTY,
    NOW,
    binding_of,
    body_of,
    job_of,
    nothing,
    occasion_of,
    pod_of,
    ready,
    report_of,
    resource_of,
    secret_of,
)

RESOURCE = resource_of()
NEW = Past(status={}, generation=1)
UNREACHABLE = UnavailableError(Reason.SERVER_UNREACHABLE, "cannot reach the server")
MISSING = MustActError(Reason.DATABASE_MISSING, "cannot find the database")
ORDER = ["Ready", "Reconciling", "Stalled", "DatabaseProvisioned", "CredentialsPublished", "SchemaMigrated", "Healthy"]
FAILURE = Failure(reason=Reason.MIGRATION_FAILED, message="cannot apply", prisma_code="P3018", statement="SELECT 1")
FAILED_JOB = job_of(finished=True, pod=pod_of(left=report_of(failure=FAILURE), exit_code=1))


def say(observed: Observed, *, before: Past = NEW, resource: LiteLLMDatabase = RESOURCE) -> Outcome:
    """Return what a pass says that found `observed`."""
    plan = make_plan(resource, observed, occasion_of(resource))
    return settled(resource, observed, plan, before=before, now=NOW)


def written(outcome: Outcome) -> Mapping[str, Any]:
    """Return the status of an outcome that has one."""
    assert outcome.status is not None
    return outcome.status


def first_three(outcome: Outcome) -> tuple[str, ...]:
    """Return Ready, Reconciling and Stalled."""
    return tuple(each["status"] for each in written(outcome)["conditions"][:3])


def of(outcome: Outcome, kind: str) -> Mapping[str, Any]:
    """Return one condition."""
    return next(each for each in written(outcome)["conditions"] if each["type"] == kind)


def after(outcome: Outcome, *, generation: int = 1) -> Past:
    """Return what the next pass finds in status."""
    return Past(status=written(outcome), generation=generation)


WELL = after(say(ready(RESOURCE)))
STALLED = after(failed(MISSING, before=WELL, now=NOW, patient=False))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(say(nothing()), ("Unknown", "True", "False"), id="first sight"),
        pytest.param(say(ready(RESOURCE, inside=EMPTY, jobs=(job_of(),))), ("Unknown", "True", "False"),
                     id="migrating"),
        pytest.param(failed(UNREACHABLE, before=NEW, now=NOW, patient=True), ("Unknown", "True", "False"),
                     id="a passing fault at first sight"),
        pytest.param(say(ready(RESOURCE, inside=EMPTY), before=replace(WELL, generation=2)),
                     ("Unknown", "True", "False"), id="a new generation while the old one is served"),
        pytest.param(failed(UNREACHABLE, before=replace(WELL, generation=2), now=NOW, patient=True),
                     ("Unknown", "True", "False"), id="a passing fault at a new generation"),
        pytest.param(say(ready(RESOURCE)), ("True", "False", "False"), id="up to date and healthy"),
        pytest.param(say(ready(RESOURCE, login=LoginState.CROWDED, inside=None)), ("Unknown", "True", "False"),
                     id="so crowded that nothing can be seen"),
        pytest.param(say(ready(RESOURCE, inside=EMPTY, jobs=(FAILED_JOB,))), ("False", "False", "True"),
                     id="a migration that failed"),
        pytest.param(failed(MISSING, before=NEW, now=NOW, patient=True), ("False", "False", "True"),
                     id="a person must act"),
        pytest.param(failed(MISSING, before=WELL, now=NOW, patient=True), ("False", "False", "True"),
                     id="a person must act, however patient"),
        pytest.param(failed(UNREACHABLE, before=WELL, now=NOW, patient=False), ("False", "True", "False"),
                     id="unreachable after having been ready"),
        pytest.param(failed(UNREACHABLE, before=after(failed(UNREACHABLE, before=WELL, now=NOW, patient=False)),
                            now=NOW, patient=False), ("False", "True", "False"), id="still unreachable"),
        pytest.param(failed(UNREACHABLE, before=STALLED, now=NOW, patient=False), ("Unknown", "True", "False"),
                     id="a passing fault after one that a person mended"),
    ],
)  # fmt: skip
def test_each_state_reads_the_same_for_every_tool(outcome: Outcome, expected: tuple[str, ...]) -> None:
    assert first_three(outcome) == expected
    assert [each["type"] for each in written(outcome)["conditions"]] == ORDER
    assert not (expected[0] == "True" and "True" in expected[1:])


LASTS = (
    pytest.param(WELL, "True", id="ready"),
    pytest.param(STALLED, "False", id="stalled"),
    pytest.param(NEW, "Unknown", id="never looked at"),
)


@pytest.mark.parametrize(("before", "last"), LASTS)
def test_suspended_ready_keeps_its_last_value(before: Past, last: str) -> None:
    resource = resource_of({"suspend": True})
    unseen = ready(resource, login=LoginState.REFUSED, inside=None)
    assert first_three(say(unseen, before=before, resource=resource)) == (last, "False", "False")


@pytest.mark.parametrize(("before", "last"), LASTS)
def test_suspended_ready_says_what_is_seen(before: Past, last: str) -> None:
    """A proxy of the version that is asked for must not start on another's schema, whatever was so before."""
    del last
    resource = resource_of({"suspend": True})
    behind = say(ready(resource, inside=EMPTY), before=before, resource=resource)
    assert first_three(behind) == ("False", "False", "False")
    assert first_three(say(ready(resource), before=before, resource=resource)) == ("True", "False", "False")


def test_every_condition_has_the_generation_that_it_speaks_of() -> None:
    for outcome in (say(ready(RESOURCE), before=replace(WELL, generation=7)),
                    failed(MISSING, before=replace(WELL, generation=7), now=NOW, patient=True)):  # fmt: skip
        assert {each["observedGeneration"] for each in written(outcome)["conditions"]} == {7}
        assert written(outcome)["observedGeneration"] == 7


def test_an_established_ready_survives_a_fault_for_a_while() -> None:
    outcome = failed(UNREACHABLE, before=WELL, now=NOW, patient=True)
    assert (outcome.status, outcome.event, outcome.failed) == (None, None, True)


def test_patience_lasts_sixty_seconds_from_the_first_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(summary.time, "monotonic", lambda: clock[0])
    patience, key, other = (
        Patience(),
        ResourceKey("LiteLLMDatabase", "a", "x"),
        ResourceKey("LiteLLMDatabase", "a", "y"),
    )
    seen = list[bool]()
    for clock[0] in (0.0, 59.9, 60.0):
        seen.append(patience.with_fault_of(key))
    assert seen == [True, True, False]
    assert patience.with_fault_of(other)
    patience.ends(key)
    assert patience.with_fault_of(key)


@pytest.mark.parametrize(
    ("error", "blamed"),
    [
        pytest.param(MISSING, "DatabaseProvisioned", id="the database"),
        pytest.param(MustActError(Reason.SERVER_CHANGED, "m"), "DatabaseProvisioned", id="the server's identity"),
        pytest.param(MustActError(Reason.SECRET_NOT_OURS, "m"), "CredentialsPublished", id="the Secret"),
        pytest.param(MustActError(Reason.UNKNOWN_VERSION, "m"), "SchemaMigrated", id="the version"),
        pytest.param(MustActError(Reason.BUNDLE_INCOMPLETE, "m"), "SchemaMigrated", id="its bundle"),
        pytest.param(UNREACHABLE, "Healthy", id="anything else"),
    ],
)
def test_an_error_is_told_where_it_belongs(error: OperatorError, blamed: str) -> None:
    condition = of(failed(error, before=WELL, now=NOW, patient=False), blamed)
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", error.reason, error.message)


def test_the_event_has_the_conditions_reason() -> None:
    for outcome, kind in (
        (say(ready(RESOURCE)), "Normal"),
        (failed(MISSING, before=WELL, now=NOW, patient=True), "Warning"),
    ):
        assert outcome.event is not None
        condition = of(outcome, "Ready")
        assert (outcome.event.type, outcome.event.reason, outcome.event.message) == (
            kind,
            condition["reason"],
            condition["message"],
        )


def test_the_same_state_said_again_is_no_event_and_no_change() -> None:
    again = say(ready(RESOURCE), before=WELL)
    assert again.event is None
    assert again.status == WELL.status


def test_a_later_pass_keeps_the_time_of_the_last_change() -> None:
    plan = make_plan(RESOURCE, ready(RESOURCE), occasion_of(RESOURCE))
    later = settled(RESOURCE, ready(RESOURCE), plan, before=WELL, now=NOW + timedelta(days=1))
    assert later.status == WELL.status


@pytest.mark.parametrize(
    ("outcome", "again", "backs_off"),
    [
        pytest.param(say(ready(RESOURCE)), None, False, id="ready waits for the next health check"),
        pytest.param(say(nothing()), 0, False, id="what was made is looked at at once"),
        pytest.param(say(ready(RESOURCE, inside=EMPTY, jobs=(job_of(),))), 10, False, id="a running Job"),
        pytest.param(say(ready(RESOURCE, inside=EMPTY, jobs=(FAILED_JOB,))), None, False, id="a failed Job"),
        pytest.param(failed(UNREACHABLE, before=NEW, now=NOW, patient=False), None, True, id="a passing fault"),
        pytest.param(failed(MISSING, before=NEW, now=NOW, patient=False), None, False, id="a person must act"),
        pytest.param(failed(MustActError(Reason.MIGRATION_FAILED, "m"), before=NEW, now=NOW, patient=False),
                     None, False, id="a migration that is final"),
    ],
)  # fmt: skip
def test_when_it_is_looked_at_again(outcome: Outcome, again: float | None, *, backs_off: bool) -> None:
    assert (outcome.retry_after, outcome.failed) == (again, backs_off)


def test_what_a_person_needs_is_in_status() -> None:
    status = written(say(ready(RESOURCE)))
    assert status["binding"] == {"name": "gateway-db"}
    assert status["connection"] == {
        "host": "db.example",
        "port": 5432,
        "database": "team-a_gateway",
        "schema": "public",
    }
    assert status["credentials"] == {"login": "team-a_gateway_app_a"}
    assert status["schema"] == {
        "litellm": "1.81.12",
        "bundle": BUNDLE.version,
        "digest": BUNDLE.digest,
        "state": "Current",
        "applied": 2,
        "total": 2,
        "pending": 0,
        "verifiedAt": "2026-03-01T12:00:00Z",
    }
    assert status["server"] == {
        "namespace": "databases",
        "name": "shared",
        "version": "16.4",
        "systemIdentifier": ready(RESOURCE).server.system_identifier,
    }


def test_a_failed_run_is_in_status_with_its_facts() -> None:
    run = written(say(ready(RESOURCE, inside=EMPTY, jobs=(FAILED_JOB,))))["schema"]["lastRun"]
    assert (run["job"], run["outcome"], run["reason"]) == (FAILED_JOB.name, "Failed", "MigrationFailed")
    assert (run["prismaCode"], run["statement"]) == ("P3018", "SELECT 1")


def test_a_fault_keeps_what_was_known() -> None:
    status = written(failed(UNREACHABLE, before=WELL, now=NOW, patient=False))
    for key in ("binding", "connection", "schema", "credentials", "server"):
        assert status[key] == WELL.status[key]


def test_a_person_mends_and_ready_comes_back() -> None:
    assert first_three(say(ready(RESOURCE), before=STALLED)) == ("True", "False", "False")


HIDDEN = "never-to-be-printed"


@pytest.mark.parametrize("login", [LoginState.WORKS, LoginState.REFUSED], ids=["published", "new"])
def test_no_status_and_no_event_holds_a_password(login: LoginState) -> None:
    secret = secret_of("gateway-db", binding_of(RESOURCE, Password(HIDDEN)).published())
    outcome = say(ready(RESOURCE, secret=secret, login=login, jobs=(FAILED_JOB,)))
    told = json.dumps(written(outcome)) + repr(outcome)
    assert HIDDEN not in told
    assert "fresh-" not in told


def test_the_past_of_a_resource_never_looked_at_is_empty() -> None:
    assert past(body_of(generation=3)) == Past(status={}, generation=3)
    assert not past(body_of()).was_ready()
    assert past(body_of() | {"status": WELL.status}).was_ready()
    assert conditions.condition_status(past(body_of()).conditions, "Ready") is None
