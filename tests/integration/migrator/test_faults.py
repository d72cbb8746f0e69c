"""What goes wrong in a run, on a real server: a small bundle is enough."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import sql

from litellm_database_operator.migrator.ledger import LOCK_KEY
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome
from tests.integration.migrator.faults import (
    ALIAS,
    AT_THE_GATE,
    BUNDLE,
    KEYS,
    LOCK_GATE,
    SPEND,
    changed,
    failure,
    wait_for,
    wait_for_session,
)
from tests.integration.migrator.place import MIGRATIONS, PASSWORD, Place, holding, make_bundle
from tests.support.postgres_server import PostgresServer, PostgresServers


@pytest.mark.parametrize(
    ("script", "statement", "sqlstate"),
    [
        pytest.param(
            'ALTER TABLE "LiteLLM_Key" ADD COLUMN alias TEXT; ALTER TABLE "LiteLLM_Kay" ADD COLUMN b TEXT; SELECT 1;',
            'ALTER TABLE "LiteLLM_Kay" ADD COLUMN b TEXT',
            "42P01",
            id="a table that is not there",
        ),
        pytest.param(
            "-- ä€😀\nINSERT INTO \"LiteLLM_Key\" VALUES ('k');\nINSERT INTO \"LiteLLM_Key\" VALUES ('k')",
            "INSERT INTO \"LiteLLM_Key\" VALUES ('k')",
            "23505",
            id="an error without a position, after characters of many bytes",
        ),
        pytest.param("SELECT 1;\nALTER TABEL x;\n", "ALTER TABEL x;", "42601", id="a syntax error"),
        pytest.param(
            "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$;",
            "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$",
            "P0001",
            id="an error in a block",
        ),
        pytest.param(
            'SELECT 1; COPY "LiteLLM_Key" FROM STDIN; SELECT 2',
            'COPY "LiteLLM_Key" FROM STDIN',
            "57014",
            id="a statement that wants data from its client",
        ),
    ],
)
def test_a_failing_migration_is_named_and_leaves_nothing(
    place: Place, tmp_path: Path, script: str, statement: str | None, sqlstate: str | None
) -> None:
    library = make_bundle(tmp_path / "broken", BUNDLE, migrations=changed(alias=script))
    why = failure(place.run(library, BUNDLE))
    assert (why.reason, why.prisma_code, why.migration) == (Reason.MIGRATION_FAILED, "P3018", ALIAS)
    assert (why.statement, why.sqlstate) == (statement, sqlstate)
    assert place.ledger() == [(KEYS, True, False, 1, None)]
    assert place.history() == [("Failed", 1, 3, False, "MigrationFailed")]
    mended = make_bundle(tmp_path / "mended", BUNDLE)
    assert place.run(mended, BUNDLE).report.applied == 2


def test_row_values_are_in_no_report(place: Place, tmp_path: Path) -> None:
    script = "INSERT INTO \"LiteLLM_Key\" VALUES ('a'||'b'), ('a'||'b')"
    why = failure(place.run(make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script)), BUNDLE))
    assert why.server_message == 'duplicate key value violates unique constraint "LiteLLM_Key_pkey"'
    assert "ab" not in json.dumps([why.server_message, why.message, why.statement])


def test_a_killed_run_leaves_nothing_half_done(place: Place, tmp_path: Path) -> None:
    script = f"{MIGRATIONS[ALIAS]}\n;{AT_THE_GATE};"
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script))
    with holding(place, LOCK_GATE):
        job = place.start(library, BUNDLE)
        session = wait_for_session(place, "application_name = 'litellm-migrator 2/3' AND wait_event_type = 'Lock'")
        job.kill()
        with place.connect() as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [session])
        assert place.applied() == [KEYS]
    ended = place.run(library, BUNDLE, LITELLMDB_POLICY="Auto")
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 2)
    assert [outcome for outcome, *_ in place.history()] == ["Running", "Migrated"]


def test_a_session_that_outlives_its_job_is_waited_for(place: Place, tmp_path: Path) -> None:
    script = f"SET LOCAL lock_timeout = 0; {MIGRATIONS[ALIAS]}\n;{AT_THE_GATE};"
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script))
    with holding(place, LOCK_GATE):
        job = place.start(library, BUNDLE)
        wait_for_session(place, "wait_event_type = 'Lock'")
        job.kill()
        second = place.start(library, BUNDLE)
        second.wait_for("waits for Prisma's lock")
    ended = second.end()
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 1)
    assert place.applied() == sorted(MIGRATIONS)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        pytest.param(signal.SIGTERM, Reason.MIGRATION_INTERRUPTED, id="SIGTERM"),
        pytest.param(signal.SIGALRM, Reason.MIGRATION_DEADLINE_EXCEEDED, id="the deadline's alarm"),
    ],
)
def test_a_stopped_run_cancels_and_names_its_statement(
    place: Place, tmp_path: Path, stop: signal.Signals, reason: Reason
) -> None:
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=f"SELECT 1; {AT_THE_GATE}; SELECT 2"))
    with holding(place, LOCK_GATE):
        job = place.start(library, BUNDLE)
        wait_for_session(place, "wait_event_type = 'Lock'")
        job.send(stop)
        why = failure(job.end())
        wait_for(place, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'litellm-migrator%')")
    assert (why.reason, why.migration, why.statement) == (reason, ALIAS, AT_THE_GATE)
    assert place.applied() == [KEYS]
    assert place.history() == [("Failed", 1, 3, False, str(reason))]


def test_the_deadline_counts_from_the_start(place: Place, tmp_path: Path) -> None:
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=AT_THE_GATE))
    with holding(place, LOCK_GATE):
        ended = place.run(library, BUNDLE, LITELLMDB_DEADLINE="3")
    assert failure(ended).reason is Reason.MIGRATION_DEADLINE_EXCEEDED
    assert 3 <= ended.report.seconds < 10


def test_a_table_in_use_is_tried_again(place: Place, tmp_path: Path) -> None:
    patient = f"SET LOCAL lock_timeout = '50ms'; {MIGRATIONS[SPEND]}"
    two = {name: MIGRATIONS[name] for name in (KEYS, ALIAS)}
    place.run(make_bundle(tmp_path / "short", BUNDLE, migrations=two), BUNDLE)
    library = make_bundle(tmp_path / "whole", BUNDLE, migrations=changed(spend=patient))
    with holding(place, sql.SQL('LOCK TABLE "LiteLLM_Key" IN ACCESS SHARE MODE')):
        job = place.start(library, BUNDLE)
        job.wait_for("waits for others")
    assert job.end().report.outcome is Outcome.MIGRATED


def test_a_lost_connection_is_made_again_and_the_ledger_read_anew(place: Place, tmp_path: Path) -> None:
    script = f"{MIGRATIONS[ALIAS]}\n;{AT_THE_GATE};"
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script))
    with holding(place, LOCK_GATE):
        job = place.start(library, BUNDLE, LITELLMDB_POLICY="Auto")
        session = wait_for_session(place, "wait_event_type = 'Lock'")
        with place.connect() as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [session])
        job.wait_for("lost the connection")
    ended = job.end()
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 3)
    assert [line["sqlstate"] for line in ended.logs if line["message"] == "lost the connection"] == ["57P01"]
    assert place.history() == [("Migrated", 3, 3, True, None)]


def test_a_script_with_its_own_transactions_goes_in_three_steps(place: Place, tmp_path: Path) -> None:
    script = f"BEGIN; {MIGRATIONS[ALIAS]}\n; COMMIT;"
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script))
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    assert {row[1:] for row in place.ledger()} == {(True, False, 1, None)}


def test_a_failure_outside_a_transaction_is_left_in_the_ledger_as_prisma_does(place: Place, tmp_path: Path) -> None:
    script = "BEGIN; SELECT 1; COMMIT; SELECT 1/0;"
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script))
    why = failure(place.run(library, BUNDLE))
    assert (why.statement, why.sqlstate) == ("SELECT 1/0", "22012")
    assert place.ledger()[-1] == (ALIAS, False, False, 0, "22012: division by zero")
    again = failure(place.run(library, BUNDLE))
    assert (again.reason, again.prisma_code, again.migration) == (Reason.LEDGER_UNFINISHED, "P3009", ALIAS)


def test_a_refused_concurrent_index_is_named_and_can_be_tried_again(place: Place, tmp_path: Path) -> None:
    statement = 'CREATE UNIQUE INDEX CONCURRENTLY "once" ON "LiteLLM_Key" (alias)'
    place.run(make_bundle(tmp_path / "before", BUNDLE), BUNDLE)
    with place.connect_as_migrator() as writer:
        writer.execute("INSERT INTO \"LiteLLM_Key\" VALUES ('k', 'same'), ('l', 'same')")
    library = make_bundle(tmp_path, BUNDLE, migrations=MIGRATIONS | {"20250104000000_index": statement + ";"})
    why = failure(place.run(library, BUNDLE))
    assert (why.migration, why.statement, why.sqlstate) == ("20250104000000_index", statement, "23505")
    with place.connect_as_migrator() as writer:
        writer.execute("DELETE FROM \"LiteLLM_Key\" WHERE token = 'l'")
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED


def test_an_interrupted_concurrent_index_is_built_again(place: Place, tmp_path: Path) -> None:
    script = '-- lone\nCREATE INDEX CONCURRENTLY IF NOT EXISTS "by_alias" ON "LiteLLM_Key" (alias);'
    library = make_bundle(tmp_path, BUNDLE, migrations=MIGRATIONS | {"20250104000000_index": script})
    place.run(make_bundle(tmp_path / "before", BUNDLE), BUNDLE)
    with place.connect_as_migrator() as writer, writer.transaction():
        writer.execute("INSERT INTO \"LiteLLM_Key\" VALUES ('k', 'a')")
        job = place.start(library, BUNDLE)
        session = wait_for_session(place, "wait_event_type = 'Lock'")
        job.kill()
        with place.connect() as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 10000)", [session])
    valid = sql.SQL("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_alias'::regclass")
    assert place.fetch(valid) == [(False,)]
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    assert place.fetch(valid) == [(True,)]
    rows = [row[1:4] for row in place.ledger() if row[0] == "20250104000000_index"]
    assert rows == [(False, True, 0), (True, False, 1)]


def test_a_concurrent_index_waits_for_old_transactions_longer_than_for_locks(place: Place, tmp_path: Path) -> None:
    index = {"name": "Key_alias_idx", "table": "LiteLLM_Key", "definition": "(alias)"}
    place.run(make_bundle(tmp_path / "before", BUNDLE), BUNDLE)
    with holding(place, sql.SQL("UPDATE \"LiteLLM_Key\" SET alias = ''")):
        job = place.start(make_bundle(tmp_path / "whole", BUNDLE, indexes=[index]), BUNDLE)
        wait_for_session(place, "wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '5.5 seconds'")
    ended = job.end()
    assert ended.report.outcome is Outcome.MIGRATED
    assert "waits for others" not in {line["message"] for line in ended.logs}


def test_an_invalid_index_of_the_bundle_is_built_again(place: Place, tmp_path: Path) -> None:
    index = {"name": "Key_alias_idx", "table": "LiteLLM_Key", "definition": "(alias)"}
    library = make_bundle(tmp_path, BUNDLE, indexes=[index])
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    valid = sql.SQL("SELECT indisvalid FROM pg_index WHERE indexrelid = '\"Key_alias_idx\"'::regclass")
    with place.connect() as admin:
        admin.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"Key_alias_idx\"'::regclass")
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    assert place.fetch(valid) == [(True,)]
    assert place.run(library, BUNDLE).report.outcome is Outcome.NOTHING_TO_DO


def test_unfinished_rows_of_others_stop_everything(place: Place, tmp_path: Path) -> None:
    place.run(make_bundle(tmp_path / "before", BUNDLE, migrations={KEYS: MIGRATIONS[KEYS]}), BUNDLE)
    with place.connect() as admin:
        admin.execute("INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', '', %s)", [ALIAS])
    why = failure(place.run(make_bundle(tmp_path / "whole", BUNDLE), BUNDLE))
    assert (why.reason, why.prisma_code, why.migration) == (Reason.LEDGER_UNFINISHED, "P3009", ALIAS)
    assert place.applied() == [KEYS]


def test_an_unledgered_schema_with_tables_is_left_alone(place: Place, tmp_path: Path) -> None:
    with place.connect_as_migrator() as session:
        session.execute(MIGRATIONS[KEYS].encode())
    why = failure(place.run(make_bundle(tmp_path, BUNDLE), BUNDLE))
    assert (why.reason, why.prisma_code, why.server_message) == (Reason.UNLEDGERED, "P3005", '"LiteLLM_Key"')
    assert place.fetch(sql.SQL("SELECT to_regclass('_prisma_migrations')")) == [(None,)]


def test_a_schema_with_tables_of_others_is_left_alone(place: Place, tmp_path: Path) -> None:
    with place.connect_as_migrator() as session:
        session.execute("CREATE TABLE somebodys (id INT)")
    why = failure(place.run(make_bundle(tmp_path, BUNDLE), BUNDLE))
    assert (why.reason, why.server_message) == (Reason.FOREIGN_TABLES, '"somebodys"')
    ledger = sql.SQL("SELECT to_regclass('_prisma_migrations')")
    assert place.fetch(ledger) == [(None,)]


def test_an_extension_of_the_server_is_nobodys_data(place: Place, tmp_path: Path) -> None:
    with place.connect() as admin:
        admin.execute("CREATE EXTENSION pg_trgm; CREATE EXTENSION pg_stat_statements")
    assert place.run(make_bundle(tmp_path, BUNDLE), BUNDLE).report.outcome is Outcome.MIGRATED


def test_a_database_ahead_of_its_target_is_left_alone(place: Place, tmp_path: Path) -> None:
    place.run(make_bundle(tmp_path / "whole", BUNDLE), BUNDLE)
    older = make_bundle(tmp_path / "older", "0.9.0", migrations={KEYS: MIGRATIONS[KEYS]})
    why = failure(place.run(older, "0.9.0"))
    assert (why.reason, why.migration) == (Reason.AHEAD_OF_TARGET, SPEND)


def test_another_migrator_is_waited_for(place: Place, tmp_path: Path) -> None:
    with place.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        job = place.start(make_bundle(tmp_path, BUNDLE), BUNDLE)
        job.wait_for("waits for Prisma's lock")
        other.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
        assert job.end().report.outcome is Outcome.MIGRATED


def test_a_server_that_is_down_is_waited_for(
    postgres_servers: PostgresServers, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    server = postgres_servers.start()
    place, library = place_on(server), make_bundle(tmp_path, BUNDLE)
    server.stop()
    job = place.start(library, BUNDLE)
    job.wait_for("waits for the database")
    server.start()
    assert job.end().report.outcome is Outcome.MIGRATED


def test_a_server_that_stays_down_is_unreachable_at_the_deadline(
    postgres: PostgresServer, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    place = place_on(postgres)
    place.changes["port"] = "1"
    job = place.start(make_bundle(tmp_path, BUNDLE), BUNDLE)
    job.wait_for("waits for the database")
    job.send(signal.SIGALRM)  # what the migrator's own clock sends
    why = failure(job.end())
    assert (why.reason, why.prisma_code) == (Reason.SERVER_UNREACHABLE, "P1001")


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        pytest.param({"password": PASSWORD + "x"}, Reason.LOGIN_FAILED, "P1000", id="wrong password"),
        pytest.param({"database": "nowhere"}, Reason.DATABASE_MISSING, "P1003", id="no such database"),
        pytest.param({"tls": "require"}, Reason.TLS_FAILED, "P1011", id="no TLS"),
    ],
)
def test_a_refusal_is_believed_after_some_seconds(
    place: Place, tmp_path: Path, changes: dict[str, str], reason: Reason, code: str
) -> None:
    place.changes.update(changes)
    why = failure(place.run(make_bundle(tmp_path, BUNDLE), BUNDLE))
    assert (why.reason, why.prisma_code) == (reason, code)


def test_an_authority_nobody_knows_is_refused_and_the_right_one_is_not(
    postgres_servers: PostgresServers, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    server = postgres_servers.start(tls="required")
    place, library = place_on(server), make_bundle(tmp_path, BUNDLE)
    assert server.ca is not None
    place.changes.update({"tls": "verify-full", "ca.crt": server.ca.read_text()})
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    place.changes["ca.crt"] = postgres_servers.authority.sign("stranger").cert.read_text()
    assert failure(place.run(library, BUNDLE)).reason is Reason.TLS_FAILED


def test_a_history_that_is_not_there_stops_the_run_before_it_begins(place: Place, tmp_path: Path) -> None:
    with place.connect() as admin:
        admin.execute("DROP TABLE litellm_operator.migration_runs")
    why = failure(place.run(make_bundle(tmp_path, BUNDLE), BUNDLE))
    assert why.sqlstate == "42P01"
    assert place.fetch(sql.SQL("SELECT to_regclass('_prisma_migrations')")) == [(None,)]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        pytest.param({"LITELLMDB_TARGET": "sha256:other"}, "cannot use bundle", id="another digest"),
        pytest.param({"LITELLMDB_DEADLINE": "soon"}, "LITELLMDB_DEADLINE is no number", id="no number"),
        pytest.param({"LITELLMDB_CREDENTIALS": "/nowhere"}, "credential tls cannot be read", id="no Secret"),
        pytest.param({"LITELLMDB_ENGINE": "/nowhere/main.js"}, "cannot judge", id="no engine"),
    ],
)
def test_what_the_job_lacks_is_reported(
    place: Place, tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    job = place.start(make_bundle(tmp_path, BUNDLE), BUNDLE, **environment)
    assert message in failure(job.end_loudly()).message
