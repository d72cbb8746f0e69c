"""Indexes that somebody left half built, and indexes of a partitioned table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from psycopg import errors, sql

from litellm_database_operator.migrator.apply.partitions import part_name
from litellm_database_operator.migrator.content import Index
from litellm_database_operator.model.report import Outcome
from tests.integration.migrator.faults import BUNDLE, failure, wait_for
from tests.integration.migrator.place import MIGRATIONS, Place, holding, make_bundle

VALID: Final = sql.SQL(
    "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE relnamespace = 'public'::regnamespace AND relname !~ '_pkey' ORDER BY 1"
)
OWN: Final = {"name": "LiteLLM_Key_alias_idx", "table": "LiteLLM_Key", "definition": "(alias)"}
BY_ALIAS: Final = "20250104000000_by_alias"
WITH_INDEX: Final = MIGRATIONS | {BY_ALIAS: 'CREATE INDEX IF NOT EXISTS "by_alias" ON "LiteLLM_Key" (alias)'}


def run(place: Place, library: Path, migrations: dict[str, str] = WITH_INDEX) -> Outcome:
    return place.run(make_bundle(library, BUNDLE, migrations=migrations), BUNDLE).report.outcome


def interrupt(place: Place, statement: str) -> None:
    """Have the owner's statement, which builds concurrently, end before its end."""
    with place.connect_as_migrator() as writer, writer.transaction():
        writer.execute("INSERT INTO \"LiteLLM_Key\" (token, alias) VALUES (gen_random_uuid(), 'a')")
        with place.connect_as_migrator() as builder:
            builder.execute("SET statement_timeout = '300ms'")
            with pytest.raises(errors.QueryCanceled):
                builder.execute(statement.encode())


def test_an_invalid_index_of_a_migration_is_built_again(place: Place, tmp_path: Path) -> None:
    assert run(place, tmp_path / "first") is Outcome.MIGRATED
    with place.connect_as_migrator() as owner:
        owner.execute("DROP INDEX by_alias")
    interrupt(place, 'CREATE INDEX CONCURRENTLY "by_alias" ON "LiteLLM_Key" (alias)')
    assert place.fetch(VALID) == [("by_alias", False)]
    assert run(place, tmp_path / "second") is Outcome.MIGRATED
    assert place.fetch(VALID) == [("by_alias", True)]
    assert run(place, tmp_path / "third") is Outcome.NOTHING_TO_DO


def test_an_index_of_somebody_elses_is_built_again(place: Place, tmp_path: Path) -> None:
    run(place, tmp_path / "first", MIGRATIONS)
    interrupt(place, 'CREATE INDEX CONCURRENTLY "a hand\'s ""own""" ON "LiteLLM_Key" (alias)')
    run(place, tmp_path / "second", MIGRATIONS)
    assert place.fetch(VALID) == [('a hand\'s "own"', True)]


def test_what_an_interrupted_reindex_left_is_dropped(place: Place, tmp_path: Path) -> None:
    run(place, tmp_path / "first")
    interrupt(place, 'REINDEX TABLE CONCURRENTLY "LiteLLM_Key"')
    interrupt(place, "REINDEX INDEX CONCURRENTLY by_alias")
    assert {name for name, valid in place.fetch(VALID) if not valid} == {"by_alias_ccnew", "by_alias_ccnew1"}
    assert run(place, tmp_path / "second") is Outcome.NOTHING_TO_DO
    assert place.fetch(VALID) == [("by_alias", True)]
    primary = sql.SQL("SELECT relname FROM pg_class WHERE relname LIKE '%\\_pkey%' AND relname LIKE 'LiteLLM%'")
    assert place.fetch(primary) == [("LiteLLM_Key_pkey",)]


