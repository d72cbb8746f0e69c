"""What a run says before it changes anything, and who lets it pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from litellm_database_operator.model.report import Outcome, PlanSummary
from litellm_database_operator.model.schema_state import SchemaState
from tests.integration.migrator.place import MIGRATIONS, Ended, Place, holding, make_bundle
from tests.support.postgres_server import PostgresServer

OLD, NEW = "0.4.39", "0.4.110"
FIRST = MIGRATIONS | {"20250104000000_note": 'ALTER TABLE "LiteLLM_Key" ADD COLUMN note TEXT'}
SECOND = FIRST | {
    "20250105000000_no note": 'ALTER TABLE "LiteLLM_Key" DROP COLUMN note',
    "20250106000000_index": 'CREATE INDEX "LiteLLM_Key_spend_idx" ON "LiteLLM_Key" (spend)',
}
KEYS = sql.SQL(
    """INSERT INTO "LiteLLM_Key" (token, alias, note) SELECT i::text, 'a', {} FROM generate_series(1, {}) i"""
)
RUNS = sql.SQL(
    "SELECT outcome, mode, policy, state_before, approved_plan, verified, missing "
    "FROM litellm_operator.migration_runs ORDER BY started_at"
)
EVERYTHING = sql.SQL("""
    SELECT nspname || '.' || relname AS name, relkind::text, relfilenode::text, relacl::text, reloptions::text,
           (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull, ', '
            ORDER BY attnum) FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0)
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    UNION ALL SELECT conname, contype::text, pg_get_constraintdef(oid), NULL, NULL, NULL FROM pg_constraint
    UNION ALL SELECT migration_name, finished_at::text, rolled_back_at::text, logs, id, checksum FROM _prisma_migrations
    ORDER BY 1, 2, 3
