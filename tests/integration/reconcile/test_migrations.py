"""How a migration Job can end, and what is said of it; the real migrator where its own words count."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from litellm_database_operator.kube.kinds import JOB, SECRET, Body
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.fake_jobs import Ended, RealMigrator, Run, migrate_at_once
from tests.support.world import NEW, World, condition

LITELLM = "1.81.12"


async def _settle(world: World) -> Body:
    process = world.processes[-1] if world.processes else await world.start()
    await process.settle()
    return world.database()


async def test_litellms_own_bundle_by_the_real_migrator(make_world: WorldMaker, real_library: Path) -> None:
    world = make_world(library=real_library, migrator=RealMigrator())
    world.add_server()
    world.add_database(version=LITELLM)
    body = await _settle(world)
    assert condition(body, "Ready")["status"] == "True", body["status"]["conditions"]
    schema = body["status"]["schema"]
    assert (schema["bundle"], schema["applied"]) == ("0.4.39", schema["total"])
    assert schema["lastRun"]["outcome"] == "Migrated"
    assert world.logs_in()
    assert world.secret("gateway-migrator") is None


async def test_a_migration_that_fails_in_the_middle(make_world: WorldMaker, real_library: Path, tmp_path: Path) -> None:
    library = tmp_path / "broken"
    shutil.copytree(real_library, library)
    broken = _break(library, "0.4.39", 10, statement='ALTER TABLE "NotThere" ADD COLUMN secret TEXT')
    world = make_world(library=library, migrator=RealMigrator())
    world.add_server()
    world.add_database(version=LITELLM)
    body = await _settle(world)
    ready = condition(body, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "MigrationFailed")
    for word in (broken, "42P01", "P3018", "NotThere", "litellmdb.dev/retry"):
        assert word in ready["message"], ready["message"]
    assert body["status"]["schema"]["lastRun"]["migration"] == broken
    assert body["status"]["schema"]["applied"] == 10
    assert condition(body, "CredentialsPublished")["status"] == "True"
    jobs = list(world.jobs.started)
    await world.processes[-1].look_again()
    await world.processes[-1].settle()
    assert world.jobs.started == jobs, "nothing runs twice for the same thing"
    # the cause is mended, and a retry asked for
    shutil.copyfile(real_library / "0.4.39.json", library / "0.4.39.json")
    world.annotate("gateway", retry="1")
    body = await _settle(world)
    assert condition(body, "Ready")["status"] == "True", condition(body, "Ready")


def _break(library: Path, bundle: str, number: int, *, statement: str) -> str:
    """Put a statement in place of a migration's script, and return the migration's name."""
    file = library / f"{bundle}.json"
    facts = json.loads(file.read_text())
    migration = facts["migrations"][number]
    migration["checksum"] = hashlib.sha256(statement.encode()).hexdigest()
    (library / "objects" / migration["checksum"]).write_text(statement)
    file.write_text(json.dumps(facts))
    return migration["name"]


FORGED = json.dumps({"version": 1, "outcome": "Migrated", "bundle": "x", "digest": "y", "applied": 3, "total": 3,
                     "ledger": "0" * 16, "seconds": 1.0})  # fmt: skip


@pytest.mark.parametrize(
    ("message", "exit_code", "why", "ready", "reason"),
    [
        pytest.param("", 137, None, "Unknown", "MigrationInterrupted", id="killed without a word"),
        pytest.param("", 1, "DeadlineExceeded", "False", "MigrationDeadlineExceeded", id="past its deadline"),
        pytest.param("{no json", 1, None, "False", "ReportInvalid", id="no JSON"),
        pytest.param(json.dumps({"version": 1, "x": "y" * 4000}), 1, None, "False", "ReportInvalid", id="too long"),
        pytest.param(FORGED, 1, None, "Unknown", "Migrating", id="failed, and says that it migrated"),
        pytest.param(FORGED, 0, None, "Unknown", "Migrating", id="succeeded, and did nothing"),
        pytest.param("\x1b[31m" * 50, 1, None, "False", "ReportInvalid", id="control characters"),
    ],
)
async def test_a_job_that_ends_without_its_work_done(  # noqa: PLR0913, PLR0917
    world: World, message: str, exit_code: int, why: str | None, ready: str, reason: str
) -> None:
    """A report cannot have a Job run again and again, whatever it says: it is run by a tenant's cluster."""
    world.jobs.held = True
    world.add_database()
    await _settle(world)
    (job,) = world.api.all(JOB, world.namespace)
    world.jobs.end(job, message=message, exit_code=exit_code, reason=why)
    body = await _settle(world)
    found = condition(body, "Ready")
    assert (found["status"], found["reason"]) == (ready, reason), found
    assert "\x1b" not in json.dumps(body)
    assert world.secret("gateway-migrator") is None, "the migrator's Secret goes with its run"
    assert len(world.jobs.started) == 1
    if reason != "Migrating":
        assert "litellmdb.dev/retry" in found["message"]
        world.jobs.held = False
        world.annotate("gateway", retry="again")
        await _settle(world)
        assert world.is_ready()