def test_an_index_that_cannot_be_built_is_missing_by_name(place: Place, tmp_path: Path) -> None:
    unique = MIGRATIONS | {BY_ALIAS: 'CREATE UNIQUE INDEX IF NOT EXISTS "by_alias" ON "LiteLLM_Key" (alias)'}
    run(place, tmp_path / "first", unique)
    with place.connect_as_migrator() as owner:
        owner.execute("DROP INDEX by_alias")
        owner.execute("INSERT INTO \"LiteLLM_Key\" VALUES ('k', 'same'), ('l', 'same')")
        with pytest.raises(errors.UniqueViolation):
            owner.execute('CREATE UNIQUE INDEX CONCURRENTLY "by_alias" ON "LiteLLM_Key" (alias)')
    ended = place.run(make_bundle(tmp_path / "second", BUNDLE, migrations=unique), BUNDLE)
    assert failure(ended).reason == "SchemaIncomplete"
    assert [name for name in ended.report.missing if "by_alias" in name] == list(ended.report.missing)
    assert len(ended.report.missing) == 1
    assert "same" not in json.dumps(ended.logs)
    assert place.fetch(VALID) == [("by_alias", False)]
    with place.connect_as_migrator() as owner:
        owner.execute("DELETE FROM \"LiteLLM_Key\" WHERE token = 'l'")
    assert run(place, tmp_path / "third", unique) is Outcome.MIGRATED


def test_an_index_that_somebody_builds_right_now_is_left_to_him(place: Place, tmp_path: Path) -> None:
    run(place, tmp_path / "first", MIGRATIONS)
    library = make_bundle(tmp_path / "second", BUNDLE)
    with place.connect_as_migrator() as builder:
        with holding(place, sql.SQL("UPDATE \"LiteLLM_Key\" SET alias = ''")):
            builder.pgconn.send_query(b'CREATE INDEX CONCURRENTLY "by_alias" ON "LiteLLM_Key" (alias)')
            wait_for(place, "EXISTS (SELECT FROM pg_index WHERE NOT indisvalid)")
            job = place.start(library, BUNDLE)
            job.wait_for("waits for others")
        ended = job.end()
        while builder.pgconn.get_result():
            pass
    assert ended.report.outcome is Outcome.NOTHING_TO_DO
    assert {line["sqlstate"] for line in ended.logs if line["message"] == "waits for others"} == {"55P03"}
    assert place.fetch(VALID) == [("by_alias", True)]


PARTITIONED: Final = {
    "20250101000000_logs": 'CREATE TABLE "LiteLLM_Key" (token TEXT NOT NULL, alias TEXT NOT NULL, '
    'spend DOUBLE PRECISION NOT NULL DEFAULT 0, CONSTRAINT "LiteLLM_Key_pkey" PRIMARY KEY (token)) '
    "PARTITION BY HASH (token);"
    'CREATE TABLE "LiteLLM_Key_p0" PARTITION OF "LiteLLM_Key" FOR VALUES WITH (MODULUS 2, REMAINDER 0);'
    'CREATE TABLE "LiteLLM_Key_p1" PARTITION OF "LiteLLM_Key" FOR VALUES WITH (MODULUS 2, REMAINDER 1) '
    "PARTITION BY HASH (token);"
    'CREATE TABLE "LiteLLM_Key_p1_0" PARTITION OF "LiteLLM_Key_p1" FOR VALUES WITH (MODULUS 1, REMAINDER 0);'
}
PARTS: Final = [
    "LiteLLM_Key_alias_idx",
    "LiteLLM_Key_p0_alias_idx",
    "LiteLLM_Key_p1_0_alias_idx",
    "LiteLLM_Key_p1_alias_idx",
]


def partitioned(library: Path) -> Path:
    return make_bundle(library, BUNDLE, migrations=PARTITIONED, indexes=[OWN])


def test_an_index_on_a_partitioned_table_is_built_on_each_partition(place: Place, tmp_path: Path) -> None:
    library = partitioned(tmp_path)
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    assert place.fetch(VALID) == [(name, True) for name in PARTS]
    assert place.run(library, BUNDLE).report.outcome is Outcome.NOTHING_TO_DO


