"""When a database is compared again, and what is told of a comparison that cannot be made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.observed import InsideFacts, JobFacts, Judged
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.occasion import PreviewTarget
from litellm_database_operator.planning.plan import make_plan
from litellm_database_operator.planning.proof import is_proof_due, proof_due, proof_question, told_of_proof
from litellm_database_operator.planning.steps import StartMigration
from tests.support.planning import (
    BUNDLE,
    NEWER,
    NOW,
    inside_of,
    job_of,
    occasion_of,
    pod_of,
    ready,
    report_of,
    resource_of,
)

DAY = timedelta(hours=24)
RESOURCE = resource_of()
AT = NOW - timedelta(days=2)


def _judged(ago: timedelta, *missing: str) -> InsideFacts:
    return replace(inside_of(), judged={BUNDLE.digest: Judged(at=NOW - ago, missing=missing)})


@pytest.mark.parametrize(
    ("inside", "due"),
    [
        pytest.param(_judged(DAY * 1.1), True, id="older than a day"),
        pytest.param(_judged(DAY * 0.9 - timedelta(seconds=1)), False, id="younger"),
        pytest.param(_judged(timedelta(days=30)), True, id="after a month without an operator"),
        pytest.param(_judged(timedelta(hours=1), "table x"), True, id="drifted, an hour ago"),
        pytest.param(_judged(timedelta(minutes=59), "table x"), False, id="drifted, just now"),
        pytest.param(replace(inside_of(), judged={}), False, id="never compared: a run does it"),
        pytest.param(
            replace(_judged(DAY * 2), finished=frozenset(BUNDLE.migrations[:1])), False, id="behind: a run does it"
        ),
        pytest.param(
            replace(_judged(DAY * 2), finished=frozenset(NEWER.migrations)), False, id="ahead: no run compares it"
        ),
        pytest.param(replace(_judged(DAY * 2), unfinished=frozenset("x")), False, id="interrupted"),
        pytest.param(replace(_judged(DAY * 2), tables=frozenset({"theirs"})), False, id="foreign"),
    ],
)
def test_when_it_is_due(inside: InsideFacts, due: bool) -> None:  # noqa: FBT001
    name = proof_due(BUNDLE, inside, uid="uid-1", now=NOW, every=DAY)
    assert bool(name) is due
    if due:
        assert datetime.fromisoformat(name) == inside.judged[BUNDLE.digest].at, "it is named after what it renews"


def test_never_is_never() -> None:
    for inside in (_judged(timedelta(days=900)), _judged(timedelta(days=900), "table x")):
        assert proof_due(BUNDLE, inside, uid="uid-1", now=NOW, every=timedelta(0)) == ""


def test_a_shorter_rhythm_holds_for_a_drifted_one_too() -> None:
    inside = _judged(timedelta(minutes=10), "table x")
    assert proof_due(BUNDLE, inside, uid="uid-1", now=NOW, every=timedelta(minutes=6))


def test_databases_made_together_are_compared_apart() -> None:
    """A thousand of them are spread over a fifth of the time, evenly enough that no tenth of it has two tenths."""
    due = [_first_due(f"uid-{number}") for number in range(1000)]
    begin, end = DAY * 0.9, DAY * 1.1
    assert all(begin <= each <= end for each in due)
    tenths = [int((each - begin) / (end - begin) * 10) for each in due]
    assert max(map(tenths.count, range(10))) < 200


def _first_due(uid: str) -> timedelta:
    low, high = DAY * 0.8, DAY * 1.2
    while high - low > timedelta(seconds=10):
        middle = (low + high) / 2
        if proof_due(BUNDLE, _judged(middle), uid=uid, now=NOW, every=DAY):
            high = middle
        else:
            low = middle
    return high


@given(uid=st.text(), hours=st.integers(min_value=1, max_value=1000))
def test_any_uid_is_due_in_time(uid: str, hours: int) -> None:
    every = timedelta(hours=hours)
    assert proof_due(BUNDLE, _judged(every * 1.1), uid=uid, now=NOW, every=every)
    assert not proof_due(BUNDLE, _judged(every * 0.9 - timedelta(seconds=1)), uid=uid, now=NOW, every=every)


def _ask(*jobs: JobFacts) -> str | None:
    question = proof_question(RESOURCE, _judged(DAY * 2), jobs, occasion_of(RESOURCE))
    return question and question.proof


def _tell(*jobs: JobFacts) -> str:
    return told_of_proof(RESOURCE, _judged(DAY * 2), jobs, occasion_of(RESOURCE))


PROOF = AT.isoformat()


def test_the_question_is_asked_once_by_everybody() -> None:
    inside, occasion = _judged(DAY * 2), occasion_of(RESOURCE)
    first = proof_question(RESOURCE, inside, (), occasion)
    later = proof_question(RESOURCE, inside, (), replace(occasion, now=NOW + timedelta(seconds=7)))
    assert first is not None
    assert later is not None
    assert first.job_name(RESOURCE) == later.job_name(RESOURCE)
    assert is_proof_due(RESOURCE, inside, occasion)
    assert not is_proof_due(RESOURCE, inside_of(), occasion)
    assert proof_question(RESOURCE, inside_of(), (), occasion) is None


@pytest.mark.parametrize(
    ("job", "asked"),
    [
        pytest.param(job_of(finished=True, proof="", created=NOW), True, id="the upgrade's own Job"),
        pytest.param(job_of(finished=True, proof="2026-01-01T00:00+00:00", created=NOW), True, id="an earlier proof"),
        pytest.param(
            job_of(finished=True, proof=PROOF, created=NOW - timedelta(minutes=59)), False, id="it failed now"
        ),
        pytest.param(job_of(finished=True, proof=PROOF, created=NOW - timedelta(hours=1)), True, id="an hour ago"),
    ],
)
def test_one_that_failed_is_repeated_every_hour(job: JobFacts, asked: bool) -> None:  # noqa: FBT001
    assert (_ask(job) is not None) is asked


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(resource_of(annotations={"litellmdb.dev/retry": "1"}), id="by another try"),
        pytest.param(resource_of({"migration": {"approvedPlan": "sha256:" + "1" * 64}}), id="by an approval"),
    ],
)
def test_a_person_need_not_wait_for_the_hour(resource: LiteLLMDatabase) -> None:
    failed = job_of(finished=True, proof=PROOF, created=NOW)
    assert proof_question(RESOURCE, _judged(DAY * 2), (failed,), occasion_of(RESOURCE)) is None
    assert proof_question(resource, _judged(DAY * 2), (failed,), occasion_of(resource)) is not None
    assert told_of_proof(resource, _judged(DAY * 2), (failed,), occasion_of(resource)) == ""


def test_a_preview_comes_first() -> None:
    """A person waits for it."""
    preview = {"migration": {"preview": {"bundle": NEWER.version}}}
    resource = resource_of(preview)
    occasion = replace(occasion_of(resource), preview=PreviewTarget(bundle=NEWER))
    plan = make_plan(resource, ready(resource, inside=_judged(DAY * 2)), occasion)
    (step,) = plan.steps
    assert isinstance(step, StartMigration)
    assert (step.mode, step.proof) == (RunMode.PREVIEW, "")


def test_why_it_cannot_be_made_is_told() -> None:
    failure = Failure(reason=Reason.SERVER_UNREACHABLE, message="cannot connect")
    failed = job_of(finished=True, proof=PROOF, pod=pod_of(left=report_of(failure=failure), exit_code=1))
    assert _tell(failed).startswith(f"the comparison after that of {PROOF} could not be made, and is tried every hour")
    assert "cannot connect" in _tell(failed)
    held = job_of(proof=PROOF, pod=pod_of(waiting="ErrImagePull", message="no such image"))
    assert "no such image" in _tell(held)
    assert "no such image" in _tell(held, failed)


@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param((), id="none yet"),
        pytest.param((job_of(proof=PROOF),), id="it runs"),
        pytest.param((job_of(proof=PROOF), job_of(finished=True, proof=PROOF)), id="it runs again"),
        pytest.param((job_of(finished=True, succeeded=True, proof=PROOF),), id="it has just succeeded"),
        pytest.param((job_of(finished=True, proof="2025-01-01T00:00:00+00:00"),), id="an earlier one failed"),
        pytest.param((job_of(pod=pod_of(waiting="ErrImagePull")),), id="what waits is no proof"),
    ],
)
def test_nothing_is_told_while_nothing_is_in_its_way(jobs: tuple[JobFacts, ...]) -> None:
    assert _tell(*jobs) == ""
