"""Who is in the way is named: tables that are held, deadlocks, another migrator, many migrators of one server."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from litellm_database_operator.migrator.ledger import LOCK_KEY
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome
from tests.integration.migrator.faults import ALIAS, BUNDLE, KEYS, SPEND, changed, failure, wait_for_session
from tests.integration.migrator.place import MIGRATIONS, Place, holding, make_bundle
from tests.support.postgres_server import Login, PostgresServer, PostgresServers

LOCK_KEYS = sql.SQL('LOCK TABLE "LiteLLM_Key" IN ACCESS SHARE MODE')
DEADLINE = signal.SIGALRM
"""What the migrator's own clock sends."""
AUTO = {"LITELLMDB_POLICY": "Auto"}
IN_THE_QUEUE = "wait_event_type = 'Lock'"


def without_spend(place: Place, library: Path) -> None:
    """Bring a place to where `spend` is the next migration."""
    two = {name: MIGRATIONS[name] for name in (KEYS, ALIAS)}
    assert place.run(make_bundle(library, BUNDLE, migrations=two), BUNDLE).report.applied == 2


@contextmanager
def report_of_the_app(place: Place, *, application: str) -> Generator[psycopg.Connection]:
    """Give a session of the proxy that reads in an open transaction, as a report that takes long does."""
    login = Login(user=f"{place.database}_app_a", password="app-pa55word")
    with place.connect() as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                sql.Identifier(login.user), sql.Literal(login.password), sql.Identifier(f"{place.database}_app")
            )
        )
    conninfo = make_conninfo(place.server.conninfo(place.database, login), application_name=application)
    with psycopg.connect(conninfo) as session:
        session.execute('SELECT * FROM "LiteLLM_Key"')
        yield session


def test_a_table_that_is_held_until_the_deadline_is_told_with_its_holder(place: Place, tmp_path: Path) -> None:
    without_spend(place, tmp_path / "short")
    library = make_bundle(tmp_path / "whole", BUNDLE)
    with report_of_the_app(place, application='the "monthly" report') as report:
        job = place.start(library, BUNDLE)
        job.wait_for("waits for others")
        job.send(DEADLINE)
        ended, holder = job.end(), report.info.backend_pid
    why = failure(ended)
    assert (why.reason, why.sqlstate, why.migration) == (Reason.MIGRATION_DEADLINE_EXCEEDED, "55P03", SPEND)
    told = f'pid {holder}, role "{place.database}_app_a", application "the \'monthly\' report"'
    assert why.blocked_by == f'{told}, holds AccessShareLock on "LiteLLM_Key"'
    assert why.blocked_by in {line.get("blocked_by") for line in ended.logs if line["message"] == "waits for others"}
    assert place.applied() == [KEYS, ALIAS]
    assert place.run(library, BUNDLE).report.applied == 1


def test_a_query_behind_the_migration_is_served_between_its_tries(place: Place, tmp_path: Path) -> None:
    without_spend(place, tmp_path / "short")
    library = make_bundle(tmp_path / "whole", BUNDLE)
    with holding(place, LOCK_KEYS), place.connect() as reader:
        job = place.start(library, BUNDLE)
        wait_for_session(place, IN_THE_QUEUE)
        reader.execute("SET statement_timeout = '8s'")
        reader.execute('SELECT * FROM "LiteLLM_Key"')
    assert job.end().report.outcome is Outcome.MIGRATED


def test_what_waited_and_then_runs_is_held_up_by_nobody(place: Place, tmp_path: Path) -> None:
    without_spend(place, tmp_path / "short")
    slow = f"{MIGRATIONS[SPEND]}; SELECT pg_sleep(600)"
    library = make_bundle(tmp_path / "whole", BUNDLE, migrations=changed(spend=slow))
    with holding(place, LOCK_KEYS):
        job = place.start(library, BUNDLE, **AUTO)
        job.wait_for("waits for others")
    wait_for_session(place, "wait_event = 'PgSleep' AND query_start < clock_timestamp() - interval '2 seconds'")
    job.send(DEADLINE)
    why = failure(job.end())
    assert (why.reason, why.statement) == (Reason.MIGRATION_DEADLINE_EXCEEDED, "SELECT pg_sleep(600)")
    assert (why.sqlstate, why.blocked_by, why.server_message) == (None, None, None)


def test_an_old_transaction_that_a_concurrent_index_waits_for_is_named(place: Place, tmp_path: Path) -> None:
    place.run(make_bundle(tmp_path / "before", BUNDLE), BUNDLE)
    index = {"name": "Key_alias_idx", "table": "LiteLLM_Key", "definition": "(alias)"}
    library = make_bundle(tmp_path / "whole", BUNDLE, indexes=[index])
    with report_of_the_app(place, application="report") as report:
        report.execute("INSERT INTO \"LiteLLM_Key\" VALUES ('k', 'a')")
        job = place.start(library, BUNDLE)
        job.wait_for("is blocked")
        job.send(DEADLINE)
        why, holder = failure(job.end()), report.info.backend_pid
    assert (why.reason, why.sqlstate) == (Reason.MIGRATION_DEADLINE_EXCEEDED, "55P03")
    assert why.blocked_by is not None
    assert why.blocked_by.startswith(f"pid {holder}, ")
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED


