"""The comparison that is made from time to time: it shows what was removed by hand, and has no say in Ready before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from litellm_database_operator.kube.kinds import JOB, Body
from litellm_database_operator.model.bundle import ledger_fingerprint
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure, Outcome, Report, dump
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.fake_jobs import Ended, RealMigrator, Run, migrate_at_once
from tests.support.operator_process import OperatorProcess, Seam
from tests.support.world import World, condition

TABLE = "LiteLLM_20250101000000_first"


_LACKS_ITS_COLUMN = """
    SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'id')
      FROM pg_class WHERE relname = %(table)s
"""


async def compare(run: Run) -> Ended:
    """Migrate at once, and say what is missing of the first table, as a comparison would."""
    return await asyncio.to_thread(_incomplete, run) or await migrate_at_once(run)


def _incomplete(run: Run) -> Ended | None:
    bundle = run.bundle
    with run.connect() as session:
        if session.execute(_LACKS_ITS_COLUMN, {"table": TABLE}).fetchone() != (True,):
            return None
        session.execute(
            "INSERT INTO litellm_operator.migration_runs (job, bundle, digest, ledger_before, outcome, total,"
            " operator_version, finished_at, missing) VALUES (%s, %s, %s, '', 'Failed', 2, 'test', now(), %s)",
            [run.environment["LITELLMDB_JOB"], bundle.version, bundle.digest, [f"column {TABLE}.id"]],
        )
    failure = Failure(reason=Reason.SCHEMA_INCOMPLETE, message="cannot call the schema complete: 1 thing is missing")
    report = Report(
        outcome=Outcome.FAILED,
        bundle=bundle.version,
        digest=bundle.digest,
        applied=0,
        total=2,
        ledger=ledger_fingerprint(bundle.migrations),
        seconds=0.1,
        missing=(f"column {TABLE}.id",),
        failure=failure,
    )
    return Ended(exit_code=1, message=dump(report))


@pytest.fixture
async def ready(world: World) -> World:
    """Give a Ready database, just compared."""
    world.jobs.migrator = compare
    world.add_database()
    await (await world.start()).settle()
    assert world.is_ready()
    return world


def _execute(world: World, statement: str, name: str = "gateway") -> list[tuple[object, ...]]:
    with world.postgres.connect(f"{world.namespace}_{name}") as session:
        found = session.execute(statement.encode())
        return found.fetchall() if found.description else []


def _let_pass(world: World, hours: float, name: str = "gateway") -> None:
    """Let time pass for one database: in its history, and for its Jobs."""
    _execute(
        world,
        f"UPDATE litellm_operator.migration_runs SET started_at = started_at - interval '{hours} hours',"  # noqa: S608
        f" finished_at = finished_at - interval '{hours} hours'",
        name,
    )
    for job in world.api.all(JOB, world.namespace):
        if job["metadata"]["name"].startswith(f"{name}-"):
            created = datetime.fromisoformat(job["metadata"]["creationTimestamp"]) - timedelta(hours=hours)
            job["metadata"]["creationTimestamp"] = created.strftime("%Y-%m-%dT%H:%M:%SZ")
            world.api.put(job)


async def _look(world: World) -> Body:
    process = world.processes[-1]
    await process.look_again()
    await process.settle()
    return world.database()


def _compared(world: World, name: str = "gateway") -> int:
    ((count,),) = _execute(world, "SELECT count(*) FROM litellm_operator.migration_runs", name)
    assert isinstance(count, int)
    return count


async def test_a_day_later_it_is_compared_again_and_stays_ready(ready: World) -> None:
    told: list[tuple[str, str]] = []
    ready.api.watchers.append(lambda _event, _kind, _body: told.append(_ready(ready)))
    await _look(ready)
    assert len(ready.jobs.started) == 1
    _let_pass(ready, 27)
    await _look(ready)
    assert len(ready.jobs.started) == 2
    assert _compared(ready) == 2
    assert set(told) == {("True", "UpToDate")}
    assert ready.secret("gateway-migrator") is None
    _check_locked(ready)
    body = ready.database()
    assert await _look(ready) == body
    assert len(ready.jobs.started) == 2


def _ready(world: World) -> tuple[str, str]:
    found = condition(world.database(), "Ready")
    return str(found["status"]), str(found["reason"])


def _check_locked(world: World) -> None:
    rows = _execute(world, f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{world.namespace}_gateway_migrator'")  # noqa: S608
    assert rows == [(False,)]


async def test_ready_while_it_runs_and_the_run_is_closed(ready: World) -> None:
    _let_pass(ready, 27)
    ready.jobs.held = True
    await ready.processes[-1].look_again()
    await ready.processes[-1].look_again()
    assert len(ready.jobs.waiting) == 1
    assert _ready(ready) == ("True", "UpToDate")
    assert ready.secret("gateway-migrator") is not None
    ready.jobs.held = False
    await _look(ready)
    assert ready.secret("gateway-migrator") is None
    _check_locked(ready)
    assert _ready(ready) == ("True", "UpToDate")


async def _drift(world: World) -> Body:
    _execute(world, f'ALTER TABLE "{TABLE}" DROP COLUMN id')
    assert _ready_of(await _look(world)) == ("True", "UpToDate"), "nobody sees it before the next comparison"
    _let_pass(world, 27)
    return await _look(world)


def _ready_of(body: Body) -> tuple[str, str]:
    found = condition(body, "Ready")
    return str(found["status"]), str(found["reason"])


async def test_a_column_that_was_dropped_by_hand_is_named(ready: World) -> None:
    before = ready.secret()
    body = await _drift(ready)
    for kind in ("Ready", "SchemaMigrated"):
        found = condition(body, kind)
        assert (found["status"], found["reason"]) == ("False", "SchemaIncomplete"), found
        assert f"column {TABLE}.id" in found["message"]
        assert "litellmdb.dev/retry" in found["message"]
    assert condition(body, "Stalled")["status"] == "True"
    assert ready.secret() == before, "the database serves on"
    assert ready.logs_in()
    _check_locked(ready)
    again = await _look(ready)
    assert again == body
    assert len(ready.jobs.started) == 2, "within the hour nothing runs"


async def test_mended_and_asked_again_it_is_ready(ready: World) -> None:
    await _drift(ready)
    _execute(ready, f'ALTER TABLE "{TABLE}" ADD COLUMN id integer')
    ready.annotate("gateway", retry="1")
    assert _ready_of(await _look(ready)) == ("True", "UpToDate")
    assert len(ready.jobs.started) == 3


async def test_asked_again_and_not_mended_it_is_stalled_still(ready: World) -> None:
    await _drift(ready)
    ready.annotate("gateway", retry="1")
    assert _ready_of(await _look(ready)) == ("False", "SchemaIncomplete")
    jobs = len(ready.jobs.started)
    await _look(ready)
    assert len(ready.jobs.started) == jobs


async def test_mended_it_is_ready_within_the_hour_by_itself(ready: World) -> None:
    body = await _drift(ready)
    _let_pass(ready, 1.1)
    told = await _look(ready)
    assert len(ready.jobs.started) == 3
    assert _ready_of(told) == ("False", "SchemaIncomplete")
    assert condition(told, "Stalled") == condition(body, "Stalled"), "the hourly comparison rings nobody"
    _execute(ready, f'ALTER TABLE "{TABLE}" ADD COLUMN id integer')
    _let_pass(ready, 1.1)
    assert _ready_of(await _look(ready)) == ("True", "UpToDate")


async def test_two_operators_make_one_job(ready: World) -> None:
    await ready.start()
    first, second = ready.processes
    _let_pass(ready, 27)
    await asyncio.gather(first.look_again(), second.look_again())
    await asyncio.gather(first.settle(), second.settle())
    assert len(set(ready.jobs.started)) == 2
    assert ready.is_ready()
    _check_locked(ready)


async def test_never_is_never(ready: World) -> None:
    await ready.processes[-1].kill()
    await ready.start(proof_hours=0.0)
    _let_pass(ready, 1000)
    await _look(ready)
    assert len(ready.jobs.started) == 1
    assert ready.is_ready()


async def test_a_proof_that_is_killed_takes_no_ready_and_is_repeated_every_hour(ready: World) -> None:
    _let_pass(ready, 27)
    ready.jobs.held = True
    await _look(ready)
    (job,) = [job for job in ready.api.all(JOB, ready.namespace) if not job.get("status")]
    ready.jobs.end(job, exit_code=137)
    ready.jobs.held = False
    body = await _look(ready)
    assert _ready_of(body) == ("True", "UpToDate")
    assert "could not be made" in condition(body, "SchemaMigrated")["message"]
    assert ready.secret("gateway-migrator") is None
    _check_locked(ready)
    assert len(ready.jobs.started) == 2
    _let_pass(ready, 1.1)
    body = await _look(ready)
    assert len(ready.jobs.started) == 3
    assert "could not be made" not in condition(body, "SchemaMigrated")["message"]
    assert _compared(ready) == 2


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_an_operator_killed_at_any_effect_of_a_proof(ready: World, after: bool) -> None:  # noqa: FBT001
    """The next one ends it, and nobody who reads Ready has noticed."""
    await ready.processes[-1].kill()
    told: list[tuple[str, str]] = []
    ready.api.watchers.append(lambda _event, _kind, _body: told.append(_ready(ready)))
    place = 0
    while await _prove_killed_at(ready, place, after=after):
        place += 1
    assert place > 3
    assert set(told) == {("True", "UpToDate")}


async def _prove_killed_at(world: World, place: int, *, after: bool) -> bool:
    """Tell whether there was an effect to be killed at; another operator has ended the proof then."""
    _let_pass(world, 27)
    before = _compared(world)
    killed = await world.start(Seam(die_at=place, after=after))
    await killed.look_again()
    await killed.settle()
    await killed.kill()
    process = await world.start()
    await _look(world)
    await process.kill()
    assert _compared(world) == before + 1, place
    assert world.secret("gateway-migrator") is None, place
    _check_locked(world)
    return len(killed.seam.names) > place


async def test_a_week_without_an_operator_is_no_storm(make_world: WorldMaker) -> None:
    world, count = make_world(), 6
    world.add_server()
    body = world.server()
    world.api.put(body | {"spec": body["spec"] | {"limits": {"concurrentMigrations": 2}}})
    for number in range(count):
        world.add_database(f"db{number}")
    process = await world.start()
    await process.settle()
    await process.kill()
    for number in range(count):
        _let_pass(world, 170, f"db{number}")
    told: list[bool] = []
    names = [f"db{number}" for number in range(count)]
    world.api.watchers.append(lambda _event, _kind, _body: told.append(all(map(world.is_ready, names))))
    running = _count_running(world)
    process = await world.start()
    for _ in range(count):
        await process.look_again()
        await process.settle()
    assert [_compared(world, f"db{number}") for number in range(count)] == [2] * count
    assert 0 < max(running) <= 2
    assert all(told)


def _count_running(world: World) -> list[int]:
    running: list[int] = []

    async def counting(run: Run) -> Ended:
        running.append(len(world.jobs.running))
        return await migrate_at_once(run)

    world.jobs.migrator = counting
    return running


async def test_who_asks_for_a_version_comes_before_proofs(make_world: WorldMaker) -> None:
    """A proof that found no free place does not stand in anybody's way."""
    world = make_world()
    world.add_server()
    body = world.server()
    world.api.put(body | {"spec": body["spec"] | {"limits": {"concurrentMigrations": 1}}})
    for name in ("first", "second"):
        world.add_database(name)
    process = await world.start()
    await process.settle()
    for name in ("first", "second"):
        _let_pass(world, 27, name)
    world.jobs.held = True
    await process.look_again()
    assert len(world.jobs.waiting) == 1, "one of the two proofs has the only place"
    world.add_database("third")
    await process.settle(until=_started(process))
    world.jobs.held = False
    begun = len(world.jobs.started)
    await process.settle()
    assert world.is_ready("third")
    assert world.jobs.started[begun].startswith("third-"), world.jobs.started


