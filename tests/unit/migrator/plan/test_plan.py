"""A plan's name, its JSON and its short forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litellm_database_operator.migrator.plan.effect import Act
from litellm_database_operator.migrator.plan.plan import Plan, PlannedFile, PlannedStatement, dump_plan
from litellm_database_operator.migrator.plan.verdict import Lock, Long, Question
from litellm_database_operator.model.report import PLAN_DIGEST
from litellm_database_operator.model.schema_state import SchemaState
from tests.unit.migrator.drafts import INDEX, STATEMENT, plan

TRAFFIC = {"bytes", "estimate"}
COVERED = {"kind", "act", "object", "loses", "rows", "long", "questions"}
texts = st.text(max_size=4)
sizes = st.none() | st.integers(min_value=0, max_value=2**60)
statements = st.builds(
    PlannedStatement,
    kind=texts,
    act=st.sampled_from(Act),
    object=texts,
    table=st.none() | texts,
    loses=st.booleans(),
    rows=st.none() | st.booleans(),
    breaks=st.booleans(),
    lock=st.none() | st.sampled_from(Lock),
    long=st.none() | st.sampled_from(Long),
    bytes=sizes,
    estimate=sizes,
    text=texts,
    questions=st.lists(
        st.builds(Question, table=texts, columns=st.lists(texts, max_size=2).map(tuple)), max_size=2
    ).map(tuple),
)
files = st.builds(
    PlannedFile, name=texts, checksum=texts, statements=st.lists(statements, max_size=2).map(tuple), others=st.just(1)
)
plans = st.builds(
    Plan,
    bundle=texts,
    target=texts,
    state=st.sampled_from(SchemaState),
    files=st.lists(files, max_size=2).map(tuple),
    indexes=st.lists(texts, max_size=2).map(tuple),
    views=st.lists(texts, max_size=2).map(tuple),
)


def changed(drawn: Plan, change: Callable[[PlannedStatement], PlannedStatement]) -> Plan:
    return replace(
        drawn, files=tuple(replace(file, statements=tuple(map(change, file.statements))) for file in drawn.files)
    )


@settings(max_examples=25)
@given(drawn=plans, size=sizes, estimate=sizes)
def test_equal_databases_have_one_digest_whatever_their_traffic(
    drawn: Plan, size: int | None, estimate: int | None
) -> None:
    assert PLAN_DIGEST.fullmatch(drawn.digest)
    assert changed(drawn, lambda each: replace(each, bytes=size, estimate=estimate)).digest == drawn.digest


@settings(max_examples=25)
@given(drawn=plans, statement=statements)
def test_each_thing_that_it_covers_changes_it(drawn: Plan, statement: PlannedStatement) -> None:
    file = PlannedFile(name="f", checksum="c", statements=(statement,))
    whole = replace(drawn, files=(file, *drawn.files))
    others = [
        replace(whole, target=whole.target + "x"),
        replace(whole, state=next(state for state in SchemaState if state is not whole.state)),
        replace(whole, indexes=(*whole.indexes, "x")),
        replace(whole, views=(*whole.views, "x")),
        replace(whole, files=drawn.files),
        replace(whole, files=(replace(file, name="g"), *drawn.files)),
        replace(whole, files=(replace(file, checksum="d"), *drawn.files)),
        replace(whole, files=(replace(file, statements=()), *drawn.files)),
    ]
    assert whole.digest not in {other.digest for other in others}
    assert len({other.digest for other in others}) == len(others)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("kind", "x"),
        ("act", Act.DELETE),
        ("object", "x"),
        ("loses", False),
        ("rows", False),
        ("long", Long.SCAN),
        ("questions", (Question(table="x"),)),
    ],
)
def test_what_a_statement_does_changes_it(name: str, other: Any) -> None:
    assert plan(replace(STATEMENT, **{name: other})).digest != plan(STATEMENT).digest
    assert {"kind", "act", "object", "loses", "rows", "long", "questions"} == COVERED


@pytest.mark.parametrize("name", ["bytes", "estimate", "text", "table"])
def test_what_is_told_of_a_statement_does_not(name: str) -> None:
    assert plan(replace(STATEMENT, **{name: None})).digest == plan(STATEMENT).digest


def test_each_column_that_a_type_takes_with_it_counts() -> None:
    """Its name alone does not say which columns CASCADE takes: one that is added later is none that was approved."""
    drop = replace(STATEMENT, kind="DropStmt", act=Act.DROP_TYPE, object='"Status"', table=None)
    columns = [Question(table="LiteLLM_Key", columns=(name,)) for name in ("status", "other")]
    digests = {
        plan(replace(drop, questions=asked)).digest for asked in ((), tuple(columns), (columns[0],), (columns[1],))
    }
    assert len(digests) == 4


def test_order_counts() -> None:
    assert plan(STATEMENT, INDEX).digest != plan(INDEX, STATEMENT).digest


def test_its_json_holds_everything() -> None:
    told = json.loads(dump_plan(plan(STATEMENT, INDEX, indexes=("i",), views=("v",))))
    assert {name: told[name] for name in ("version", "bundle", "target", "state", "pending", "indexes", "views")} == {
        "version": 1,
        "bundle": "2",
        "target": "sha256:2",
        "state": "Behind",
        "pending": 1,
        "indexes": ["i"],
        "views": ["v"],
    }
    (file,) = told["files"]
    assert (file["name"], file["checksum"], file["unlisted"], file["others"]) == ("20250101_a", "c" * 64, 0, 1)
    assert [set(statement) for statement in file["statements"]] == [{field.name for field in fields(STATEMENT)}] * 2
    assert [statement["act"] for statement in file["statements"]] == ["DropColumn", "CreateIndex"]


LIMIT = 256 * 1024
MONSTER = "\U0001f4a9\x1b[2J" * 150


@pytest.mark.parametrize(
    "huge",
    [
        pytest.param(plan(*[INDEX] * 5000, STATEMENT), id="many statements"),
        pytest.param(plan(files=[PlannedFile(name="f" * 255, checksum="c" * 64)] * 5000), id="many files"),
        pytest.param(plan(*[replace(STATEMENT, text=MONSTER, object=MONSTER)] * 300), id="monstrous names"),
        pytest.param(plan(STATEMENT, views=[MONSTER] * 900, indexes=[MONSTER] * 900), id="monstrous views"),
        pytest.param(
            plan(files=[PlannedFile(name=MONSTER, checksum="c", statements=(STATEMENT,) * 9)] * 900), id="all of it"
        ),
    ],
)
def test_its_json_is_bounded(huge: Plan) -> None:
    text = dump_plan(huge)
    assert len(text.encode()) <= LIMIT
    assert json.loads(text)["pending"] == len(huge.files)
    assert "\x1b" not in text


def test_what_loses_rows_is_listed_before_all_else() -> None:
    (file,) = json.loads(dump_plan(plan(*[INDEX] * 5000, STATEMENT)))["files"]
    assert file["statements"][-1]["act"] == "DropColumn"
    assert file["unlisted"] == 5001 - len(file["statements"])


SMALL, BIG, BIGGER = (replace(INDEX, bytes=size) for size in (1_000_000, 20_000_000, 30_000_000))
REWRITE = replace(BIG, long=Long.REWRITE)


def test_the_worst_lock_comes_first() -> None:
    assert plan(SMALL, BIG, BIGGER, REWRITE).blocking == (REWRITE, BIGGER, BIG)


@pytest.mark.parametrize(
    ("statement", "blocks"),
    [
        pytest.param(SMALL, False, id="a small table is read in a moment"),
        pytest.param(BIG, True, id="a big one is not"),
        pytest.param(replace(BIG, long=None), False, id="a lock of a moment"),
        pytest.param(replace(BIG, lock=None), False, id="no lock"),
        pytest.param(replace(BIG, bytes=None, estimate=None), False, id="a table that nobody has looked at"),
        pytest.param(replace(BIG, bytes=None, estimate=100_000), True, id="one with many rows"),
    ],
)
def test_what_lasts_longer_than_a_moment_blocks(*, statement: PlannedStatement, blocks: bool) -> None:
    assert statement.blocks is blocks