def test_a_prepared_transaction_is_named_though_it_has_no_session(
    postgres_servers: PostgresServers, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    place = place_on(postgres_servers.start(settings={"max_prepared_transactions": "5"}))
    without_spend(place, tmp_path / "short")
    with place.connect() as session:
        session.execute('BEGIN; SELECT * FROM "LiteLLM_Key"')
        session.execute("PREPARE TRANSACTION 'forgotten'")
        job = place.start(make_bundle(tmp_path / "whole", BUNDLE), BUNDLE)
        job.wait_for("is blocked")
        job.send(DEADLINE)
        why = failure(job.end())
        session.execute("ROLLBACK PREPARED 'forgotten'")
    assert why.blocked_by is not None
    assert why.blocked_by.startswith("a prepared transaction")


def test_another_migrator_that_keeps_the_lock_is_named(place: Place, tmp_path: Path) -> None:
    conninfo = make_conninfo(place.server.conninfo(place.database), application_name="prisma migrate deploy")
    with psycopg.connect(conninfo, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        job = place.start(make_bundle(tmp_path, BUNDLE), BUNDLE)
        job.wait_for("waits for Prisma's lock")
        job.send(DEADLINE)
        why, holder = failure(job.end()), other.info.backend_pid
    assert (why.reason, why.prisma_code, why.sqlstate) == (Reason.MIGRATION_DEADLINE_EXCEEDED, "P1002", None)
    assert why.blocked_by is not None
    assert why.blocked_by.startswith(f'pid {holder}, role "postgres", application "prisma migrate deploy"')


def test_the_lock_of_another_database_is_nobodys_here(postgres: PostgresServer, place: Place, tmp_path: Path) -> None:
    with postgres.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        assert place.run(make_bundle(tmp_path, BUNDLE), BUNDLE).report.outcome is Outcome.MIGRATED


def test_a_deadlock_is_tried_again(place: Place, tmp_path: Path) -> None:
    place.run(make_bundle(tmp_path / "before", BUNDLE), BUNDLE)
    with place.connect_as_migrator() as owner:
        owner.execute('CREATE TABLE "LiteLLM_Other" (id INT)')
    patient = "SET LOCAL lock_timeout = '10s'"  # as some of LiteLLM's own files begin
    script = f'{patient}; LOCK TABLE "LiteLLM_Key"; LOCK TABLE "LiteLLM_Other"; DROP TABLE "LiteLLM_Other"'
    library = make_bundle(tmp_path / "whole", BUNDLE, migrations=MIGRATIONS | {"20250104000000_drop": script})
    with place.connect() as other:
        # The other's patience is longer, so that it is the migration that PostgreSQL ends.
        other.execute("SET deadlock_timeout = '60s'; BEGIN; LOCK TABLE \"LiteLLM_Other\" IN SHARE MODE")
        job = place.start(library, BUNDLE, **AUTO)
        wait_for_session(place, IN_THE_QUEUE)
        other.execute('LOCK TABLE "LiteLLM_Key" IN SHARE MODE')
        job.wait_for("waits for others")
        other.execute("COMMIT")
    ended = job.end()
    assert ended.report.outcome is Outcome.MIGRATED
    assert {line["sqlstate"] for line in ended.logs if line["message"] == "waits for others"} == {"40P01"}


def test_a_serialization_failure_is_tried_again(place: Place, tmp_path: Path) -> None:
    without_spend(place, tmp_path / "short")
    with place.connect_as_migrator() as owner:
        owner.execute("INSERT INTO \"LiteLLM_Key\" VALUES ('k', 'a')")
    rewrite = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; UPDATE \"LiteLLM_Key\" SET alias = 'b'"
    script = f"{rewrite}; {MIGRATIONS[SPEND]}"
    library = make_bundle(tmp_path / "whole", BUNDLE, migrations=changed(spend=script))
    with place.connect() as other:
        with other.transaction():
            other.execute("UPDATE \"LiteLLM_Key\" SET alias = 'c'")
            job = place.start(library, BUNDLE, **AUTO)
            wait_for_session(place, IN_THE_QUEUE)
        job.wait_for("waits for others")
    ended = job.end()
    assert ended.report.outcome is Outcome.MIGRATED
    assert {line["sqlstate"] for line in ended.logs if line["message"] == "waits for others"} == {"40001"}


@pytest.fixture
def four_places(postgres: PostgresServer, unique_name: str, tmp_path: Path) -> list[Place]:
    """Give four databases of one server."""
    places = [
        Place(server=postgres, database=f"{unique_name}_{number}", schema="public", folder=tmp_path / str(number))
        for number in range(4)
    ]
    for place in places:
        place.folder.mkdir()
        place.prepare()
    return places


def test_four_databases_of_one_server_are_migrated_at_once(four_places: list[Place], tmp_path: Path) -> None:
    view = {"name": "Keys", "sql": 'CREATE VIEW "Keys" AS SELECT * FROM "LiteLLM_Key"'}
    index = {"name": "Key_alias_idx", "table": "LiteLLM_Key", "definition": "(alias)"}
    library = make_bundle(tmp_path, BUNDLE, indexes=[index], views=[view])
    jobs = [place.start(library, BUNDLE) for place in four_places]
    ended = [job.end() for job in jobs]
    assert [(one.report.outcome, one.report.applied) for one in ended] == [(Outcome.MIGRATED, 3)] * 4
    assert not [line for one in ended for line in one.logs if line["message"].startswith(("waits", "lost"))]