def test_an_interrupted_index_on_a_partitioned_table_goes_on_where_it_stopped(place: Place, tmp_path: Path) -> None:
    place.run(make_bundle(tmp_path / "before", BUNDLE, migrations=PARTITIONED), BUNDLE)
    with place.connect_as_migrator() as owner:
        owner.execute('CREATE INDEX "LiteLLM_Key_alias_idx" ON ONLY "LiteLLM_Key" (alias)')
        owner.execute('CREATE INDEX "LiteLLM_Key_p0_alias_idx" ON "LiteLLM_Key_p0" (alias)')
    with place.connect() as admin:
        admin.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"LiteLLM_Key_p0_alias_idx\"'::regclass"
        )
    assert place.run(partitioned(tmp_path / "whole"), BUNDLE).report.outcome is Outcome.MIGRATED
    assert place.fetch(VALID) == [(name, True) for name in PARTS]


@pytest.mark.parametrize("partition", ["LiteLLM_SpendLogs_p20261124", "LiteLLM_SpendLogs_" + "ä" * 40])
def test_parts_have_names_that_postgresql_takes(partition: str) -> None:
    index = Index(name="LiteLLM_SpendLogs_api_key_startTime_idx", table="LiteLLM_SpendLogs", definition="")
    name = part_name(index, partition)
    assert name.startswith(partition[:20])
    assert len(name.encode()) <= 63


PARTITION_THE_SPEND_LOG: Final = """
DO $$
DECLARE one record;
BEGIN
  CREATE TEMP TABLE made AS SELECT indexdef FROM pg_indexes
    WHERE tablename = 'LiteLLM_SpendLogs' AND indexname <> 'LiteLLM_SpendLogs_pkey';
  CREATE TEMP TABLE shape (LIKE "LiteLLM_SpendLogs" INCLUDING DEFAULTS);
  DROP TABLE "LiteLLM_SpendLogs" CASCADE;
  CREATE TABLE "LiteLLM_SpendLogs" (LIKE shape INCLUDING DEFAULTS) PARTITION BY RANGE ("startTime");
  ALTER TABLE "LiteLLM_SpendLogs" ADD CONSTRAINT "LiteLLM_SpendLogs_pkey" PRIMARY KEY (request_id, "startTime");
  FOR one IN SELECT indexdef FROM made LOOP
    EXECUTE one.indexdef;
  END LOOP;
  CREATE TABLE "LiteLLM_SpendLogs_pdefault" PARTITION OF "LiteLLM_SpendLogs" DEFAULT;
  CREATE TABLE "LiteLLM_SpendLogs_p20261124" PARTITION OF "LiteLLM_SpendLogs"
    FOR VALUES FROM ('2026-11-24') TO ('2026-11-25');
END $$
"""
"""What LiteLLM's own script does to an existing database."""


def test_a_partitioned_spend_log_goes_forward_and_is_complete(place: Place, library: Path) -> None:
    assert place.run(library, "0.4.39").report.outcome is Outcome.MIGRATED
    with place.connect_as_migrator() as owner:
        owner.execute(PARTITION_THE_SPEND_LOG.encode())
    ended = place.run(library, "0.4.110", LITELLMDB_POLICY="Auto")
    assert (ended.report.outcome, ended.report.missing) == (Outcome.MIGRATED, ())
    parts = sql.SQL(
        "SELECT relname FROM pg_class WHERE relname ~ '_p20261124_.*(api_key_startTime|call_id)_idx$' ORDER BY 1"
    )
    assert place.fetch(parts) == [
        ("LiteLLM_SpendLogs_p20261124_api_key_startTime_idx",),
        ("LiteLLM_SpendLogs_p20261124_litellm_call_id_idx",),
    ]
    assert place.run(library, "0.4.110").report.outcome is Outcome.NOTHING_TO_DO
