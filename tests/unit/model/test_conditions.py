"""Conditions: what stays keeps its time, what is told has a bound."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from litellm_database_operator.model.conditions import Condition, condition_status, merge, timestamp
from litellm_database_operator.model.reasons import Reason

THEN = "2026-01-01T00:00:00Z"
NOW = datetime(2026, 3, 1, 12, 0, 0, 999, tzinfo=UTC)


def found(status: str, kind: str = "Ready") -> dict[str, Any]:
    """Return a condition as it was written before."""
    return {
        "type": kind,
        "status": status,
        "reason": "Pending",
        "message": "before",
        "lastTransitionTime": THEN,
        "observedGeneration": 1,
    }


def wanted(status: str, kind: str = "Ready", message: str = "now") -> Condition:
    """Return a condition as it should be."""
    return Condition(type=kind, status=status, reason=Reason.UP_TO_DATE, message=message)


@pytest.mark.parametrize(
    ("before", "since"),
    [
        pytest.param([found("True")], THEN, id="a status that stays keeps its time"),
        pytest.param([found("False")], "2026-03-01T12:00:00Z", id="a status that changes is of now"),
        pytest.param([found("True", "Healthy")], "2026-03-01T12:00:00Z", id="another condition's time is not taken"),
        pytest.param([], "2026-03-01T12:00:00Z", id="a new one is of now"),
    ],
)
def test_the_time_is_that_of_the_last_change_of_status(before: list[dict[str, Any]], since: str) -> None:
    (merged,) = merge(before, [wanted("True")], generation=2, now=NOW)
    assert merged == {
        "type": "Ready",
        "status": "True",
        "reason": "UpToDate",
        "message": "now",
        "lastTransitionTime": since,
        "observedGeneration": 2,
    }


def test_the_order_is_that_of_what_is_wanted() -> None:
    before = [found("True", "Healthy"), found("False", "Reconciling"), found("True")]
    kinds = ("Ready", "Reconciling", "Stalled", "Healthy")
    merged = merge(before, [wanted("True", kind) for kind in kinds], generation=1, now=NOW)
    assert [each["type"] for each in merged] == list(kinds)


def test_a_condition_that_is_wanted_no_more_goes() -> None:
    assert [each["type"] for each in merge([found("True", "Old")], [wanted("True")], generation=1, now=NOW)] == [
        "Ready"
    ]


def test_a_message_has_a_bound() -> None:
    (merged,) = merge([], [wanted("True", message="x" * 100_000)], generation=1, now=NOW)
    assert len(merged["message"]) == 2000


def test_a_time_is_written_in_utc() -> None:
    assert timestamp(datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-01T12:00:00Z"


def test_the_status_of_a_condition_is_found_by_its_type() -> None:
    assert condition_status([found("False", "Healthy"), found("True")], "Ready") == "True"
    assert condition_status([found("False", "Healthy")], "Ready") is None


@pytest.mark.parametrize(
    ("reason", "said", "says", "kept"),
    [
        pytest.param(Reason.SERVER_UNREACHABLE, "P1001 (timeout)", "P1001 (no route)", True, id="libpq's words differ"),
        pytest.param(Reason.IMAGE_PULL_FAILED, 'no (A): "x"', 'no (B): "y"', True, id="the kubelet's words differ"),
        pytest.param(Reason.SERVER_UNREACHABLE, "P1001 (timeout)", "P1017 (timeout)", False, id="ours differ"),
        pytest.param(Reason.MIGRATION_FAILED, 'at "A"', 'at "B"', False, id="another migration failed"),
    ],
)
def test_a_fault_that_lasts_is_said_once(reason: Reason, said: str, says: str, *, kept: bool) -> None:
    before = merge([], [Condition(type="Ready", status="Unknown", reason=reason, message=said)], generation=1, now=NOW)
    wanted = Condition(type="Ready", status="Unknown", reason=reason, message=says)
    (after,) = merge(before, [wanted], generation=1, now=NOW + timedelta(minutes=1))
    assert after["message"] == (said if kept else says)
    assert (after == before[0]) is kept