def _started(process: OperatorProcess) -> Callable[[], bool]:
    return lambda: "CreateDatabase" in process.seam.names


async def test_a_column_of_litellms_by_the_real_migrator(make_world: WorldMaker, real_library: Path) -> None:
    """The whole way: the judge names table and column, the proof says so, and who mends it is believed by a proof."""
    world = make_world(library=real_library, migrator=RealMigrator())
    world.add_server()
    world.add_database(version="1.81.12")
    await (await world.start()).settle()
    assert world.is_ready()
    _let_pass(world, 27)
    assert _ready_of(await _look(world)) == ("True", "UpToDate")
    assert _compared(world) == 2
    _execute(world, 'ALTER TABLE "LiteLLM_TeamTable" DROP COLUMN team_alias')
    _let_pass(world, 27)
    found = condition(await _look(world), "Ready")
    assert (found["status"], found["reason"]) == ("False", "SchemaIncomplete")
    assert "LiteLLM_TeamTable" in found["message"]
    assert "team_alias" in found["message"]
    _execute(world, 'ALTER TABLE "LiteLLM_TeamTable" ADD COLUMN team_alias text')
    _let_pass(world, 1.1)
    assert _ready_of(await _look(world)) == ("True", "UpToDate")
    assert _execute(world, "SELECT count(*) FROM litellm_operator.migration_runs WHERE verified") == [(3,)]
