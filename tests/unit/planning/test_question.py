"""What a run is to answer: another question is another Job, and only a finished Job answers."""

from dataclasses import replace
from typing import Any

import pytest

from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.observed import JobFacts
from litellm_database_operator.planning.gate import DEFAULT_GATE
from litellm_database_operator.planning.question import (
    is_aside,
    last_answer,
    migration_question,
    preview_question,
    running_job,
)
from tests.support.planning import BUNDLE, EMPTY, NEWER, inside_of, job_of, resource_of

RESOURCE = resource_of()
QUESTION = migration_question(RESOURCE, BUNDLE, EMPTY)
DONE = job_of(finished=True)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"target": NEWER}, id="another target"),
        pytest.param({"ledger": "another"}, id="another ledger"),
        pytest.param({"retry": "again"}, id="a retry"),
        pytest.param({"mode": RunMode.PREVIEW}, id="a preview"),
        pytest.param({"gate": "another"}, id="another gate"),
        pytest.param({"proof": "2026-03-01"}, id="a comparison"),
    ],
)
def test_another_question_has_another_name(changes: dict[str, Any]) -> None:
    assert replace(QUESTION, **changes).job_name(RESOURCE) != QUESTION.job_name(RESOURCE)


def test_the_same_question_has_the_same_name_whoever_asks() -> None:
    again = migration_question(resource_of(), replace(BUNDLE), replace(EMPTY))
    assert again.job_name(resource_of()) == QUESTION.job_name(RESOURCE)
    assert QUESTION.job_name(resource_of(uid="another")) != QUESTION.job_name(RESOURCE)


@pytest.mark.parametrize(
    ("job", "answers"),
    [
        pytest.param(DONE, True, id="just this one"),
        pytest.param(replace(DONE, ledger="another"), True, id="from another ledger: what it left is compared"),
        pytest.param(replace(DONE, proof="p"), True, id="by a comparison"),
        pytest.param(replace(DONE, finished=False), False, id="while it runs"),
        pytest.param(replace(DONE, finished=False, proof="p"), False, id="while a comparison runs"),
        pytest.param(replace(DONE, target=NEWER.digest), False, id="another target"),
        pytest.param(replace(DONE, retry="again"), False, id="another try"),
        pytest.param(replace(DONE, mode=RunMode.PREVIEW), False, id="a preview"),
        pytest.param(replace(DONE, gate="another"), False, id="under another gate"),
    ],
)
def test_which_job_answers(job: JobFacts, *, answers: bool) -> None:
    assert (last_answer(QUESTION, [job]) is job) is answers


def test_the_newest_answer_counts() -> None:
    newest, oldest = replace(DONE, name="newest"), replace(DONE, name="oldest")
    assert last_answer(QUESTION, [replace(DONE, retry="x"), newest, oldest]) is newest


def test_no_gate_has_a_say_in_a_preview() -> None:
    strict = resource_of({"migration": {"policy": "Manual", "approvedPlan": f"sha256:{'1' * 64}"}})
    asked = preview_question(strict, NEWER, inside_of())
    assert asked == preview_question(RESOURCE, NEWER, inside_of())
    assert (asked.mode, asked.gate) == (RunMode.PREVIEW, "")


@pytest.mark.parametrize(
    ("job", "aside"),
    [
        pytest.param(job_of(), False, id="a migration"),
        pytest.param(job_of(gate=DEFAULT_GATE, mode=RunMode.PREVIEW), True, id="a preview"),
        pytest.param(job_of(proof="p"), True, id="a comparison"),
    ],
)
def test_ready_depends_on_migrations_only(job: JobFacts, *, aside: bool) -> None:
    assert is_aside(job) is aside


def test_the_job_that_runs_is_found_among_others() -> None:
    running = job_of(name="running")
    assert running_job([DONE, running]) is running
    assert running_job([DONE]) is None
