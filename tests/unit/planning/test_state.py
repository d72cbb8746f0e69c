"""What a database is, and what is said of one that no run is started for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from litellm_database_operator.model import names
from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import Change, InsideFacts, Judged
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.schema_state import SchemaState
from litellm_database_operator.planning.findings import Finding, State
from litellm_database_operator.planning.migration import is_at_rest
from litellm_database_operator.planning.plan import Plan, make_plan
from litellm_database_operator.planning.seen import state_of
from litellm_database_operator.planning.steps import StartMigration
from tests.support.planning import (
    BUNDLE,
    EMPTY,
    NEWER,
    NOW,
    VERIFIED,
    catalog_of,
    inside_of,
    job_of,
    occasion_of,
    ready,
    resource_of,
)

TABLES = frozenset({"LiteLLM_UserTable", "LiteLLM_TeamTable", names.LEDGER_TABLE})
WELL = replace(inside_of(), tables=TABLES)
MISSING = Judged(at=NOW, missing=("column LiteLLM_TeamTable.blocked", "index LiteLLM_SpendLogs_idx"))
DRIFTED = replace(WELL, judged={BUNDLE.digest: MISSING})
FOREIGN = replace(WELL, tables=TABLES | {"orders", "customers"})
UNLEDGERED = replace(EMPTY, tables=TABLES)
AHEAD = replace(inside_of(NEWER), tables=TABLES, judged={BUNDLE.digest: VERIFIED})
ADDED = Change(at=NOW + timedelta(hours=1), names=frozenset(NEWER.migrations[2:]), breaks=False)
RETRY = "kubectl -n team-a annotate litellmdatabase gateway --overwrite litellmdb.dev/retry=$(date +%s)"


def plan(inside: InsideFacts, *, target: Bundle = BUNDLE, annotation: str = "", **changes: Any) -> Plan:
    """Return the plan for a database in which `inside` is found."""
    annotations = {names.RETRY_ANNOTATION: annotation} if annotation else {}
    resource = resource_of(annotations=annotations)
    return make_plan(resource, ready(resource, inside=inside, **changes), occasion_of(resource, target=target))


def standing(inside: InsideFacts) -> Finding:
    """Return how SchemaMigrated stands where no run is started."""
    made = plan(inside)
    assert made.steps == ()
    return made.migrated


@pytest.mark.parametrize(
    ("inside", "target", "state"),
    [
        pytest.param(EMPTY, BUNDLE, SchemaState.EMPTY, id="empty"),
        pytest.param(replace(EMPTY, tables=frozenset({names.LEDGER_TABLE})), BUNDLE, SchemaState.EMPTY,
                     id="empty, with a ledger"),
        pytest.param(WELL, BUNDLE, SchemaState.CURRENT, id="current"),
        pytest.param(WELL, NEWER, SchemaState.BEHIND, id="behind"),
        pytest.param(DRIFTED, BUNDLE, SchemaState.DRIFTED, id="drifted"),
        pytest.param(DRIFTED, NEWER, SchemaState.BEHIND, id="missing something of another bundle"),
        pytest.param(AHEAD, BUNDLE, SchemaState.AHEAD, id="ahead"),
        pytest.param(UNLEDGERED, BUNDLE, SchemaState.UNLEDGERED, id="unledgered"),
        pytest.param(FOREIGN, BUNDLE, SchemaState.FOREIGN, id="foreign"),
        pytest.param(replace(WELL, unfinished=frozenset({"x"})), BUNDLE, SchemaState.INTERRUPTED, id="interrupted"),
    ],
)  # fmt: skip
def test_a_database_has_one_name(inside: InsideFacts, target: Bundle, state: SchemaState) -> None:
    assert state_of(target, inside) is state


@pytest.mark.parametrize(
    ("inside", "reason", "words"),
    [
        pytest.param(FOREIGN, Reason.FOREIGN_TABLES,
                     ('2 tables that LiteLLM never made: "customers", "orders"', "the database serves on",
                      "ALTER TABLE … SET SCHEMA", "looked at again by itself"), id="beside a proxy's"),
        pytest.param(replace(EMPTY, tables=frozenset({"orders"})), Reason.FOREIGN_TABLES,
                     ('a table that LiteLLM never made: "orders"', "Nothing is touched.", "spec.database"),
                     id="where nothing is yet"),
        pytest.param(UNLEDGERED, Reason.UNLEDGERED,
                     ('"LiteLLM_TeamTable", "LiteLLM_UserTable"', "P3005", "db push", "Restore _prisma_migrations"),
                     id="without a ledger"),
        pytest.param(DRIFTED, Reason.SCHEMA_INCOMPLETE,
                     ('"column LiteLLM_TeamTable.blocked"', '"index LiteLLM_SpendLogs_idx"', "serves on", RETRY),
                     id="drifted"),
        pytest.param(AHEAD, Reason.AHEAD_OF_TARGET,
                     ("ahead of bundle 0.4.39", '"20250301000000_third"', "Nothing is ever migrated back"),
                     id="ahead, by whoever"),
    ],
)  # fmt: skip
def test_what_no_run_can_mend_starts_none_and_says_the_next_step(
    inside: InsideFacts, reason: Reason, words: tuple[str, ...]
) -> None:
    finding = standing(inside)
    assert (finding.state, finding.reason) == (State.STALLED, reason)
    for word in words:
        assert word in finding.message


@pytest.mark.parametrize(
    "inside", [FOREIGN, UNLEDGERED, DRIFTED, AHEAD], ids=["foreign", "unledgered", "drift", "ahead"]
)
def test_what_is_said_of_a_state_is_the_same_in_every_look(inside: InsideFacts) -> None:
    again = replace(inside, tables=frozenset(sorted(inside.tables, reverse=True)))
    assert standing(inside) == standing(again)


def test_many_tables_are_counted_and_foreign_text_is_cleaned() -> None:
    names_ = frozenset({"\x1b[31m'; DROP" + "x" * 400, *(f"t{number:03}" for number in range(900))})
    finding = standing(replace(EMPTY, tables=names_))
    assert finding.message.isprintable()
    assert len(finding.message) < 2000
    assert "901 tables" in finding.message
    assert "and 898 more" in finding.message


def test_a_broken_off_migration_is_given_to_a_run_that_may_resume_it() -> None:
    made = plan(replace(WELL, finished=frozenset(BUNDLE.migrations[:1]), unfinished=frozenset(BUNDLE.migrations[1:])))
    assert [type(step) for step in made.steps] == [StartMigration]


# Ahead


def test_ahead_where_nothing_was_lost_stays_ready() -> None:
    finding = standing(replace(AHEAD, changes=(ADDED,)))
    assert (finding.state, finding.reason) == (State.DONE, Reason.AHEAD_AND_COMPATIBLE)
    assert "the older proxy still works" in finding.message


def test_ahead_where_something_was_dropped_does_not() -> None:
    finding = standing(replace(AHEAD, changes=(replace(ADDED, breaks=True),)))
    assert (finding.state, finding.reason) == (State.STALLED, Reason.AHEAD_OF_TARGET)


# Drifted


def test_a_retry_compares_again_and_once_only() -> None:
    made = plan(DRIFTED, annotation="again")
    (step,) = made.steps
    assert isinstance(step, StartMigration)
    ended = job_of(name=step.job, ledger=BUNDLE.migrations, retry="again", finished=True)
    again = plan(DRIFTED, annotation="again", jobs=(ended,))
    assert (again.steps, again.migrated.reason) == ((), Reason.SCHEMA_INCOMPLETE)
    assert "column LiteLLM_TeamTable.blocked" in again.migrated.message


def test_what_was_restored_shows_in_the_next_comparison() -> None:
    mended = replace(DRIFTED, judged={BUNDLE.digest: Judged(at=NOW, missing=())})
    assert standing(mended).reason is Reason.MIGRATED


# At rest


@pytest.mark.parametrize(
    ("inside", "rests"),
    [
        pytest.param(WELL, True, id="current"),
        pytest.param(replace(WELL, judged={}), False, id="current, and never compared"),
        pytest.param(
            replace(WELL, judged={BUNDLE.digest: Judged(at=NOW - timedelta(days=2), missing=())}),
            False,
            id="current, and compared long ago",
        ),
        pytest.param(replace(WELL, views=frozenset()), False, id="current, and without its views"),
        pytest.param(replace(WELL, unfinished=frozenset({"x"})), False, id="complete, and interrupted"),
        pytest.param(DRIFTED, False, id="drifted: a retry may be asked for"),
        pytest.param(FOREIGN, True, id="foreign"),
        pytest.param(UNLEDGERED, True, id="unledgered"),
        pytest.param(AHEAD, True, id="ahead"),
        pytest.param(EMPTY, False, id="empty"),
        pytest.param(None, False, id="unseen"),
    ],
)
def test_jobs_are_looked_at_where_one_may_have_run(inside: InsideFacts | None, *, rests: bool) -> None:
    resource = resource_of()
    assert is_at_rest(resource, catalog_of(resource), inside, occasion_of(resource)) is rests
    unlocked = replace(catalog_of(resource), migrator_unlocked=True)
    assert not is_at_rest(resource, unlocked, inside, occasion_of(resource))