async def test_a_run_of_a_suspended_database_is_looked_at_before_its_slot_ages(world: World) -> None:
    world.jobs.held = True
    world.add_database()
    await _settle(world)
    world.add_database(suspend=True)
    await _settle(world)
    due = world.processes[-1].due()
    assert due[f"LiteLLMDatabase {world.namespace}/gateway"] <= 30


async def test_a_job_deleted_while_it_runs_is_made_again(world: World) -> None:
    world.jobs.held = True
    world.add_database()
    await _settle(world)
    (job,) = world.api.all(JOB, world.namespace)
    world.api.remove(JOB, world.namespace, job["metadata"]["name"])
    world.jobs.held = False
    await _settle(world)
    assert world.is_ready(), condition(world.database(), "Ready")
    assert len(world.jobs.started) == 2
    assert world.secret("gateway-migrator") is None


async def test_the_migrators_secret_deleted_while_its_job_waits(world: World) -> None:
    world.jobs.held = True
    world.add_database()
    await _settle(world)
    world.api.remove(SECRET, world.namespace, "gateway-migrator")
    (job,) = world.api.all(JOB, world.namespace)
    world.jobs.end(job, exit_code=1, reason="DeadlineExceeded")
    await _settle(world)
    assert condition(world.database(), "Ready")["reason"] == "MigrationDeadlineExceeded"
    world.jobs.held = False
    world.annotate("gateway", retry="1")
    await _settle(world)
    assert world.is_ready()


async def test_a_foreign_secret_of_the_migrators_name_is_not_overwritten(world: World) -> None:
    world.add_secret("gateway-migrator", {"mine": "yes"})
    world.add_database()
    body = await _settle(world)
    ready = condition(body, "Ready")
    assert ready["reason"] == "SecretNotOurs"
    assert "gateway-migrator" in ready["message"]
    assert world.secret("gateway-migrator") == {"mine": "yes"}


async def test_while_an_upgrade_fails_the_proxy_keeps_its_login(world: World) -> None:
    world.add_database()
    await _settle(world)
    before = world.secret()
    world.jobs.held = True
    world.add_database(version=NEW)
    await _settle(world)
    (job,) = world.api.all(JOB, world.namespace)
    world.jobs.end(job, exit_code=1)
    await _settle(world)
    assert condition(world.database(), "Ready")["reason"] == "MigrationInterrupted"
    assert world.secret() == before
    assert world.logs_in()
    # back to what was: nothing is migrated back, and nothing has to be
    world.jobs.held = False
    world.add_database()
    await _settle(world)
    assert world.is_ready(), condition(world.database(), "Ready")


async def test_no_more_run_at_once_than_the_server_allows(world: World) -> None:
    body = world.server()
    world.api.put(body | {"spec": body["spec"] | {"limits": {"concurrentMigrations": 2}}})
    most = 0

    async def counting(run: Run) -> Ended:
        nonlocal most
        most = max(most, len(world.jobs.running))
        return await migrate_at_once(run)

    world.jobs.migrator = counting
    for number in range(6):
        world.add_database(f"db{number}")
    process = await world.start()
    await process.settle()
    assert [world.is_ready(f"db{number}") for number in range(6)] == [True] * 6
    assert most <= 2
