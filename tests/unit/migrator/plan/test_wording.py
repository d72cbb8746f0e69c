"""How a plan is said: in the short form of a report, and to a person who reads the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_database_operator.migrator.plan.effect import Act, Effect
from litellm_database_operator.migrator.plan.plan import PlannedStatement
from litellm_database_operator.migrator.plan.verdict import Lock, Long
from litellm_database_operator.migrator.plan.wording import block, describe, human, loss, phrase, summary
from litellm_database_operator.model.report import Outcome, Report, dump, parse
from litellm_database_operator.model.schema_state import SchemaState
from tests.unit.migrator.drafts import INDEX, STATEMENT, plan


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        pytest.param(Effect(act=Act.DROP_COLUMN, table="T", name="c"), 'DROP COLUMN "c" of "T"', id="a column"),
        pytest.param(
            Effect(act=Act.RETYPE_COLUMN, table="T", name="c", type="bigint"),
            'ALTER COLUMN "c" of "T" TYPE bigint',
            id="a type",
        ),
        pytest.param(
            Effect(act=Act.RETYPE_COLUMN, table="T", name="c"),
            'ALTER COLUMN "c" of "T" TYPE of another kind',
            id="a type that nobody knows",
        ),
        pytest.param(
            Effect(act=Act.ADD_CONSTRAINT, table="T", name="f", constraint="foreignKey", references="R"),
            'ADD FOREIGN KEY to "T", referencing "R"',
            id="a foreign key",
        ),
        pytest.param(Effect(act=Act.ADD_CONSTRAINT, table="T"), 'ADD CONSTRAINT to "T"', id="some constraint"),
        pytest.param(Effect(act=Act.DROP_TABLE, table='a "b"'), 'DROP TABLE "a ""b"""', id="quotes"),
        pytest.param(Effect(act=Act.UNKNOWN), "DO $$ BEGIN x; END $$", id="no words of ours"),
        pytest.param(Effect(act=Act.UNKNOWN, text="EXECUTE\nx"), "EXECUTE x", id="inside a block"),
    ],
)
def test_an_effect_is_said_in_a_few_words(effect: Effect, said: str) -> None:
    assert phrase(effect, "DO $$ BEGIN x; END $$") == said


def test_every_act_has_words() -> None:
    for act in Act:
        assert "None" not in phrase(Effect(act=act, table="T", name="n", new_name="m", type="t"), "text")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        pytest.param(STATEMENT, 'DROP COLUMN "spend" of "LiteLLM_Key": rows exist', id="rows"),
        pytest.param(replace(STATEMENT, rows=False), 'DROP COLUMN "spend" of "LiteLLM_Key": no rows', id="none"),
        pytest.param(
            replace(STATEMENT, rows=None),
            'DROP COLUMN "spend" of "LiteLLM_Key": what it loses cannot be told',
            id="unknown",
        ),
    ],
)
def test_a_loss_is_one_line(statement: PlannedStatement, said: str) -> None:
    assert loss(statement) == said


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        pytest.param(
            INDEX,
            'CREATE INDEX on "LiteLLM_Key" (12.3 GB, about 41,000,000 rows) stops writes while it scans',
            id="a scan",
        ),
        pytest.param(
            replace(INDEX, lock=Lock.ACCESS_EXCLUSIVE, long=Long.REWRITE, bytes=None),
            'CREATE INDEX on "LiteLLM_Key" (about 41,000,000 rows) stops reads and writes while it rewrites the table',
            id="no VACUUM yet",
        ),
        pytest.param(
            replace(INDEX, long=None, bytes=None, estimate=None),
            'CREATE INDEX on "LiteLLM_Key" stops writes for a moment',
            id="nothing known",
        ),
        pytest.param(
            replace(INDEX, table="Other", estimate=None),
            'CREATE INDEX on "LiteLLM_Key" ("Other" has 12.3 GB) stops writes while it scans',
            id="another table",
        ),
        pytest.param(
            replace(INDEX, lock=Lock.ROW_EXCLUSIVE, bytes=None, estimate=None),
            'CREATE INDEX on "LiteLLM_Key" keeps others from the rows that it changes while it scans',
            id="rows",
        ),
        pytest.param(
            replace(INDEX, lock=None, long=None, bytes=None, estimate=None),
            'CREATE INDEX on "LiteLLM_Key" stops nobody for a moment',
            id="no lock",
        ),
    ],
)
def test_a_lock_is_one_line(statement: PlannedStatement, said: str) -> None:
    assert block(statement) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (None, ""),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (8192, "8.2 kB"),
        (5_000_000, "5.0 MB"),
        (2 * 10**15, "2000000.0 GB"),
    ],
)
def test_sizes_are_said_as_people_do(size: int | None, said: str) -> None:
    assert human(size) == said