""")


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """Give a library with two bundles: the second drops a column, and builds an index."""
    library = tmp_path / "library"
    make_bundle(library, "1", migrations=FIRST)
    return make_bundle(library, "2", migrations=SECOND)


def plan_of(ended: Ended) -> PlanSummary:
    assert ended.report.plan is not None
    return ended.report.plan


def whole_plan(place: Place) -> Mapping[str, Any]:
    """Return the plan of the last run, out of the history."""
    query = sql.SQL("SELECT plan FROM litellm_operator.migration_runs ORDER BY started_at DESC LIMIT 1")
    return place.fetch(query)[0][0]


def fill(place: Place, *, note: str | None = "kept", keys: int = 3) -> None:
    with place.connect() as session:
        session.execute(KEYS.format(note, keys))


def give_spec_path(place: Place) -> None:
    """Give a table the column that a pending file drops, and a row in it: a later file makes it anew, and empty."""
    with place.connect() as session:
        session.execute('ALTER TABLE "LiteLLM_MCPServerTable" ADD COLUMN spec_path TEXT')
        session.execute("""INSERT INTO "LiteLLM_MCPServerTable" (server_id, url, spec_path) VALUES ('s', 'u', 'p')""")
        session.execute("ANALYZE")


LOST = 'DROP COLUMN "spec_path" of "LiteLLM_MCPServerTable": rows exist'


def test_litellms_upgrade_waits_where_rows_would_be_lost(
    any_postgres: PostgresServer, place_on: Callable[..., Place], library: Path
) -> None:
    place = place_on(any_postgres)
    place.run(library, OLD)
    give_spec_path(place)
    before = place.fetch(EVERYTHING)
    waiting = place.run(library, NEW)
    assert (waiting.code, waiting.report.outcome, waiting.report.applied) == (0, Outcome.AWAITING_APPROVAL, 0)
    assert waiting.report.state is SchemaState.BEHIND
    assert plan_of(waiting).loses == (LOST,)
    assert (plan_of(waiting).pending, plan_of(waiting).loses_total, plan_of(waiting).breaks) == (143, 1, True)
    assert f"LOSES ROWS: {LOST}" in waiting.plan
    assert place.fetch(EVERYTHING) == before
    told = whole_plan(place)
    assert (told["digest"], told["pending"], len(told["files"])) == (plan_of(waiting).digest, 143, 143)
    approved = place.run(library, NEW, LITELLMDB_APPROVED=plan_of(waiting).digest)
    assert (approved.code, approved.report.outcome, approved.report.applied) == (0, Outcome.MIGRATED, 143)
    assert plan_of(approved).digest == plan_of(waiting).digest
    assert place.fetch(RUNS)[1:] == [
        ("AwaitingApproval", "Migrate", "Safe", "Behind", None, False, None),
        ("Migrated", "Migrate", "Safe", "Behind", plan_of(waiting).digest, True, []),
    ]


def test_litellms_upgrade_passes_where_nothing_would_be_lost(place: Place, library: Path) -> None:
    place.run(library, OLD)
    ended = place.run(library, NEW)
    assert (ended.report.outcome, plan_of(ended).loses_total) == (Outcome.MIGRATED, 0)


def test_auto_loses_rows_and_says_so(place: Place, library: Path) -> None:
    place.run(library, OLD)
    give_spec_path(place)
    ended = place.run(library, NEW, LITELLMDB_POLICY="Auto")
    assert (ended.report.outcome, plan_of(ended).loses) == (Outcome.MIGRATED, (LOST,))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param('DELETE FROM "Notes"', id="through a view"),
        pytest.param('TRUNCATE "LiteLLM_Key" CASCADE', id="in a table that points to an empty one"),
        pytest.param(
            'CREATE TEMP TABLE kept AS WITH gone AS (DELETE FROM "LiteLLM_Note" RETURNING *) SELECT * FROM gone',
            id="in a query that a table is made of",
        ),
    ],
)
def test_rows_that_a_statement_hits_without_naming_their_table_count(place: Place, bundles: Path, script: str) -> None:
    place.run(bundles, "1")
    with place.connect_as_migrator() as session:
        session.execute('CREATE TABLE "LiteLLM_Note" (key TEXT REFERENCES "LiteLLM_Key")')
        session.execute('CREATE VIEW "Notes" AS SELECT * FROM "LiteLLM_Note"')
        session.execute('INSERT INTO "LiteLLM_Note" VALUES (NULL)')
    make_bundle(bundles, "3", migrations=FIRST | {"20250107000000_loses": script})
    ended = place.run(bundles, "3")
    assert ended.report.outcome is Outcome.AWAITING_APPROVAL
    assert place.fetch(sql.SQL('SELECT count(*) FROM "LiteLLM_Note"')) == [(1,)]


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_preview_changes_nothing(place: Place, bundles: Path, version: str) -> None:
    place.run(bundles, "1")
    fill(place)
    before, runs = place.fetch(EVERYTHING), place.fetch(RUNS)
    ended = place.run(bundles, version, LITELLMDB_MODE="Preview")
    assert (ended.code, ended.report.outcome, ended.report.applied) == (0, Outcome.PLANNED, 0)
    assert place.fetch(EVERYTHING) == before
    state = "Current" if version == "1" else "Behind"
    assert place.fetch(RUNS) == [*runs, ("Planned", "Preview", "Safe", state, None, False, None)]


def test_a_preview_of_an_empty_database_leaves_it_empty(place: Place, bundles: Path) -> None:
    ended = place.run(bundles, "2", LITELLMDB_MODE="Preview")
    assert (ended.report.state, plan_of(ended).pending) == (SchemaState.EMPTY, 6)
    assert place.fetch(sql.SQL("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace")) == []


def test_a_preview_says_that_the_target_is_older(place: Place, bundles: Path) -> None:
    place.run(bundles, "2")
    ended = place.run(bundles, "1", LITELLMDB_MODE="Preview")
    assert (ended.code, ended.report.outcome, ended.report.state) == (0, Outcome.PLANNED, SchemaState.AHEAD)
    assert plan_of(ended).pending == 0


def test_a_preview_needs_no_lock(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    with holding(place, sql.SQL("SELECT pg_advisory_xact_lock(72707369)")):
        assert place.run(bundles, "2", LITELLMDB_MODE="Preview").report.outcome is Outcome.PLANNED


def test_a_preview_approves_what_is_run_afterwards(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    fill(place)
    digest = plan_of(place.run(bundles, "2", LITELLMDB_MODE="Preview")).digest
    ended = place.run(bundles, "2", LITELLMDB_APPROVED=digest)
    assert (ended.report.outcome, plan_of(ended).digest) == (Outcome.MIGRATED, digest)


def test_an_approval_of_an_older_plan_is_none(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    fill(place, note=None)
    older = plan_of(place.run(bundles, "2", LITELLMDB_MODE="Preview"))
    fill_one = sql.SQL("""UPDATE "LiteLLM_Key" SET note = 'written since' WHERE token = '1'""")
    with place.connect() as session:
        session.execute(fill_one)
    ended = place.run(bundles, "2", LITELLMDB_APPROVED=older.digest)
    assert ended.report.outcome is Outcome.AWAITING_APPROVAL
    assert (older.loses_total, plan_of(ended).loses_total) == (0, 1)
    (said,) = [line["text"] for line in ended.logs if line["message"] == "gate"]
    assert said.endswith("names another plan than this one")


def test_an_approval_that_is_not_needed_harms_nothing(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    ended = place.run(bundles, "2", LITELLMDB_APPROVED=f"sha256:{'0' * 64}")
    assert ended.report.outcome is Outcome.MIGRATED
    (said,) = [line["text"] for line in ended.logs if line["message"] == "gate"]
    assert said.endswith("was not needed")


def test_manual_waits_even_for_an_empty_database(place: Place, bundles: Path) -> None:
    waiting = place.run(bundles, "1", LITELLMDB_POLICY="Manual")
    assert (waiting.report.outcome, waiting.report.state) == (Outcome.AWAITING_APPROVAL, SchemaState.EMPTY)
    assert place.fetch(sql.SQL("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace")) == []
    approved = place.run(bundles, "1", LITELLMDB_POLICY="Manual", LITELLMDB_APPROVED=plan_of(waiting).digest)
    assert approved.report.outcome is Outcome.MIGRATED
    assert place.run(bundles, "1", LITELLMDB_POLICY="Manual").report.outcome is Outcome.NOTHING_TO_DO


def test_equal_databases_have_equal_plans_however_full_they_are(
    postgres: PostgresServer, unique_name: str, tmp_path: Path, bundles: Path
) -> None:
    digests: set[str] = set()
    for number, keys in enumerate((1, 5000)):
        folder = tmp_path / str(number)
        folder.mkdir()
        place = Place(server=postgres, database=f"{unique_name}_{number}", schema="public", folder=folder)
        place.prepare()
        place.run(bundles, "1")
        fill(place, keys=keys)
        with place.connect() as session:
            session.execute("ANALYZE")
        digests.add(plan_of(place.run(bundles, "2", LITELLMDB_MODE="Preview")).digest)
    assert len(digests) == 1


def test_the_history_holds_the_whole_plan_with_sizes(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    fill(place, keys=5000)
    with place.connect() as session:
        session.execute('VACUUM ANALYZE "LiteLLM_Key"')
    place.run(bundles, "2", LITELLMDB_MODE="Preview")
    dropped, built = whole_plan(place)["files"]
    (drop,), (index,) = dropped["statements"], built["statements"]
    assert (drop["act"], drop["rows"], drop["lock"], drop["long"]) == ("DropColumn", True, "ACCESS EXCLUSIVE", None)
    assert (index["act"], index["lock"], index["long"], index["estimate"]) == ("CreateIndex", "SHARE", "scan", 5000)
    assert index["bytes"] == place.fetch(sql.SQL("""SELECT pg_relation_size('"LiteLLM_Key"')"""))[0][0]


def test_a_table_that_somebody_holds_is_taken_to_have_rows(place: Place, bundles: Path) -> None:
    """Sizes wait for nobody; whether there are rows is asked for five seconds, and then taken for granted."""
    place.run(bundles, "1")
    with holding(place, sql.SQL('LOCK TABLE "LiteLLM_Key" IN ACCESS EXCLUSIVE MODE')):
        ended = place.run(bundles, "2", LITELLMDB_MODE="Preview")
    assert (ended.report.outcome, plan_of(ended).loses_total) == (Outcome.PLANNED, 1)
    assert 5 <= ended.report.seconds < 20


def test_a_partitioned_table_is_as_big_as_its_partitions(place: Place, tmp_path: Path) -> None:
    first = {"1": 'CREATE TABLE "LiteLLM_Key" (token TEXT, alias TEXT NOT NULL, spend float8 NOT NULL DEFAULT 0)'}
    make_bundle(tmp_path, "1", migrations=first)
    make_bundle(tmp_path, "2", migrations=first | {"2": 'CREATE INDEX i ON "LiteLLM_Key" (alias)'})
    place.run(tmp_path, "1")
    with place.connect() as session:
        session.execute('DROP TABLE "LiteLLM_Key"')
        session.execute('CREATE TABLE "LiteLLM_Key" (token TEXT, alias TEXT, spend float8) PARTITION BY LIST (alias)')
        for name in ("a", "b"):
            make = sql.SQL("""CREATE TABLE {} PARTITION OF "LiteLLM_Key" FOR VALUES IN ({})""")
            session.execute(make.format(sql.Identifier(f"logs_{name}"), name))
            keys = sql.SQL("""INSERT INTO "LiteLLM_Key" SELECT i, {} FROM generate_series(1, 2000) i""")
            session.execute(keys.format(name))
        session.execute("ANALYZE")
    ended = place.run(tmp_path, "2", LITELLMDB_MODE="Preview")
    assert ended.report.state is SchemaState.BEHIND
    assert [each["estimate"] for each in whole_plan(place)["files"][0]["statements"]] == [4000]


def test_a_file_that_cannot_be_read_stops_all_of_them(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    make_bundle(bundles, "3", migrations=SECOND | {"20250107000000_broken": "ALTER TALBE x"})
    ended = place.run(bundles, "3")
    assert ended.report.failure is not None
    assert (ended.code, ended.report.applied) == (1, 0)
    assert (ended.report.failure.migration, ended.report.failure.sqlstate) == ("20250107000000_broken", "42601")
    assert len(place.applied()) == len(FIRST)


def test_names_that_need_quotes_are_planned_like_others(
    postgres: PostgresServer, unique_name: str, tmp_path: Path, bundles: Path
) -> None:
    database = f'{unique_name} "ä" '.ljust(52, "x")
    assert len(database.encode()) == 53
    place = Place(server=postgres, database=database, schema='My "LLM\\ schema', folder=tmp_path)
    place.prepare()
    odd = {"20250104500000_odd": 'CREATE TABLE "LiteLLM_\U0001f4a9 ""q"" \\" ("a ""b""" TEXT)'}
    make_bundle(bundles, "3", migrations=FIRST | odd)
    gone = {"20250108000000_gone": 'ALTER TABLE "LiteLLM_\U0001f4a9 ""q"" \\" DROP COLUMN "a ""b"""'}
    make_bundle(bundles, "4", migrations=FIRST | odd | gone)
    place.run(bundles, "3")
    with place.connect() as session:
        session.execute('INSERT INTO "LiteLLM_\U0001f4a9 ""q"" \\" VALUES (1)')
    waiting = place.run(bundles, "4")
    assert waiting.report.outcome is Outcome.AWAITING_APPROVAL
    assert plan_of(waiting).loses == ('DROP COLUMN "a ""b""" of "LiteLLM_\U0001f4a9 ""q"" \\": rows exist',)
    ended = place.run(bundles, "4", LITELLMDB_APPROVED=plan_of(waiting).digest)
    assert ended.report.outcome is Outcome.MIGRATED


