"""Kills a migrator at a file that it is applying: the server holds the file's row of the ledger until it is dead.

Nothing in the migrator helps with it: an event trigger puts a trigger on Prisma's ledger as it is made, and that one
waits at an advisory lock. The script of the file has run by then, and is not yet committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import sql

from tests.integration.migrator.place import Place, Running

_GATE: Final = 4711
_PATIENCE: Final = 60.0

_SET_UP: Final = """
CREATE SCHEMA truth;
GRANT USAGE ON SCHEMA truth TO PUBLIC;
CREATE FUNCTION truth.wait() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
BEGIN
  IF NEW.migration_name = {migration} AND NEW.finished_at IS NOT NULL THEN
    PERFORM pg_catalog.pg_advisory_xact_lock_shared({gate});
  END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION truth.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE object_identity = 'public._prisma_migrations')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'truth_wait')
  THEN
    CREATE TRIGGER truth_wait BEFORE INSERT OR UPDATE ON _prisma_migrations FOR EACH ROW EXECUTE FUNCTION truth.wait();
  END IF;
END $$;
CREATE EVENT TRIGGER truth_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION truth.watch();
"""
_TEAR_DOWN: Final = "DROP SCHEMA truth CASCADE"
_AT_THE_GATE: Final = """
SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_OTHERS: Final = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@contextmanager
def gate(session: psycopg.Connection, migration: str) -> Generator[None]:
    """Hold that migration's row up; what holds it is gone afterwards."""
    session.execute(sql.SQL(_SET_UP).format(migration=sql.Literal(migration), gate=sql.Literal(_GATE)))
    session.execute("SELECT pg_advisory_lock(%s)", [_GATE])
    try:
        yield
    finally:
        session.execute("SELECT pg_advisory_unlock_all()")
        session.execute(_TEAR_DOWN)


def kill_at_the_gate(session: psycopg.Connection, place: Place, running: Running, *, committed: bool) -> None:
    """Kill it there. The server then commits what it has begun, or loses its session as well."""
    report = place.folder / "termination-log"
    try:
        _wait(lambda: report.exists() or _holds(session, _AT_THE_GATE))
    finally:
        running.kill()
    if report.exists():
        raise RuntimeError(f"the migrator ended before that file: {report.read_text()}")
    if not committed:
        session.execute(f"SELECT pg_terminate_backend(pid) {_OTHERS}")
        _wait(lambda: not _holds(session, f"SELECT {_OTHERS}"))
    session.execute("SELECT pg_advisory_unlock(%s)", [_GATE])
    _wait(lambda: not _holds(session, f"SELECT {_OTHERS}"))


def _holds(session: psycopg.Connection, query: str) -> bool:
    return session.execute(query.encode()).fetchone() is not None


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the migrator is not where it is to be killed, or its session does not end")
        time.sleep(0.01)  # between two looks
