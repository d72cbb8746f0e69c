"""An upgrade of LiteLLM's own schema by the product's own migrator: previewed, approved, and done."""

from __future__ import annotations

from pathlib import Path

import pytest

from litellm_database_operator.kube.kinds import Body
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.fake_jobs import RealMigrator
from tests.support.world import World, condition

OLD, NEW = {"bundle": "0.4.39"}, {"bundle": "0.4.110"}
LOST = 'DROP COLUMN "spec_path" of "LiteLLM_MCPServerTable": rows exist'
GIVE_ROWS = (
    'ALTER TABLE "LiteLLM_MCPServerTable" ADD COLUMN spec_path TEXT',
    """INSERT INTO "LiteLLM_MCPServerTable" (server_id, url, spec_path) VALUES ('s', 'u', 'p')""",
)


@pytest.fixture
async def world(make_world: WorldMaker, real_library: Path) -> World:
    """Give a world with LiteLLM's bundles, where a database is Ready at the older of two."""
    made = make_world(library=real_library, migrator=RealMigrator())
    made.add_server()
    made.add_database(litellm=OLD)
    await (await made.start()).settle()
    assert made.is_ready(), condition(made.database(), "Ready")
    return made


async def changed(world: World, litellm: Body, **migration: object) -> Body:
    """Change one field, and return what comes of it."""
    world.add_database(litellm=litellm, migration=migration)
    await world.processes[-1].settle()
    return world.database()


async def looked_at(world: World) -> Body:
    """Return what the next health check makes of it."""
    await world.processes[-1].look_again()
    await world.processes[-1].settle()
    return world.database()


def run(world: World, *statements: str) -> None:
    """Run statements in the database, as a superuser."""
    with world.postgres.connect(dbname=world.database()["status"]["connection"]["database"]) as session:
        for statement in statements:
            session.execute(statement.encode())


async def test_what_is_lost_is_known_before_and_goes_only_with_an_approval(world: World) -> None:
    run(world, *GIVE_ROWS)
    body = await changed(world, OLD, preview=NEW)
    assert condition(body, "Ready")["status"] == "True"
    preview = body["status"]["schema"]["preview"]
    assert preview["state"] == "Behind"
    assert (preview["plan"]["loses"], preview["plan"]["losesTotal"], preview["plan"]["breaks"]) == ([LOST], 1, True)
    body = await changed(world, NEW)
    told = condition(body, "Ready")
    assert (told["status"], told["reason"]) == ("False", "AwaitingApproval")
    schema = body["status"]["schema"]
    assert schema["plan"] == preview["plan"], "the same database, the same plan"
    assert LOST in told["message"]
    assert (schema["state"], schema["pending"]) == ("Behind", schema["plan"]["pending"])
    body = await changed(world, NEW, approvedPlan=preview["plan"]["digest"])
    assert condition(body, "Ready")["status"] == "True", condition(body, "Ready")
    assert (body["status"]["schema"]["state"], body["status"]["schema"]["pending"]) == ("Current", 0)
    assert len(world.jobs.started) == 4, "the first, the preview, the one that waited, the one that was approved"


async def test_one_commit_carries_version_and_approval(world: World) -> None:
    run(world, *GIVE_ROWS)
    body = await changed(world, OLD, preview=NEW)
    digest = body["status"]["schema"]["preview"]["plan"]["digest"]
    body = await changed(world, NEW, preview=NEW, approvedPlan=digest)
    assert condition(body, "Ready")["status"] == "True", condition(body, "Ready")
    assert len(world.jobs.started) == 3


async def test_manual_asks_for_what_loses_nothing_too(world: World) -> None:
    body = await changed(world, NEW, policy="Manual")
    assert condition(body, "Ready")["reason"] == "AwaitingApproval"
    assert "spec.migration.policy is Manual" in condition(body, "Ready")["message"]
    plan = body["status"]["schema"]["plan"]
    assert "loses" not in plan
    body = await changed(world, NEW, policy="Manual", approvedPlan=plan["digest"])
    assert condition(body, "Ready")["status"] == "True", condition(body, "Ready")


async def test_what_is_not_ours_to_mend_is_named_and_left(world: World) -> None:
    jobs = list(world.jobs.started)
    run(world, "CREATE TABLE orders (id integer)")
    assert condition(await looked_at(world), "Ready")["reason"] == "ForeignTables"
    run(world, "DROP TABLE orders")
    assert condition(await looked_at(world), "Ready")["status"] == "True"
    run(world, "CREATE TABLE litellm_operator.kept AS TABLE _prisma_migrations", "TRUNCATE _prisma_migrations")
    assert condition(await looked_at(world), "Ready")["reason"] == "Unledgered"
    run(world, "INSERT INTO _prisma_migrations TABLE litellm_operator.kept")
    assert condition(await looked_at(world), "Ready")["status"] == "True"
    assert world.jobs.started == jobs, "no Job was asked"


async def test_a_migration_that_another_tool_broke_off(world: World) -> None:
    jobs = len(world.jobs.started)
    run(
        world,
        """INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, applied_steps_count)
           VALUES ('x', 'x', '20990101000000_by_hand', now(), 0)""",
    )
    body = await looked_at(world)
    told = condition(body, "Ready")
    assert (told["status"], told["reason"]) == ("False", "LedgerUnfinished")
    assert "P3009" in told["message"]
    assert body["status"]["schema"]["state"] == "Interrupted"
    assert body["status"]["schema"]["lastRun"]["prismaCode"] == "P3009"
    await looked_at(world)
    assert len(world.jobs.started) == jobs + 1, "one run may resume it; another would say the same"
    run(world, "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = 'x'")
    assert condition(await looked_at(world), "Ready")["status"] == "True"


async def test_a_column_dropped_by_hand_is_found_by_a_retry_and_named(world: World) -> None:
    run(world, 'ALTER TABLE "LiteLLM_TeamTable" DROP COLUMN blocked CASCADE',
        "UPDATE litellm_operator.migration_runs SET started_at = started_at - interval '2 days', "
        "finished_at = finished_at - interval '2 days'")  # fmt: skip
    body = await looked_at(world)
    told = condition(body, "Ready")
    assert (told["status"], told["reason"]) == ("False", "SchemaIncomplete"), told
    assert "LiteLLM_TeamTable.blocked" in told["message"]
    assert body["status"]["schema"]["state"] == "Drifted"
    run(world, 'ALTER TABLE "LiteLLM_TeamTable" ADD COLUMN blocked boolean NOT NULL DEFAULT false')
    world.annotate("gateway", retry="1")
    assert condition(await looked_at(world), "Ready")["status"] == "True", condition(world.database(), "Ready")


async def test_upstreams_engine_goes_the_same_way(world: World) -> None:
    run(world, *GIVE_ROWS)
    body = await changed(world, NEW, engine="PrismaCLI")
    assert condition(body, "Ready")["reason"] == "AwaitingApproval", condition(body, "Ready")
    digest = body["status"]["schema"]["plan"]["digest"]
    body = await changed(world, NEW, engine="PrismaCLI", approvedPlan=digest)
    assert condition(body, "Ready")["status"] == "True", condition(body, "Ready")
    assert body["status"]["schema"]["state"] == "Current"
