"""What a run decides of what it saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from litellm_database_operator.migrator.content import Content, Index, Migration, View
from litellm_database_operator.migrator.errors import RunFailedError
from litellm_database_operator.migrator.look import LedgerRow, SchemaObject, Seen
from litellm_database_operator.migrator.plan import edited, make_plan, missing_views, named, unbuilt_indexes, unknown
from litellm_database_operator.model.names import LEDGER_TABLE
from litellm_database_operator.model.reasons import Reason

A, B, C = "20250101_a", "20250102_B with spaces", "20250102_b"
LEDGER = SchemaObject(name=LEDGER_TABLE, kind="r", valid=True)


def content(*names: str) -> Content:
    return Content(
        objects=Path("/bundles/objects"),
        schema="0" * 64,
        version="1",
        digest="sha256:1",
        migrations=tuple(Migration(name=name, script=b"", checksum=f"sum of {name}") for name in names),
        indexes=(Index(name="i1", table="t", definition="(a)"), Index(name="i2", table="t", definition="(b)")),
        views=(View(name="v1", sql=""), View(name="v2", sql="")),
    )


def row(name: str, *, finished: bool = True, rolled_back: bool = False, checksum: str = "") -> LedgerRow:
    return LedgerRow(name=name, checksum=checksum or f"sum of {name}", finished=finished, rolled_back=rolled_back)


def seen(*rows: LedgerRow, objects: tuple[SchemaObject, ...] = (LEDGER,)) -> Seen:
    return Seen(objects=objects, rows=rows)


def thing(name: str, kind: str, *, valid: bool = True) -> SchemaObject:
    return SchemaObject(name=name, kind=kind, valid=valid)


@pytest.mark.parametrize(
    ("found", "pending"),
    [
        pytest.param(seen(objects=()), [A, B, C], id="nothing there"),
        pytest.param(seen(), [A, B, C], id="an empty ledger"),
        pytest.param(seen(row(A), row(B)), [C], id="behind"),
        pytest.param(seen(row(C)), [A, B], id="older ones are missing: a difference of sets, not what comes after"),
        pytest.param(seen(row(A), row(B), row(C)), [], id="complete"),
        pytest.param(seen(row(A, finished=False, rolled_back=True), row(B)), [A, C], id="rolled back"),
        pytest.param(seen(row(A, finished=False, rolled_back=True), row(A)), [B, C], id="rolled back, then applied"),
        pytest.param(seen(row(A, finished=True, rolled_back=True)), [A, B, C], id="applied, then rolled back"),
        pytest.param(seen(row("0_init"), row(A)), [B, C], id="an older name that the bundle does not know"),
        pytest.param(seen(row("2099_baseline_diff"), row(A)), [B, C], id="what LiteLLM's own migrator leaves"),
        pytest.param(seen(row(A, checksum="other")), [B, C], id="edited since"),
    ],
)
def test_pending_is_what_the_ledger_lacks(found: Seen, pending: list[str]) -> None:
    plan = make_plan(content(A, B, C), found, resumable=frozenset())
    assert [migration.name for migration in plan.pending] == pending
    assert plan.resume == ()


def test_an_unfinished_one_that_can_be_run_again_is() -> None:
    plan = make_plan(content(A, B), seen(row(A), row(B, finished=False)), resumable=frozenset({B}))
    assert plan.resume == (B,)
    assert [migration.name for migration in plan.pending] == [B]


@pytest.mark.parametrize(
    ("found", "reason", "code", "migration"),
    [
        pytest.param(seen(row(A, finished=False)), Reason.LEDGER_UNFINISHED, "P3009", A, id="unfinished"),
        pytest.param(
            seen(row("20200101_x", finished=False)), Reason.LEDGER_UNFINISHED, "P3009", "20200101_x", id="unknown too"
        ),
        pytest.param(
            seen(row(A, finished=False), row("2099")), Reason.LEDGER_UNFINISHED, "P3009", A, id="unfinished comes first"
        ),
        pytest.param(seen(row("2099"), row("2098")), Reason.AHEAD_OF_TARGET, None, "2099", id="ahead"),
        pytest.param(seen(objects=(thing("t", "r"),)), Reason.MIGRATION_FAILED, "P3005", None, id="a table"),
        pytest.param(seen(objects=(LEDGER, thing("e", "enum"))), Reason.MIGRATION_FAILED, "P3005", None, id="a type"),
        pytest.param(seen(objects=(thing("f", "function"),)), Reason.MIGRATION_FAILED, "P3005", None, id="a function"),
    ],
)
def test_nothing_runs_where_a_person_must_act(
    found: Seen, reason: Reason, code: str | None, migration: str | None
) -> None:
    with pytest.raises(RunFailedError) as refused:
        make_plan(content(A, B, C), found, resumable=frozenset())
    failure = refused.value.failure
    assert (failure.reason, failure.prisma_code, failure.migration) == (reason, code, migration)


def test_tables_beside_a_used_ledger_are_no_strangers() -> None:
    found = seen(row(A), objects=(LEDGER, thing("t", "r")))
    assert make_plan(content(A), found, resumable=frozenset()).pending == ()


def test_information_stops_nothing() -> None:
    found = seen(row("0_init"), row(A, checksum="other"), row(B))
    assert unknown(content(A, B), found) == {"0_init"}
    assert edited(content(A, B), found) == (A,)


def test_indexes_are_built_that_are_missing_or_invalid() -> None:
    found = seen(objects=(thing("i1", "i", valid=False),))
    assert [index.name for index in unbuilt_indexes(content(A), found)] == ["i1", "i2"]
    found = seen(objects=(thing("i1", "i"), thing("i2", "I")))
    assert unbuilt_indexes(content(A), found) == ()


def test_views_are_made_that_are_missing() -> None:
    found = seen(objects=(thing("v1", "m"), thing("v2", "r")))
    assert [view.name for view in missing_views(content(A), found)] == ["v2"]


def test_many_names_are_told_by_the_first_ones() -> None:
    assert named(["a", "b", "c"]) == "a, b, c"
    assert named(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
