"""The server goes, is full, or is not ready, and the Job is killed: in each phase of a run."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from psycopg import sql

from litellm_database_operator.migrator.ledger import LOCK_KEY
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome, Report
from tests.integration.migrator.faults import ALIAS, AT_THE_GATE, BUNDLE, GATE, KEYS, SPEND, changed, failure, wait_for
from tests.integration.migrator.place import MIGRATIONS, Place, Running, make_bundle
from tests.support.postgres_server import PostgresServer, PostgresServers

AUTO: Final = {"LITELLMDB_POLICY": "Auto"}
DEADLINE: Final = signal.SIGALRM
INDEX: Final = {"name": "LiteLLM_Key_alias_idx", "table": "LiteLLM_Key", "definition": "(alias)"}
VIEW: Final = {"name": "Keys", "sql": 'CREATE OR REPLACE VIEW "Keys" AS SELECT * FROM "LiteLLM_Key"'}
BY_SPEND: Final = "20250104000000_by_spend"
CONCURRENTLY: Final = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS "by_spend" ON "LiteLLM_Key" (spend);'


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A place in a run where it can be held."""

    done: int
    """Migrations that are applied before the run."""
    hold: str
    """Locks what the phase needs, in an open transaction of a superuser's."""
    waiting: str = "application_name LIKE 'litellm-migrator%'"
    """The session that waits then."""
    gated: bool = False
    """Whether the lock is to be taken only once a migration waits at the gate."""


PHASES: Final = {
    "waiting for Prisma's lock": Phase(
        done=4, hold=f"SELECT pg_advisory_xact_lock({LOCK_KEY})", waiting="query LIKE '%pg_try_advisory_lock%'"
    ),
    "looking at the ledger": Phase(done=2, hold="LOCK TABLE _prisma_migrations"),
    "beginning the history": Phase(done=2, hold="LOCK TABLE litellm_operator.migration_runs IN EXCLUSIVE MODE"),
    "applying": Phase(done=1, hold=f"SELECT pg_advisory_xact_lock({GATE})"),
    "applying concurrently": Phase(done=3, hold="UPDATE \"LiteLLM_Key\" SET alias = 'b'"),
    "building an index": Phase(done=4, hold="UPDATE \"LiteLLM_Key\" SET alias = 'b'"),
    "creating a view": Phase(done=4, hold='LOCK TABLE "LiteLLM_Key"'),
    "comparing": Phase(
        done=4, hold="LOCK TABLE pg_catalog.pg_sequence", waiting="application_name = 'litellmdb-judge'"
    ),
    "ending the history": Phase(
        done=1, hold="LOCK TABLE litellm_operator.migration_runs IN EXCLUSIVE MODE", gated=True
    ),
}


def migrations(number: int) -> dict[str, str]:
    """Give the first so many; the second waits at the gate, the fourth runs in no transaction."""
    every = changed(alias=f"{MIGRATIONS[ALIAS]}\n;{AT_THE_GATE}") | {BY_SPEND: CONCURRENTLY}
    return dict(sorted(every.items())[:number])


def whole(library: Path, phase: str) -> Path:
    """Give the whole bundle, and what the phase is about beside the migrations."""
    indexes = [INDEX] if phase == "building an index" else []
    views = [VIEW] if phase == "creating a view" else []
    return make_bundle(library, BUNDLE, migrations=migrations(4), indexes=indexes, views=views)


@contextmanager
def held(place: Place, statement: str) -> Generator[None]:
    """Hold a lock to the end of the block, or to that of the server."""
    holder = place.connect()
    try:
        holder.execute(f"BEGIN; {statement}".encode())
        yield
    finally:
        holder.close()


@contextmanager
def held_in(phase: Phase, place: Place, library: Path) -> Generator[Running]:
    """Give a Job that has come to a phase, and stays there to the end of the block."""
    with ExitStack() as stack:
        if phase.gated:
            with held(place, f"SELECT pg_advisory_xact_lock({GATE})"):
                job = place.start(library, BUNDLE, **AUTO)
                wait_for(place, "wait_event = 'advisory'")
                stack.enter_context(held(place, phase.hold))
        else:
            stack.enter_context(held(place, phase.hold))
            job = place.start(library, BUNDLE, **AUTO)
        waits = "true" if "try" in phase.waiting else "wait_event_type = 'Lock'"
        wait_for(place, f"{waits} AND {phase.waiting}")
        yield job


def is_whole(place: Place, report: Report) -> None:
    """See that everything is applied once, the comparison found nothing missing, and no index is half built."""
    assert report.failure is None
    assert report.outcome in {Outcome.MIGRATED, Outcome.NOTHING_TO_DO}
    assert place.applied() == sorted(migrations(4))
    assert place.fetch(sql.SQL("SELECT count(*) FROM pg_index WHERE NOT indisvalid")) == [(0,)]


@pytest.fixture(scope="module")
def breakable(postgres_servers: PostgresServers) -> PostgresServer:
    """Give a server that these tests stop and start."""
    return postgres_servers.start()


@pytest.fixture
def prepared(
    request: pytest.FixtureRequest, breakable: PostgresServer, place_on: Callable[..., Place], tmp_path: Path
) -> tuple[Place, Phase, Path]:
    """Give a place where a phase is next, and the library whose run comes to it."""
    place, phase = place_on(breakable), PHASES[request.param]
    before = make_bundle(tmp_path / "before", BUNDLE, migrations=migrations(phase.done))
    assert place.run(before, BUNDLE, **AUTO).report.applied == phase.done
    return place, phase, whole(tmp_path / "whole", request.param)


in_each_phase: Final = pytest.mark.parametrize("prepared", list(PHASES), indirect=True)


@in_each_phase
def test_a_server_that_crashes_is_waited_for_and_the_run_goes_on(
    prepared: tuple[Place, Phase, Path], breakable: PostgresServer
) -> None:
    place, phase, library = prepared
    with held_in(phase, place, library) as job:
        breakable.stop("immediate")
        breakable.start()
    is_whole(place, job.end().report)


@in_each_phase
def test_a_killed_job_is_made_good_by_the_next(prepared: tuple[Place, Phase, Path]) -> None:
    place, phase, library = prepared
    with held_in(phase, place, library) as job:
        job.send(signal.SIGKILL)
    job.kill()  # the judge has ended by now, which waited for a lock too
    is_whole(place, place.run(library, BUNDLE, **AUTO).report)


def test_a_job_killed_within_a_file_that_has_no_transaction_says_so_next_time(place: Place, tmp_path: Path) -> None:
    script = f"BEGIN; {MIGRATIONS[ALIAS]}\n; COMMIT; {AT_THE_GATE}"
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias=script))
    with held(place, f"SELECT pg_advisory_xact_lock({GATE})"):
        job = place.start(library, BUNDLE)
        wait_for(place, "wait_event = 'advisory'")
        job.kill()
    why = failure(place.run(library, BUNDLE))
    assert (why.reason, why.prisma_code, why.migration) == (Reason.LEDGER_UNFINISHED, "P3009", ALIAS)
    assert place.applied() == [KEYS]
    with place.connect() as admin:  # as `prisma migrate resolve --applied` does
        admin.execute("UPDATE _prisma_migrations SET finished_at = now() WHERE migration_name = %s", [ALIAS])
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    assert place.applied() == [KEYS, ALIAS, SPEND]
