"""A proxy goes on reading and writing while its database is upgraded; `make bench` does the same with many rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from litellm_database_operator.model.report import Outcome
from tests.bench.proxy import Session, failures, gather, serving
from tests.bench.proxy_sql import Statements, fill
from tests.integration.migrator.faults import AT_THE_GATE, wait_for, wait_for_session
from tests.integration.migrator.place import MIGRATIONS, PASSWORD, Place, make_bundle
from tests.support.postgres_server import Login

OLD, NEW = "0.4.39", "0.4.110"
ACTS = 8
"""What a proxy does, from the key lookup to the spend report."""
WITHIN = 60.0
KEYS, ALIAS, _ = sorted(MIGRATIONS)
TWO_TABLES = f'{MIGRATIONS[KEYS]}; CREATE TABLE "LiteLLM_Team" (id TEXT PRIMARY KEY)'
BOTH = f'{MIGRATIONS[ALIAS]}\n; {AT_THE_GATE}; ALTER TABLE "LiteLLM_Team" ADD COLUMN alias TEXT'
"""As LiteLLM's own files that alter several tables: in one transaction, not in the order of the proxy's joins."""


@pytest.fixture
def connect(place: Place, library: Path) -> Callable[[], psycopg.Connection]:
    """Give logins into a database of the older release, in use and with rows."""
    place.run(library, OLD)
    login = Login(user=f"{place.database}_proxy", password=PASSWORD)
    with place.connect() as session:
        fill(session, logs=5_000)
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
        session.execute(create.format(sql.Identifier(login.user), PASSWORD, sql.Identifier(f"{place.database}_app")))
    return lambda: place.server.connect(place.database, login)


def wait_until_all_was_done(sessions: Iterable[Session], *, since: float) -> None:
    """Return when each session has done all that a proxy does since a moment."""
    end = time.monotonic() + WITHIN
    for session in sessions:
        while len({sample.act for sample in session.samples if sample.began > since}) < ACTS:
            assert time.monotonic() < end, "the proxy stands still"
            threading.Event().wait(0.01)


def test_an_upgrade_fails_nothing_but_prepared_key_lookups(
    place: Place, library: Path, connect: Callable[[], psycopg.Connection]
) -> None:
    with connect() as session:
        statements = Statements.of(session)
    with (
        serving(connect, statements, prepares=True, sessions=2) as preparing,
        serving(connect, statements, prepares=False, sessions=2) as plain,
    ):
        wait_until_all_was_done([*preparing, *plain], since=0.0)
        began = time.monotonic()
        ended = place.run(library, NEW, LITELLMDB_POLICY="Auto")
        wait_until_all_was_done([*preparing, *plain], since=time.monotonic())
    assert ended.report.outcome is Outcome.MIGRATED
    assert gather(plain, until=began) != []
    assert failures(gather(plain)) == {}
    assert set(failures(gather(preparing, since=began))) == {"key lookup 0A000"}
    assert failures(gather(preparing, until=began)) == {}


def test_a_proxy_is_never_the_victim_of_a_deadlock(place: Place, tmp_path: Path) -> None:
    place.run(make_bundle(tmp_path / "before", "1.0.0", migrations={KEYS: TWO_TABLES}), "1.0.0")
    library = make_bundle(tmp_path / "after", "1.0.1", migrations=MIGRATIONS | {KEYS: TWO_TABLES, ALIAS: BOTH})
    with place.connect() as proxy, ThreadPoolExecutor(1) as thread, place.connect() as gate:
        proxy.autocommit = gate.autocommit = False
        proxy.execute('SELECT FROM "LiteLLM_Team"')
        gate.execute(AT_THE_GATE.encode())
        job = place.start(library, "1.0.1", LITELLMDB_POLICY="Auto")
        wait_for_session(place, "wait_event_type = 'Lock'")
        # From here on the migration holds the one table, and the proxy the other.
        answer = thread.submit(proxy.execute, 'SELECT FROM "LiteLLM_Key"')
        wait_for(place, "wait_event_type = 'Lock' AND application_name = ''")
        gate.rollback()
        assert answer.result().fetchall() == []
        proxy.rollback()
        assert job.end().report.outcome is Outcome.MIGRATED