def test_the_log_is_json_but_for_the_plan(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    fill(place)
    ended = place.run(bundles, "2")
    assert ended.plan[0] == f"plan {plan_of(ended).digest}"
    assert 'LOSES ROWS: DROP COLUMN "note" of "LiteLLM_Key": rows exist' in ended.plan
    assert json.dumps(ended.logs)


def test_what_an_approved_run_began_the_next_one_may_end(place: Place, bundles: Path) -> None:
    """The first run drops the column, and fails at a later file: the plan that remains has another digest."""
    place.run(bundles, "1")
    fill(place)
    make_bundle(
        bundles, "3", migrations=SECOND | {"20250107000000_fails": 'CREATE INDEX "other" ON "LiteLLM_Other" (id)'}
    )
    digest = plan_of(place.run(bundles, "3", LITELLMDB_POLICY="Manual")).digest
    failed = place.run(bundles, "3", LITELLMDB_POLICY="Manual", LITELLMDB_APPROVED=digest)
    assert (failed.report.outcome, failed.report.applied) == (Outcome.FAILED, 2)
    with place.connect_as_migrator() as session:
        session.execute('CREATE TABLE "LiteLLM_Other" (id TEXT)')
    assert place.run(bundles, "3", LITELLMDB_POLICY="Manual").report.outcome is Outcome.AWAITING_APPROVAL
    again = place.run(bundles, "3", LITELLMDB_POLICY="Manual", LITELLMDB_APPROVED=digest)
    assert (again.report.outcome, again.report.applied) == (Outcome.MIGRATED, 1)
    assert plan_of(again).digest != digest
    (said,) = [line["text"] for line in again.logs if line["message"] == "gate"]
    assert said == "the plan is the rest of an approved one, which a run has begun"


def test_what_an_approved_run_has_ended_is_no_approval_of_anything_later(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    fill(place)
    digest = plan_of(place.run(bundles, "2", LITELLMDB_POLICY="Manual")).digest
    approved = place.run(bundles, "2", LITELLMDB_POLICY="Manual", LITELLMDB_APPROVED=digest)
    assert approved.report.outcome is Outcome.MIGRATED
    with place.connect() as session:
        session.execute("DELETE FROM _prisma_migrations WHERE migration_name = '20250106000000_index'")
        session.execute('DROP INDEX "LiteLLM_Key_spend_idx"')
    later = place.run(bundles, "2", LITELLMDB_POLICY="Manual", LITELLMDB_APPROVED=digest)
    assert (later.report.outcome, plan_of(later).pending) == (Outcome.AWAITING_APPROVAL, 1)


LATE = {
    "20250105000000_other": 'CREATE INDEX "LiteLLM_Other_id_idx" ON "LiteLLM_Other" (id)',
    "20250106000000_no note": 'ALTER TABLE "LiteLLM_Key" DROP COLUMN note',
}
OTHER = {"20250104500000_other": 'CREATE TABLE "LiteLLM_Other" (id TEXT)'}


@pytest.mark.parametrize("policy", ["Safe", "Manual", "Auto"])
def test_rows_that_are_written_while_a_run_waits_are_not_lost(place: Place, tmp_path: Path, policy: str) -> None:
    """The plan says that there are none; its last file comes to run only when there are."""
    make_bundle(tmp_path, "1", migrations=FIRST | OTHER)
    make_bundle(tmp_path, "2", migrations=FIRST | OTHER | LATE)
    place.run(tmp_path, "1")
    early = plan_of(place.run(tmp_path, "2", LITELLMDB_MODE="Preview"))
    approval = {"LITELLMDB_POLICY": policy, "LITELLMDB_APPROVED": early.digest}
    with holding(place, sql.SQL('LOCK TABLE "LiteLLM_Other" IN ROW EXCLUSIVE MODE')):
        job = place.start(tmp_path, "2", **approval)
        job.wait_for("waits for others")
        fill(place)
    ended = job.end()
    if policy == "Auto":
        assert ended.report.outcome is Outcome.MIGRATED
        return
    assert (ended.code, ended.report.outcome, ended.report.applied) == (0, Outcome.AWAITING_APPROVAL, 1)
    assert (early.loses_total, plan_of(ended).loses) == (0, ('DROP COLUMN "note" of "LiteLLM_Key": rows exist',))
    assert place.fetch(sql.SQL('SELECT count(note) FROM "LiteLLM_Key"')) == [(3,)]
    assert place.applied()[-1] == "20250105000000_other"
    again = place.run(tmp_path, "2", **approval)
    assert (again.report.outcome, again.report.applied) == (Outcome.AWAITING_APPROVAL, 0)
    assert plan_of(again).digest == plan_of(ended).digest
    approved = place.run(tmp_path, "2", LITELLMDB_POLICY=policy, LITELLMDB_APPROVED=plan_of(ended).digest)
    assert (approved.report.outcome, approved.report.applied) == (Outcome.MIGRATED, 1)


def test_a_column_that_the_plan_renames_is_asked_for_by_its_new_name(place: Place, bundles: Path) -> None:
    renamed = {
        "20250105000000_remark": 'ALTER TABLE "LiteLLM_Key" RENAME COLUMN note TO remark',
        "20250106000000_no remark": 'ALTER TABLE "LiteLLM_Key" DROP COLUMN remark',
    }
    make_bundle(bundles, "3", migrations=FIRST | renamed)
    place.run(bundles, "1")
    fill(place, note=None)
    ended = place.run(bundles, "3")
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 2)
    assert [line["text"] for line in ended.logs if line["message"] == "begins again"] == [
        "that LiteLLM_Key has no such rows, as the plan says, is not known any more"
    ]


READERS = {
    "20250105000000_readers": """
        CREATE OR REPLACE VIEW "Notes" AS SELECT note, token FROM "LiteLLM_Key";
        CREATE OR REPLACE VIEW "New" AS SELECT token FROM "LiteLLM_Key";
        CREATE OR REPLACE FUNCTION noted() RETURNS int LANGUAGE sql AS $$ SELECT 2 $$;
        CREATE OR REPLACE FUNCTION new() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
        REVOKE ALL ON FUNCTION new() FROM PUBLIC;
        REVOKE ALL ON "LiteLLM_Key" FROM PUBLIC;
        MERGE INTO "LiteLLM_Key" USING (SELECT 'x' AS x) other ON token = x
            WHEN NOT MATCHED THEN INSERT (token, alias, note) VALUES (x, 'a', 'b');
    """
}


def test_what_takes_the_place_of_something_breaks_its_readers(place: Place, bundles: Path) -> None:
    place.run(bundles, "1")
    fill(place)
    with place.connect_as_migrator() as session:
        session.execute('CREATE VIEW "Notes" AS SELECT note FROM "LiteLLM_Key"')
        session.execute("CREATE FUNCTION noted() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$")
    make_bundle(bundles, "3", migrations=FIRST | READERS)
    ended = place.run(bundles, "3", LITELLMDB_MODE="Preview")
    assert (plan_of(ended).loses_total, plan_of(ended).breaks) == (0, True)
    (file,) = whole_plan(place)["files"]
    assert [(each["act"], each["object"], each["loses"]) for each in file["statements"]] == [
        ("CreateView", '"Notes"', False),
        ("CreateFunction", '"noted"', False),
        ("Revoke", '"LiteLLM_Key"', False),
    ]


def test_a_preview_of_an_older_target_has_nothing_to_do(place: Place, bundles: Path) -> None:
    """Not even where a file and an index of the older bundle are not there: a run to it would be refused."""
    place.run(bundles, "2")
    lost = {"20250101500000_lost": 'ALTER TABLE "LiteLLM_Key" DROP COLUMN spend'}
    index = {"name": "lost_idx", "table": "LiteLLM_Key", "definition": "(alias)"}
    make_bundle(bundles, "3", migrations=FIRST | lost, indexes=[index])
    ended = place.run(bundles, "3", LITELLMDB_MODE="Preview")
    assert (ended.report.outcome, ended.report.state) == (Outcome.PLANNED, SchemaState.AHEAD)
    told = whole_plan(place)
    assert (told["pending"], told["files"], told["indexes"], told["views"]) == (0, [], [], [])
    assert plan_of(ended).pending == 0