def test_a_summary_names_the_first_losses_and_the_worst_locks() -> None:
    drops = [replace(STATEMENT, text=f"DROP {number}") for number in range(5)]
    told = summary(plan(*drops, INDEX, replace(INDEX, bytes=9_000_000)))
    assert told.loses == ("DROP 0: rows exist", "DROP 1: rows exist", "DROP 2: rows exist")
    assert (told.loses_total, told.blocks_total, told.breaks, told.pending) == (5, 2, True, 1)
    assert told.first == "20250101_a"
    assert told.blocks[0].startswith('CREATE INDEX on "LiteLLM_Key" (12.3 GB')


def test_a_summary_of_nothing_is_short() -> None:
    told = summary(plan(files=()))
    assert (told.pending, told.first, told.loses, told.blocks, told.breaks) == (0, None, (), (), False)


@pytest.mark.parametrize("name", ["\U0001f4a9" * 5000, '"' * 5000, "\\" * 5000, "\x1b[31m\n" * 5000])
def test_a_report_has_room_for_any_plan(name: str) -> None:
    monstrous = [replace(STATEMENT, text=name), replace(INDEX, text=name)] * 5
    told = summary(plan(*monstrous))
    report = Report(
        outcome=Outcome.AWAITING_APPROVAL,
        bundle=name,
        digest=name,
        applied=0,
        total=1,
        ledger="0" * 16,
        seconds=1.0,
        missing=(name,) * 10,
        state=SchemaState.BEHIND,
        plan=replace(told, first=name),
    )
    found = parse(dump(report))
    assert found.plan is not None
    assert (found.plan.digest, found.plan.loses_total, found.plan.blocks_total) == (told.digest, 5, 5)


def test_a_person_reads_the_worst_first_and_then_file_by_file() -> None:
    drafted = plan(STATEMENT, INDEX, replace(INDEX, long=None), indexes=("i",), views=("v",))
    assert describe(drafted).splitlines() == [
        f"plan {drafted.digest}",
        "bundle 2, the database is Behind: files to apply 1, indexes to build 1, views to make 1",
        'LOSES ROWS: DROP COLUMN "spend" of "LiteLLM_Key": rows exist',
        'BLOCKS: CREATE INDEX on "LiteLLM_Key" (12.3 GB, about 41,000,000 rows) stops writes while it scans',
        "20250101_a: locks of a moment 1, statements that nobody notices 1",
        '- loses: DROP COLUMN "spend" of "LiteLLM_Key": rows exist',
        f"- locks: {block(STATEMENT)}",
        '- breaks: DROP COLUMN "spend" of "LiteLLM_Key": a proxy of an older version may fail',
        f"- locks: {block(INDEX)}",
        'index "i" is built while reads and writes go on',
        'view "v" is made',
    ]


def test_terminal_codes_in_a_name_reach_nobody() -> None:
    told = describe(plan(replace(STATEMENT, text="DROP \x1b[2J\nFAKE LINE")))
    assert "\x1b" not in told
    assert not any(line.startswith("FAKE") for line in told.splitlines())


def test_a_database_that_is_ahead_is_said_to_be() -> None:
    told = describe(plan(files=(), state=SchemaState.AHEAD)).splitlines()
    assert (
        told[2] == "applied migrations are newer than the bundle: none is ever undone, and a run to it would be refused"
    )
