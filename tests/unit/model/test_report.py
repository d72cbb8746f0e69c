"""The report: what goes in comes out, it fits, and nothing hostile is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import (
    MAX_BYTES,
    MAX_TEXT,
    Failure,
    Outcome,
    Report,
    ReportError,
    clean,
    dump,
    parse,
)

SUCCESS = Report(
    outcome=Outcome.MIGRATED,
    bundle="0.4.110",
    digest="sha256:" + "0" * 64,
    applied=143,
    total=220,
    ledger="a59fed10b3219bc1",
    seconds=0.656,
)
FAILURE = replace(
    SUCCESS,
    outcome=Outcome.FAILED,
    missing=("column LiteLLM_TeamTable.blocked",),
    failure=Failure(
        reason=Reason.MIGRATION_FAILED,
        message="cannot apply a migration",
        prisma_code="P3018",
        sqlstate="42P01",
        migration="20260108_add_user_email_lower_idx",
        statement="ALTER TABLE x ADD COLUMN y INT",
        server_message='relation "x" does not exist',
    ),
)


@pytest.mark.parametrize("report", [pytest.param(SUCCESS, id="success"), pytest.param(FAILURE, id="failure")])
def test_a_report_comes_back_as_it_was(report: Report) -> None:
    assert parse(dump(report)) == report


@given(text=st.text(), names=st.lists(st.text(min_size=1)))
def test_any_text_fits_and_can_be_read(text: str, names: list[str]) -> None:
    failure = Failure(
        reason=Reason.SCHEMA_INCOMPLETE, message=text, migration=text * 50, statement=text * 999, server_message=text
    )
    dumped = dump(replace(FAILURE, missing=tuple(names * 20), failure=failure, bundle=text))
    assert len(dumped.encode()) <= MAX_BYTES
    assert parse(dumped).failure is not None


@pytest.mark.parametrize("char", ["😀", "\\", '"', "ä"])
def test_the_longest_texts_give_way(char: str) -> None:
    long = char * 10_000
    failure = Failure(reason=Reason.MIGRATION_FAILED, message=long, migration=long, statement=long, server_message=long)
    dumped = dump(replace(FAILURE, missing=(long,) * 40, failure=failure))
    assert len(dumped.encode()) <= MAX_BYTES
    assert parse(dumped).digest == FAILURE.digest


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("two\n lines\tof it ", "two lines of it", id="white space"),
        pytest.param("\x1b[31mred\x07\x00", "[31mred", id="terminal escapes"),
        pytest.param("a\u202eb\u200bc\ud800d", "abcd", id="invisible and reversing characters"),
        pytest.param("x" * 999, "x" * (MAX_TEXT - 1) + "…", id="too long"),
    ],
)
def test_foreign_text_is_cleaned(text: str, shown: str) -> None:
    assert clean(text) == shown


def told(**changes: Any) -> str:
    return json.dumps(json.loads(dump(FAILURE)) | changes)


def test_unknown_fields_are_passed_over() -> None:
    assert parse(told(tomorrow="more")) == FAILURE


def test_foreign_text_is_cleaned_when_read_too() -> None:
    failure = json.loads(dump(FAILURE))["failure"] | {"server_message": "\x1b[2J" + "y" * 900}
    read = parse(told(failure=failure)).failure
    assert read is not None
    assert read.server_message == "[2J" + "y" * 296 + "…"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Error: out of memory", id="no JSON"),
        pytest.param(dump(FAILURE)[:-20], id="cut off"),
        pytest.param(dump(FAILURE) + " " * MAX_BYTES, id="too long"),
        pytest.param("[" * 3000, id="nested without an end"),
        pytest.param('"\ud800"', id="half a character"),
        pytest.param("[]", id="a list"),
        pytest.param("null", id="null"),
        pytest.param(told(version=2), id="another version"),
        pytest.param(told(version="1"), id="a version that is no number"),
        pytest.param(told(outcome="UpToDate"), id="another outcome"),
        pytest.param(told(outcome="Migrated"), id="success with a failure"),
        pytest.param(told(failure=None), id="failure without one"),
        pytest.param(told(failure="because"), id="failure that is no object"),
        pytest.param(told(failure={"reason": "MigrationFailed"}), id="failure without a message"),
        pytest.param(told(failure={"reason": "DatabaseNotOurs", "message": ""}), id="a reason of the operator's"),
        pytest.param(told(failure={"reason": "MigrationFailed", "message": "", "sqlstate": "'; --"}), id="sqlstate"),
        pytest.param(
            told(failure={"reason": "MigrationFailed", "message": "", "prisma_code": "P3018 and more"}), id="code"
        ),
        pytest.param(told(applied=-1), id="a count below zero"),
        pytest.param(told(applied=True), id="a count that is a boolean"),
        pytest.param(told(applied=1.5), id="a count that is no whole number"),
        pytest.param(told(applied=2**31), id="a count that status cannot hold"),
        pytest.param(told(seconds=1e300), id="seconds that status cannot hold"),
        pytest.param(told(seconds=float("nan")), id="seconds that are no number"),
        pytest.param(told(seconds=float("inf")), id="seconds without an end"),
        pytest.param(told(seconds="1"), id="seconds that are a text"),
        pytest.param(told(ledger="../../etc"), id="another fingerprint"),
        pytest.param(told(bundle=None), id="no bundle"),
        pytest.param(told(missing={"a": "b"}), id="missing that is no list"),
        pytest.param(told(missing=[1]), id="missing that is no text"),
    ],
)
def test_what_is_no_report_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ReportError) as refused:
        parse(text)
    assert len(str(refused.value)) < 60


def test_a_number_as_long_as_the_report_is_refused() -> None:
    with pytest.raises(ReportError):
        parse(told().replace("0.656", "9" * 2000))
