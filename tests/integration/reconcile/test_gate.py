"""A person upgrades by changing one field: what waits, what passes, what is known before, and what is left alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import LiteralString

import pytest
from psycopg import sql

from litellm_database_operator.kube.kinds import JOB, Body
from tests.integration.reconcile.conftest import WorldMaker
from tests.integration.reconcile.gated import GatedMigrator
from tests.support.fake_jobs import Ended, Run
from tests.support.operator_process import OperatorProcess
from tests.support.world import NEW, OLD, World, condition

Gated = tuple[World, GatedMigrator]


@pytest.fixture
def gated(make_world: WorldMaker) -> Gated:
    """Give a world whose migrator plans, and asks the gate."""
    migrator = GatedMigrator()
    world = make_world(migrator=migrator)
    world.add_server()
    return world, migrator


async def ready(world: World) -> OperatorProcess:
    """Return the operator of a world with a database that is Ready at the older release."""
    world.add_database()
    process = world.processes[-1] if world.processes else await world.start()
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    return process


async def changed(world: World, process: OperatorProcess, *, version: str, **migration: object) -> Body:
    """Change one field, and return what comes of it."""
    world.add_database(version=version, migration=migration)
    await process.settle()
    return world.database()


def digest_of(body: Body, *where: str) -> str:
    """Return the digest of a plan in status.schema."""
    found = body["status"]["schema"]
    for key in (*where, "plan", "digest"):
        found = found[key]
    return str(found)


def ready_told(world: World) -> list[str]:
    """Return reason of every Ready that was ever written, without repetitions."""
    told = [
        condition(body, "Ready") for body in map(json.loads, world.api.told) if body.get("kind") == "LiteLLMDatabase"
    ]
    reasons = [f"{each['status']} {each['reason']}" for each in told if each["status"]]
    return [one for one, before in zip(reasons, [None, *reasons], strict=False) if one != before]


def sql_in(world: World, *statements: str) -> None:
    """Run statements in the database, as a superuser."""
    with world.postgres.connect(dbname=world.database()["status"]["connection"]["database"]) as session:
        for statement in statements:
            session.execute(statement.encode())


# Waiting and going on


async def test_an_upgrade_that_loses_rows_waits_and_goes_on_once_it_is_approved(gated: Gated) -> None:
    world, migrator = gated
    process = await ready(world)
    body = await changed(world, process, version=NEW)
    told = condition(body, "Ready")
    assert (told["status"], told["reason"]) == ("False", "AwaitingApproval")
    assert condition(body, "Stalled")["status"] == "True"
    assert "DROP COLUMN old of LiteLLM_20250103000000_third" in told["message"]
    assert digest_of(body) in told["message"]
    assert world.logs_in(), "the database serves on"
    assert world.secret("gateway-migrator") is None
    jobs = list(world.jobs.started)
    await process.look_again()
    await process.settle()
    assert world.jobs.started == jobs, "nothing runs twice for the same question"
    body = await changed(world, process, version=NEW, approvedPlan=digest_of(body))
    assert condition(body, "Ready")["status"] == "True", condition(body, "Ready")
    assert migrator.runs == ["Migrate Applied", "Migrate AwaitingApproval", "Migrate Applied"]
    assert body["status"]["schema"]["state"] == "Current"
    assert "plan" not in body["status"]["schema"]


async def test_the_approval_of_an_older_plan_does_not_pass(gated: Gated) -> None:
    world, migrator = gated
    process = await ready(world)
    old = "sha256:" + "0" * 64
    body = await changed(world, process, version=NEW, approvedPlan=old)
    told = condition(body, "Ready")
    assert told["reason"] == "AwaitingApproval"
    assert f"names another plan ({old})" in told["message"]
    assert digest_of(body) in told["message"]
    assert migrator.runs[1:] == ["Migrate AwaitingApproval"]


async def test_an_approval_that_nothing_waits_for_does_no_harm(gated: Gated) -> None:
    world, migrator = gated
    process = await ready(world)
    before = list(world.jobs.started)
    body = await changed(world, process, version=OLD, approvedPlan="sha256:" + "0" * 64)
    assert condition(body, "Ready")["status"] == "True"
    assert world.jobs.started == before
    migrator.loses = False
    body = await changed(world, process, version=NEW, approvedPlan="sha256:" + "0" * 64)
    assert condition(body, "Ready")["status"] == "True"


async def test_manual_waits_for_everything_the_first_one_included(gated: Gated) -> None:
    world, migrator = gated
    migrator.loses = False
    process = await world.start()
    body = await changed(world, process, version=OLD, policy="Manual")
    told = condition(body, "Ready")
    assert told["reason"] == "AwaitingApproval"
    assert "spec.migration.policy is Manual" in told["message"]
    assert "serves on" not in told["message"], "nothing is there yet"
    body = await changed(world, process, version=OLD, policy="Manual", approvedPlan=digest_of(body))
    assert condition(body, "Ready")["status"] == "True"
    assert migrator.runs == ["Migrate AwaitingApproval", "Migrate Applied"]


async def test_another_policy_lets_a_plan_pass_at_once(gated: Gated) -> None:
    world, migrator = gated
    process = await ready(world)
    await changed(world, process, version=NEW)
    body = await changed(world, process, version=NEW, policy="Auto")
    assert condition(body, "Ready")["status"] == "True"
    assert migrator.runs[-2:] == ["Migrate AwaitingApproval", "Migrate Applied"]


async def test_whoever_goes_back_waits_no_more(gated: Gated) -> None:
    world, _ = gated
    process = await ready(world)
    await changed(world, process, version=NEW)
    body = await changed(world, process, version=OLD)
    assert condition(body, "Ready")["status"] == "True"
    assert "plan" not in body["status"]["schema"]


# Known before


async def test_what_an_upgrade_does_is_known_and_approved_before_it_is_asked_for(gated: Gated) -> None:
    world, migrator = gated
    process = await ready(world)
    since = len(world.api.told)
    body = await changed(world, process, version=OLD, preview={"version": NEW})
    assert condition(body, "Ready")["status"] == "True"
    preview = body["status"]["schema"]["preview"]
    assert (preview["litellm"], preview["bundle"], preview["state"]) == (NEW, NEW, "Behind")
    assert preview["plan"]["losesTotal"] == 1
    assert world.api.get(JOB, world.namespace, preview["job"]) is not None, "its log is there to be read"
    assert world.secret("gateway-migrator") is None
    runs = list(world.jobs.started)
    await process.look_again()
    await process.settle()
    assert world.jobs.started == runs, "a preview is planned once"
    one_commit = {"preview": {"version": NEW}, "approvedPlan": digest_of(body, "preview")}
    body = await changed(world, process, version=NEW, **one_commit)
    assert condition(body, "Ready")["status"] == "True"
    assert migrator.runs == ["Migrate Applied", "Preview Planned", "Migrate Applied"]
    world.api.told[:since] = []
    assert "AwaitingApproval" not in " ".join(ready_told(world))
    assert "target itself" in body["status"]["schema"]["preview"]["message"]


async def test_a_preview_leaves_ready_as_it_is_all_the_while(gated: Gated) -> None:
    world, _ = gated
    process = await ready(world)
    world.api.told.clear()
    world.jobs.held = True
    body = await changed(world, process, version=OLD, preview={"version": NEW})
    assert condition(body, "Ready")["status"] == "True"
    assert body["status"]["schema"]["preview"]["message"] == "a Job plans it"
    world.jobs.held = False
    await process.settle()
    body = await changed(world, process, version=OLD)
    assert "preview" not in body["status"]["schema"]
    assert ready_told(world) == ["True UpToDate"]
    assert len(world.api.all(JOB, world.namespace)) == 2, "the last Job of each mode stays"


async def test_a_preview_of_what_is_not_known_is_told_and_harms_nobody(gated: Gated) -> None:
    world, _ = gated
    process = await ready(world)
    body = await changed(world, process, version=OLD, preview={"version": "9.9.9"})
    assert condition(body, "Ready")["status"] == "True"
    assert "9.9.9" in body["status"]["schema"]["preview"]["message"]
    assert [event for event in world.events() if event.startswith("UnknownVersion: spec.migration.preview: ")]


async def test_a_preview_whose_job_somebody_deletes_is_planned_anew(gated: Gated) -> None:
    """Rows came or went since: the way to ask again."""
    world, migrator = gated
    process = await ready(world)
    body = await changed(world, process, version=OLD, preview={"version": NEW})
    migrator.loses = False
    world.api.remove(JOB, world.namespace, body["status"]["schema"]["preview"]["job"])
    await process.look_again()
    await process.settle()
    assert world.database()["status"]["schema"]["preview"]["plan"]["losesTotal"] == 0
    assert world.is_ready()


@pytest.mark.parametrize(
    ("message", "exit_code"),
    [
        pytest.param("", 137, id="killed"),
        pytest.param("{no json", 1, id="no JSON"),
        pytest.param(json.dumps({"version": 1, "x": "y" * 4000}), 1, id="too long"),
        pytest.param("\x1b[31m" * 50, 0, id="control characters"),
        pytest.param(
            json.dumps({"version": 1, "outcome": "Planned", "bundle": "x", "digest": "y", "applied": 0, "total": 3,
                        "ledger": "0" * 16, "seconds": 1.0, "plan": {"digest": "sha256:'; rm -rf /"}}),
            0, id="a forged digest"),
        pytest.param(
            json.dumps({"version": 1, "outcome": "Migrated", "bundle": "x", "digest": "y", "applied": 3, "total": 3,
                        "ledger": "0" * 16, "seconds": 1.0}),
            0, id="says that it migrated"),
    ],
)  # fmt: skip
async def test_a_preview_without_a_plan_harms_nobody(gated: Gated, message: str, exit_code: int) -> None:
    world, _ = gated
    process = await ready(world)
    world.jobs.held = True
    await changed(world, process, version=OLD, preview={"version": NEW})
    (job,) = [each for each in world.api.all(JOB, world.namespace) if not each.get("status")]
    world.jobs.end(job, message=message, exit_code=exit_code)
    await process.settle()
    body = world.database()
    assert condition(body, "Ready")["status"] == "True"
    preview = body["status"]["schema"]["preview"]
    assert "plan" not in preview
    assert job["metadata"]["name"] in preview["message"]
    for text in ("\x1b", "rm -rf"):
        assert text not in json.dumps(body)
    assert len(world.jobs.started) == 2
    assert world.secret("gateway-migrator") is None


async def test_previews_count_among_a_servers_migrations(gated: Gated) -> None:
    world, migrator = gated
    server = world.server()
    world.api.put(server | {"spec": server["spec"] | {"limits": {"concurrentMigrations": 2}}})
    process = await world.start()
    for number in range(5):
        world.add_database(f"db{number}")
    await process.settle()
    most = 0

    async def counting(run: Run) -> Ended:
        nonlocal most
        most = max(most, len(world.jobs.running))
        return await migrator(run)

    world.jobs.migrator = counting
    for number in range(5):
        world.add_database(f"db{number}", migration={"preview": {"version": NEW}})
    await process.settle()
    assert all("plan" in world.database(f"db{number}")["status"]["schema"]["preview"] for number in range(5))
    assert 1 <= most <= 2


# While it runs


async def test_progress_is_told_once_for_each_file(gated: Gated) -> None:
    world, migrator = gated
    migrator.loses = False
    process = await ready(world)
    world.jobs.held = True
    body = await changed(world, process, version=NEW)
    running = dict(body["status"]["schema"]["running"])
    assert running.pop("since")
    assert running == {"migration": "20250103000000_third", "number": 3, "total": 3}
    assert process.due()
    assert max(process.due().values()) <= 10
    before = len(world.api.writes)
    for _ in range(3):
        await process.look_again()
    assert len(world.api.writes) == before, "nothing is written while nothing moves"
    finished = """INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
                  VALUES ('3', 'none', now(), '20250103000000_third', 1)"""
    sql_in(world, finished)
    await process.look_again()
    assert "migration" not in world.database()["status"]["schema"]["running"], "indexes are built"
    assert len(world.api.writes) == before + 1
    world.jobs.held = False
    await process.settle()
    assert "running" not in world.database()["status"]["schema"]
    assert world.is_ready()


# What is not ours to mend


async def test_a_table_of_another_application_beside_a_ready_database(gated: Gated) -> None:
    world, _ = gated
    process = await ready(world)
    jobs = list(world.jobs.started)
    sql_in(world, 'CREATE TABLE public."orders" (id integer)', "INSERT INTO orders VALUES (1)")
    await process.look_again()
    told = condition(world.database(), "Ready")
    assert (told["status"], told["reason"]) == ("False", "ForeignTables")
    assert '"orders"' in told["message"]
    assert "serves on" in told["message"]
    assert world.logs_in()
    sql_in(world, "CREATE SCHEMA elsewhere", "ALTER TABLE orders SET SCHEMA elsewhere")
    await process.look_again()
    assert world.is_ready()
    assert world.jobs.started == jobs


async def test_tables_without_a_ledger_are_left_alone(gated: Gated) -> None:
    world, _ = gated
    process = await ready(world)
    jobs = list(world.jobs.started)
    sql_in(world, "CREATE TABLE kept AS TABLE _prisma_migrations", "ALTER TABLE kept SET SCHEMA litellm_operator",
           "TRUNCATE _prisma_migrations")  # fmt: skip
    await process.look_again()
    told = condition(world.database(), "Ready")
    assert (told["status"], told["reason"]) == ("False", "Unledgered")
    assert "P3005" in told["message"]
    assert world.database()["status"]["schema"]["state"] == "Unledgered"
    sql_in(world, "INSERT INTO _prisma_migrations TABLE litellm_operator.kept")
    await process.look_again()
    assert world.is_ready(), condition(world.database(), "Ready")
    assert world.jobs.started == jobs


# Restored


def copy_of(world: World) -> Callable[[], None]:
    """Copy the database as it is; return what puts the copy in its place, as a restore does."""
    name = world.database()["status"]["connection"]["database"]
    names = {
        "database": sql.Identifier(name),
        "copy": sql.Identifier(f"{name}_copy"),
        "admin": sql.Identifier(world.admin.user),
        "name": sql.Literal(name),
    }

    def run(*statements: LiteralString) -> None:
        with world.postgres.connect() as session:
            for statement in statements:
                session.execute(sql.SQL(statement).format(**names))

    run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {name}",
        "CREATE DATABASE {copy} TEMPLATE {database} OWNER {admin}",
    )
    return lambda: run("DROP DATABASE {database} WITH (FORCE)", "ALTER DATABASE {copy} RENAME TO {database}")


def an_hour_passes(world: World) -> None:
    """Make every Job an hour older: a run whose work is not to be seen is not repeated at once."""
    for place, body in world.api.objects.items():
        if place.plural == JOB.plural:
            body["metadata"]["creationTimestamp"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


async def test_a_database_restored_to_before_the_upgrade_is_upgraded_again(gated: Gated) -> None:
    world, migrator = gated
    migrator.loses = False
    process = await ready(world)
    restore = copy_of(world)
    body = await changed(world, process, version=NEW)
    assert condition(body, "Ready")["status"] == "True"
    restore()
    an_hour_passes(world)
    await process.look_again()
    await process.settle()
    body = world.database()
    assert condition(body, "Ready")["status"] == "True", body["status"]["conditions"]
    assert (body["status"]["schema"]["applied"], body["status"]["schema"]["state"]) == (3, "Current")
    assert world.logs_in()
    assert migrator.runs == ["Migrate Applied"] * 3


async def test_what_was_approved_is_approved_for_the_restored_database_too(gated: Gated) -> None:
    """Equal databases have equal plans: whoever restored did not take the approval back."""
    world, migrator = gated
    process = await ready(world)
    restore = copy_of(world)
    body = await changed(world, process, version=NEW)
    await changed(world, process, version=NEW, approvedPlan=digest_of(body))
    restore()
    an_hour_passes(world)
    await process.look_again()
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    assert migrator.runs.count("Migrate AwaitingApproval") == 1


# Two operators


@pytest.mark.parametrize("seed", range(6))
async def test_two_operators_ask_each_question_once(gated: Gated, seed: int) -> None:
    world, migrator = gated
    await ready(world)
    await world.start()
    first, second = world.processes

    async def both() -> None:
        world.api.latency = Random(seed)  # noqa: S311
        for _ in range(3):
            await asyncio.gather(first.settle(), second.settle())
        world.api.latency = None
        # The slower one may have written last what it saw first: the next check mends that.
        await first.look_again()
        await second.look_again()

    world.add_database(migration={"preview": {"version": NEW}})
    await both()
    body = world.database()
    assert condition(body, "Ready")["status"] == "True"
    digest = digest_of(body, "preview")
    world.add_database(version=NEW)
    await both()
    assert condition(world.database(), "Ready")["reason"] == "AwaitingApproval"
    world.add_database(version=NEW, migration={"approvedPlan": digest})
    await both()
    assert world.is_ready(), condition(world.database(), "Ready")
    assert world.secret("gateway-migrator") is None
    assert len(world.jobs.started) == len(migrator.runs)
