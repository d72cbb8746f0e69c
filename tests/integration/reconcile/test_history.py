"""Our own history under an operator that is newer than the database: it comes by itself, and costs nobody a Ready."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from litellm_database_operator.postgres.history import read_history
from tests.support.operator_process import OperatorProcess, Seam
from tests.support.world import NEW, TOP, World, condition

OURS = read_history(TOP).migrations
NAMES = [each.name for each in OURS]
_SECOND = (
    *("mode", "engine", "state_before", "policy", "plan_digest", "plan", "approved_plan", "pending", "breaks"),
    "missing",
)
"""Columns that the second file brings."""


def _only_first(folder: Path) -> Path:
    place = folder / "older/migrations" / OURS[0].name
    place.mkdir(parents=True)
    (place / "migration.sql").write_bytes(OURS[0].script)
    return folder / "older"


@pytest.fixture
async def older(world: World, tmp_path: Path) -> World:
    """Give a Ready database that an operator with the first file alone has made, and which is gone since."""
    world.add_database()
    process = await world.start(history=_only_first(tmp_path))
    await process.settle()
    assert world.is_ready()
    await process.kill()
    app = f"{world.namespace}_gateway_app"
    _as_superuser(world, f"REVOKE SELECT ON litellm_operator._prisma_migrations FROM {app}")  # noqa: S608
    assert _applied(world) == NAMES[:1]
    return world


def _connect(world: World) -> psycopg.Connection:
    return world.postgres.connect(f"{world.namespace}_gateway")


def _as_superuser(world: World, *statements: str) -> None:
    with _connect(world) as session:
        for statement in statements:
            session.execute(statement.encode())


def _applied(world: World) -> list[str]:
    with _connect(world) as session:
        found = session.execute("SELECT migration_name FROM litellm_operator._prisma_migrations ORDER BY 1").fetchall()
    return [name for (name,) in found]


async def _look(process: OperatorProcess) -> None:
    await process.look_again()
    await process.settle()


async def test_a_database_of_the_version_before_gets_it_and_stays_as_it_is(older: World) -> None:
    body, writes, jobs = older.database(), list(older.api.writes), list(older.jobs.started)
    process = await older.start()
    await process.settle()
    assert _applied(older) == NAMES
    assert process.seam.names == ["ExtendHistory"]
    assert (older.database(), older.api.writes, older.jobs.started) == (body, writes, jobs)
    await _look(process)
    assert process.seam.names == ["ExtendHistory"], "and that was all"


async def test_what_a_crash_leaves_is_taken_up(older: World) -> None:
    for after in (False, True):
        process = await older.start(Seam(die_at=0, after=after))
        await process.settle()
        await process.kill()
    process = await older.start()
    await process.settle()
    assert _applied(older) == NAMES
    assert older.is_ready()


async def test_two_operators_do_it_once(older: World) -> None:
    first, second = await older.start(), await older.start()
    await asyncio.gather(first.settle(), second.settle())
    assert _applied(older) == NAMES
    assert older.is_ready()


@contextmanager
def _held(world: World) -> Generator[None]:
    """Hold a lock on the runs, as whoever has the published password can."""
    with psycopg.connect((world.secret() or {})["uri"]) as session:
        session.execute("SELECT FROM litellm_operator.migration_runs")
        yield


def _let_time_pass(process: OperatorProcess, seconds: float) -> None:
    """Let a fault that is known of grow older."""
    database: Any = process.operator.control._reconcilers.database  # noqa: SLF001
    since: dict[object, float] = database._patience._since  # noqa: SLF001
    for key in since:
        since[key] -= seconds


async def test_a_tenants_lock_costs_no_ready(older: World) -> None:
    body, writes = older.database(), list(older.api.writes)
    with _held(older):
        process = await older.start()
        for _ in range(2):
            await process.look_again()
            _let_time_pass(process, 61)  # and no fault has outlived anybody's patience
        assert _applied(older) == NAMES[:1]
        assert (older.database(), older.api.writes) == (body, writes)
    await process.look_again()
    assert _applied(older) == NAMES


async def test_a_migration_waits_for_it(older: World) -> None:
    jobs = len(older.jobs.started)
    with _held(older):
        older.add_database(version=NEW)
        process = await older.start()
        await process.look_again()
        found = condition(older.database(), "Ready")
        assert (found["status"], found["reason"]) == ("Unknown", "ServerBusy"), found
        assert "history" in found["message"]
        assert process.due(), "it is tried again by itself"
        assert len(older.jobs.started) == jobs
        assert older.secret("gateway-migrator") is None
    await process.settle()
    assert older.is_ready()
    assert _applied(older) == NAMES
    assert len(older.jobs.started) == jobs + 1


async def test_a_database_restored_to_last_week_gets_it_again(world: World) -> None:
    world.add_database()
    process = await world.start()
    await process.settle()
    _as_superuser(
        world,
        *(f"ALTER TABLE litellm_operator.migration_runs DROP COLUMN {column}" for column in _SECOND),
        f"DELETE FROM litellm_operator._prisma_migrations WHERE migration_name = '{NAMES[1]}'",  # noqa: S608
    )
    body = world.database()
    await _look(process)
    assert _applied(world) == NAMES
    assert world.database() == body
    assert world.is_ready()


async def test_an_older_operator_leaves_a_newer_history(world: World, tmp_path: Path) -> None:
    world.add_database()
    process = await world.start()
    await process.settle()
    await process.kill()
    process = await world.start(history=_only_first(tmp_path))
    await _look(process)
    assert process.seam.names == []
    assert _applied(world) == NAMES
    assert world.is_ready()


async def test_a_suspended_resource_is_left(older: World) -> None:
    older.add_database(suspend=True)
    process = await older.start()
    await process.settle()
    assert "ExtendHistory" not in process.seam.names
    assert _applied(older) == NAMES[:1]
