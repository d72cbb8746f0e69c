"""Which plans pass, by which policy and approval."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from litellm_database_operator.migrator.plan.gate import ask_gate, read_scope, scope_of
from litellm_database_operator.migrator.plan.plan import Plan, PlannedFile, dump_plan
from litellm_database_operator.model.migration import Policy
from tests.unit.migrator.drafts import INDEX, STATEMENT, plan

AUTO, SAFE, MANUAL = Policy.AUTO, Policy.SAFE, Policy.MANUAL
NOTHING = plan(files=())
BLOCKS = plan(INDEX)
LOSES = plan(STATEMENT)
EMPTY = plan(replace(STATEMENT, rows=False))
UNKNOWN = plan(replace(STATEMENT, rows=None))
VIEWS = plan(files=(), views=("v",))
OTHER = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("policy", "asked", "passes"),
    [
        pytest.param(AUTO, LOSES, True, id="Auto passes what loses rows"),
        pytest.param(SAFE, LOSES, False, id="Safe stops what loses rows"),
        pytest.param(SAFE, UNKNOWN, False, id="Safe stops what nobody can tell"),
        pytest.param(SAFE, EMPTY, True, id="Safe passes where there are no rows"),
        pytest.param(SAFE, BLOCKS, True, id="Safe passes what blocks"),
        pytest.param(SAFE, VIEWS, True, id="Safe passes views"),
        pytest.param(MANUAL, BLOCKS, False, id="Manual stops everything"),
        pytest.param(MANUAL, VIEWS, False, id="Manual stops views too"),
        pytest.param(MANUAL, NOTHING, True, id="Manual does not stop nothing"),
    ],
)
@pytest.mark.parametrize("approved", ["", OTHER])
def test_what_passes_without_its_approval(*, policy: Policy, asked: Plan, passes: bool, approved: str) -> None:
    assert ask_gate(policy, approved, asked).passes is passes


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("asked", [LOSES, UNKNOWN, BLOCKS])
def test_what_is_approved_passes(policy: Policy, asked: Plan) -> None:
    assert ask_gate(policy, asked.digest, asked).words == "the plan is approved"


def test_an_approval_of_another_plan_is_named() -> None:
    assert "names another plan than this one" in ask_gate(SAFE, OTHER, LOSES).words
    assert "names another" not in ask_gate(SAFE, "", LOSES).words


def test_an_approval_that_is_not_needed_is_said_to_be() -> None:
    assert ask_gate(AUTO, OTHER, LOSES).words.endswith("and was not needed")


FIRST, SECOND = (PlannedFile(name=name, checksum="c", statements=(STATEMENT,)) for name in ("1", "2"))
WHOLE = plan(files=(FIRST, SECOND))


@pytest.mark.parametrize(
    ("rest", "passes"),
    [
        pytest.param(plan(files=(SECOND,)), True, id="what a lost connection left"),
        pytest.param(plan(files=(replace(SECOND, checksum="d"),)), False, id="another file"),
        pytest.param(
            plan(files=(replace(SECOND, statements=(STATEMENT, replace(STATEMENT, object="x"))),)),
            False,
            id="it loses more by now",
        ),
        pytest.param(
            plan(files=(replace(SECOND, statements=(replace(STATEMENT, bytes=1),)),)), True, id="the table has grown"
        ),
    ],
)
def test_the_rest_of_an_approved_plan_is_approved(*, rest: Plan, passes: bool) -> None:
    begun = read_scope(json.loads(dump_plan(WHOLE)))
    assert ask_gate(SAFE, WHOLE.digest, rest, begun=begun).passes is passes
    assert not ask_gate(SAFE, WHOLE.digest, rest).passes
    assert not ask_gate(SAFE, "", rest, begun=begun).passes


@pytest.mark.parametrize("odd", ["\x1b[2J" * 50, "\U0001f4a9" * 300, "a  b\n"])
def test_the_history_knows_a_plan_by_any_name(odd: str) -> None:
    named = plan(files=(PlannedFile(name=odd, checksum="c", statements=(replace(STATEMENT, object=odd),)),))
    assert read_scope(json.loads(dump_plan(named))) == scope_of(named)


@pytest.mark.parametrize(
    "odd",
    ["{}", '{"files": 1}', '{"files": [1]}', '{"files": [{"name": 1, "checksum": 1, "statements": []}]}'],
)
def test_what_is_no_plan_stands_for_nothing(odd: str) -> None:
    assert read_scope(json.loads(odd)) is None
