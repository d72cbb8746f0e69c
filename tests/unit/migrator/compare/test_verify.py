"""When a schema may be called complete."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from litellm_database_operator.migrator.compare.verify import incomplete, missing, refuse_ledger
from litellm_database_operator.migrator.content import Content, Index, Migration, View
from litellm_database_operator.migrator.errors import RunFailedError
from litellm_database_operator.migrator.judge import Diagnosis
from litellm_database_operator.migrator.look import LedgerRow, SchemaObject, Seen
from litellm_database_operator.model.reasons import Reason

CONTENT = Content(
    objects=Path("/bundles/objects"),
    schema="0" * 64,
    version="1",
    digest="sha256:1",
    migrations=(Migration(name="a", script=b"", checksum=""),),
    indexes=(Index(name="i", table="t", definition="(a)"),),
    views=(View(name="v", sql=""),),
)
WHOLE = Seen(
    objects=(SchemaObject(name="i", kind="i", valid=True), SchemaObject(name="v", kind="v", valid=True)), rows=()
)
EMPTY = Seen(objects=(), rows=())


def diagnosis(
    *, failed: tuple[str, ...] = (), unapplied: tuple[str, ...] = (), unknown: tuple[str, ...] = ()
) -> Diagnosis:
    return Diagnosis(has_ledger=True, failed=failed, edited=("e",), unapplied=unapplied, unknown=unknown)


@pytest.mark.parametrize(
    "wrong", [pytest.param(diagnosis(failed=("m",)), id="failed"), pytest.param(diagnosis(unapplied=("m",)), id="not")]
)
def test_a_ledger_that_prisma_does_not_accept_is_no_success(wrong: Diagnosis) -> None:
    with pytest.raises(RunFailedError) as refused:
        refuse_ledger(wrong)
    assert (refused.value.failure.reason, refused.value.failure.migration) == (Reason.LEDGER_UNFINISHED, "m")


def test_unknown_and_edited_ones_are_information() -> None:
    refuse_ledger(diagnosis(unknown=("0_init",)))


def test_what_is_missing_is_told_once() -> None:
    assert missing(CONTENT, WHOLE, differences=()) == ()
    assert missing(CONTENT, EMPTY, differences=("column t.c", "index t.x")) == (
        "column t.c",
        "index t.x",
        "index t.i",
        "view v",
    )


def test_an_index_that_stays_invalid_is_missing() -> None:
    content = replace(CONTENT, migrations=(Migration(name="a", script=b'CREATE INDEX "j" ON t', checksum=""),))
    invalid = SchemaObject(name="j", kind="i", valid=False, table="t")
    applied = LedgerRow(name="a", checksum="", finished=True, rolled_back=False)
    found = Seen(objects=(*WHOLE.objects, invalid), rows=(applied,))
    assert missing(content, found, differences=()) == ("index t.j, which is INVALID",)


def test_an_incomplete_schema_is_said_to_be() -> None:
    failure = incomplete(["column t.a", "b"]).failure
    assert (failure.reason, failure.server_message) == (Reason.SCHEMA_INCOMPLETE, '"column t.a", "b"')
    assert "choose another LiteLLM version" in failure.message


def test_nobody_is_blamed_for_what_the_files_may_never_have_made() -> None:
    message = incomplete(["a"], drifted=True).failure.message
    assert "by hand, or no file that was run here ever made them" in message


@pytest.mark.parametrize(
    ("kind", "valid", "told"),
    [
        pytest.param("I", True, (), id="a partitioned table's"),
        pytest.param("i", True, ("primaryKey t.t_pkey",), id="another table's"),
        pytest.param("I", False, ("primaryKey t.t_pkey",), id="one that is half made"),
    ],
)
def test_a_primary_key_may_differ_where_a_table_is_partitioned(kind: str, valid: bool, told: tuple[str, ...]) -> None:  # noqa: FBT001
    key = SchemaObject(name="t_pkey", kind=kind, valid=valid, table="t")
    seen = replace(WHOLE, objects=(*WHOLE.objects, key))
    assert missing(CONTENT, seen, differences=("primaryKey t.t_pkey",)) == told
