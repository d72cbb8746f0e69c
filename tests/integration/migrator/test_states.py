"""Databases of any past: each has one word, and what is not ours to mend is named and left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import sql

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure, Outcome
from litellm_database_operator.model.schema_state import SchemaState
from tests.integration.migrator.place import MIGRATIONS, Ended, Place, make_bundle

NAMES = sorted(MIGRATIONS)
RUNS = sql.SQL(
    "SELECT outcome, state_before, verified, missing FROM litellm_operator.migration_runs ORDER BY started_at"
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Give a library with one bundle."""
    return make_bundle(tmp_path / "library", "1")


def refused(ended: Ended, state: SchemaState) -> Failure:
    assert (ended.code, ended.report.outcome, ended.report.applied) == (1, Outcome.FAILED, 0)
    assert ended.report.state is state
    assert ended.report.plan is None
    assert ended.report.failure is not None
    return ended.report.failure


@pytest.mark.parametrize("migrated", [False, True])
@pytest.mark.parametrize("mode", ["Migrate", "Preview"])
def test_a_second_applications_tables_are_named_and_left(
    *, place: Place, bundle: Path, migrated: bool, mode: str
) -> None:
    if migrated:
        place.run(bundle, "1")
    with place.connect() as session:
        session.execute('CREATE TABLE "my orders" (id int)')
        session.execute('INSERT INTO "my orders" VALUES (1)')
    failure = refused(place.run(bundle, "1", LITELLMDB_MODE=mode), SchemaState.FOREIGN)
    assert (failure.reason, failure.server_message) == (Reason.FOREIGN_TABLES, '"my orders"')
    assert place.fetch(sql.SQL('SELECT * FROM "my orders"')) == [(1,)]
    assert place.fetch(RUNS)[-1] == ("Failed", "Foreign", False, None)


def test_an_extensions_tables_are_nobodys(place: Place, bundle: Path) -> None:
    with place.connect() as session:
        session.execute("CREATE EXTENSION pg_stat_statements")
    ended = place.run(bundle, "1")
    assert (ended.report.outcome, ended.report.state) == (Outcome.MIGRATED, SchemaState.EMPTY)


@pytest.mark.parametrize("ledger", ["DROP TABLE _prisma_migrations", "DELETE FROM _prisma_migrations"])
def test_litellms_tables_without_a_ledger_are_named_and_left(place: Place, bundle: Path, ledger: str) -> None:
    place.run(bundle, "1")
    with place.connect() as session:
        session.execute(ledger.encode())
    failure = refused(place.run(bundle, "1"), SchemaState.UNLEDGERED)
    assert (failure.reason, failure.prisma_code) == (Reason.UNLEDGERED, "P3005")
    assert failure.server_message == '"LiteLLM_Key"'
    assert "migrate resolve --applied" in failure.message


def test_a_migration_that_another_tool_left_unfinished_is_named_and_left(place: Place, bundle: Path) -> None:
    place.run(bundle, "1")
    with place.connect() as session:
        session.execute(
            "UPDATE _prisma_migrations SET finished_at = NULL, logs = 'oops' WHERE migration_name = %s", [NAMES[1]]
        )
    failure = refused(place.run(bundle, "1"), SchemaState.INTERRUPTED)
    assert (failure.reason, failure.prisma_code, failure.migration) == (Reason.LEDGER_UNFINISHED, "P3009", NAMES[1])


def test_a_ledger_with_other_checksums_and_times_is_litellms_normal_case(place: Place, bundle: Path) -> None:
    place.run(bundle, "1")
    with place.connect() as session:
        session.execute("UPDATE _prisma_migrations SET checksum = 'edited', started_at = now() - interval '9 years'")
        session.execute(
            "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) "
            "VALUES ('1', '', '0_init', now())"
        )
    ended = place.run(bundle, "1")
    assert (ended.report.outcome, ended.report.state) == (Outcome.NOTHING_TO_DO, SchemaState.CURRENT)


def test_a_row_taken_from_the_ledger_makes_its_file_pending(place: Place, bundle: Path) -> None:
    """What is there already, the server refuses to make again: nothing is lost, and the file is named."""
    place.run(bundle, "1")
    with place.connect() as session:
        session.execute("DELETE FROM _prisma_migrations WHERE migration_name = %s", [NAMES[2]])
    ended = place.run(bundle, "1")
    assert ended.report.state is SchemaState.BEHIND
    assert ended.report.failure is not None
    assert (ended.report.failure.migration, ended.report.failure.sqlstate) == (NAMES[2], "42701")


def test_a_database_that_is_ahead_is_left(place: Place, bundle: Path) -> None:
    make_bundle(bundle, "2", migrations=MIGRATIONS | {"20990101000000_later": "SELECT 1"})
    place.run(bundle, "2")
    failure = refused(place.run(bundle, "1"), SchemaState.AHEAD)
    assert (failure.reason, failure.migration) == (Reason.AHEAD_OF_TARGET, "20990101000000_later")


def test_what_drifted_is_named_by_table_and_column(place: Place, bundle: Path) -> None:
    place.run(bundle, "1")
    with place.connect() as session:
        session.execute('ALTER TABLE "LiteLLM_Key" DROP COLUMN spend')
    ended = place.run(bundle, "1")
    assert ended.report.failure is not None
    assert (ended.report.state, ended.report.failure.reason) == (SchemaState.DRIFTED, Reason.SCHEMA_INCOMPLETE)
    assert ended.report.failure.server_message == '"column LiteLLM_Key.spend"'
    assert place.fetch(RUNS)[-1] == ("Failed", "Drifted", False, ["column LiteLLM_Key.spend"])


def test_a_proof_is_written_down(place: Place, bundle: Path) -> None:
    place.run(bundle, "1")
    ended = place.run(bundle, "1")
    assert (ended.report.outcome, ended.report.state) == (Outcome.NOTHING_TO_DO, SchemaState.CURRENT)
    assert place.fetch(RUNS)[-1] == ("NothingToDo", "Current", True, [])


def test_an_index_that_cannot_be_built_is_missed(place: Place, bundle: Path) -> None:
    """Two rows of one alias keep a unique index from ever becoming valid."""
    later = MIGRATIONS | {"20250104000000_one": 'CREATE UNIQUE INDEX "one_alias" ON "LiteLLM_Key" (alias)'}
    make_bundle(bundle, "2", migrations=later)
    place.run(bundle, "2")
    with place.connect() as session:
        session.execute('DROP INDEX "one_alias"')
        session.execute("""INSERT INTO "LiteLLM_Key" (token, alias) VALUES ('1', 'a'), ('2', 'a')""")
        with pytest.raises(Exception, match="could not create unique index"):
            session.execute('CREATE UNIQUE INDEX CONCURRENTLY "one_alias" ON "LiteLLM_Key" (alias)')
    ended = place.run(bundle, "2")
    assert ended.report.failure is not None
    assert ended.report.failure.reason is Reason.SCHEMA_INCOMPLETE
    assert ended.report.missing == ("index LiteLLM_Key.one_alias, which is INVALID",)
