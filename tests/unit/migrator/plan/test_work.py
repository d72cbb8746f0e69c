"""What a run decides of what it saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from litellm_database_operator.migrator.content import Content, Index, Migration, View
from litellm_database_operator.migrator.errors import RunFailedError
from litellm_database_operator.migrator.look import LedgerRow, SchemaObject, Seen
from litellm_database_operator.migrator.plan.work import (
    Work,
    broken_indexes,
    edited,
    find_work,
    missing_views,
    named,
    refuse,
    state_of,
    unbuilt_indexes,
    unknown,
)
from litellm_database_operator.model.names import LEDGER_TABLE
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import clean
from litellm_database_operator.model.schema_state import SchemaState

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
    work = find_work(content(A, B, C), found, resumable=frozenset())
    assert [migration.name for migration in work.pending] == pending
    assert work.resume == ()


def test_an_unfinished_one_that_can_be_run_again_is() -> None:
    found = seen(row(A), row(B, finished=False))
    refuse(content(A, B), found, resumable=frozenset({B}))
    work = find_work(content(A, B), found, resumable=frozenset({B}))
    assert work.resume == (B,)
    assert [migration.name for migration in work.pending] == [B]


TABLE = thing("LiteLLM_Key", "r")
PARTITION = SchemaObject(name="logs_2026", kind="r", valid=True, partition=True)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        pytest.param(seen(objects=()), SchemaState.EMPTY, id="nothing there"),
        pytest.param(seen(), SchemaState.EMPTY, id="an empty ledger"),
        pytest.param(seen(objects=(thing("v", "v"), thing("s", "S"))), SchemaState.EMPTY, id="no table"),
        pytest.param(seen(row(A), row("0_init"), objects=(LEDGER, TABLE)), SchemaState.BEHIND, id="behind"),
        pytest.param(seen(row(A), row(B), row(C, checksum="edited")), SchemaState.CURRENT, id="edited"),
        pytest.param(seen(row(A), row(B), row(C), objects=(TABLE, PARTITION)), SchemaState.CURRENT, id="partitions"),
        pytest.param(seen(row(A), row("2099")), SchemaState.AHEAD, id="ahead"),
        pytest.param(seen(row(A), row(B, finished=False)), SchemaState.INTERRUPTED, id="interrupted"),
        pytest.param(seen(objects=(TABLE,)), SchemaState.UNLEDGERED, id="no ledger"),
        pytest.param(seen(objects=(TABLE, LEDGER)), SchemaState.UNLEDGERED, id="a ledger without rows"),
        pytest.param(
            seen(row(A), objects=(TABLE, thing("orders", "p"))), SchemaState.FOREIGN, id="another application"
        ),
    ],
)
def test_a_database_has_one_word(found: Seen, state: SchemaState) -> None:
    assert state_of(content(A, B, C), found) is state


@pytest.mark.parametrize(
    ("found", "reason", "code", "migration", "names"),
    [
        pytest.param(seen(row(A, finished=False)), Reason.LEDGER_UNFINISHED, "P3009", A, None, id="unfinished"),
        pytest.param(
            seen(row("20200101_x", finished=False)), Reason.LEDGER_UNFINISHED, "P3009", "20200101_x", None, id="unknown"
        ),
        pytest.param(
            seen(row(A, finished=False), row(B, finished=False), row("2099")),
            Reason.LEDGER_UNFINISHED,
            "P3009",
            A,
            f'"{A}", "{B}"',
            id="unfinished comes first",
        ),
        pytest.param(
            seen(row("2099"), row("2098")), Reason.AHEAD_OF_TARGET, None, "2099", '"2098", "2099"', id="ahead"
        ),
        pytest.param(
            seen(objects=(LEDGER, TABLE)), Reason.UNLEDGERED, "P3005", None, '"LiteLLM_Key"', id="no row of the ledger"
        ),
        pytest.param(
            seen(row(A), row(B, finished=False), objects=(LEDGER, TABLE, thing("my orders", "r"))),
            Reason.FOREIGN_TABLES,
            None,
            None,
            '"my orders"',
            id="another application comes before all",
        ),
    ],
)
def test_nothing_runs_where_a_person_must_act(
    found: Seen, reason: Reason, code: str | None, migration: str | None, names: str | None
) -> None:
    with pytest.raises(RunFailedError) as refused:
        refuse(content(A, B, C), found, resumable=frozenset())
    failure = refused.value.failure
    assert (failure.reason, failure.prisma_code, failure.migration, failure.server_message) == (
        reason,
        code,
        migration,
        names,
    )
    assert clean(failure.message) == failure.message


@pytest.mark.parametrize("found", [pytest.param(seen(row(A)), id="behind"), pytest.param(seen(objects=()), id="empty")])
def test_nothing_stops_the_usual_way(found: Seen) -> None:
    refuse(content(A, B), found, resumable=frozenset())


def test_a_preview_of_an_older_target_is_no_mistake() -> None:
    refuse(content(A), seen(row(A), row("2099")), resumable=frozenset(), ahead=True)


def test_a_database_that_is_ahead_has_nothing_before_it() -> None:
    """Not even the file, the indexes and the views of the older bundle that it lacks."""
    work = find_work(content(A, B), seen(row(A), row("2099")), resumable=frozenset())
    assert work == Work(resume=(), pending=(), indexes=(), views=())


def test_information_stops_nothing() -> None:
    found = seen(row("0_init"), row(A, checksum="other"), row(B))
    assert unknown(content(A, B), found) == {"0_init"}
    assert edited(content(A, B), found) == (A,)


def test_indexes_are_built_that_are_missing_or_invalid() -> None:
    found = seen(objects=(thing("i1", "i", valid=False),))
    assert [index.name for index in unbuilt_indexes(content(A), found)] == ["i1", "i2"]
    found = seen(objects=(thing("i1", "i"), thing("i2", "I")))
    assert unbuilt_indexes(content(A), found) == ()


def test_an_invalid_index_of_an_applied_file_is_built_anew() -> None:
    made = replace(
        content(A, B),
        migrations=(
            Migration(name=A, script=b'CREATE INDEX "i3" ON t', checksum=""),
            Migration(name=B, script=b'CREATE INDEX "i4" ON t', checksum=""),
        ),
    )
    invalid = (thing("i3", "i", valid=False), thing("i4", "i", valid=False), thing("mine", "i", valid=False))
    found = seen(row(A), objects=invalid)
    assert [index.name for index in broken_indexes(made, found)] == ["i3"]
    assert find_work(made, found, resumable=frozenset()).indexes == ("i1", "i2", "i3")


def test_views_are_made_that_are_missing() -> None:
    found = seen(objects=(thing("v1", "m"), thing("v2", "r")))
    assert [view.name for view in missing_views(content(A), found)] == ["v2"]


def test_many_names_are_told_by_the_first_ones() -> None:
    assert named(["a", "b", "c"]) == '"a", "b", "c"'
    assert named(["a", "b", "c", "d", "e"]) == '"a", "b", "c" and 2 more'
