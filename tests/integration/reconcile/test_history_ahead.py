"""Going back to an older release: the database stays as it is, and its history says whether the older proxy works."""

from __future__ import annotations

from pathlib import Path

from litellm_database_operator.kube.kinds import Body
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.fake_jobs import RealMigrator
from tests.support.world import World, condition

OLDER, ADDS, BREAKS = "0.4.48", "0.4.50", "0.4.53"
"""Bundles: the second adds to the first, the third drops something of it."""
BEFORE, BACKDATED = "0.4.39", "0.4.40"
"""What the second brings is named as if it were older than the first."""


async def _go_to(world: World, bundle: str) -> Body:
    world.add_database(litellm={"bundle": bundle}, migration={"policy": "Auto"})
    process = world.processes[-1] if world.processes else await world.start()
    await process.settle()
    return world.database()


async def test_back_to_an_older_release(make_world: WorldMaker, real_library: Path) -> None:
    world = make_world(library=real_library, migrator=RealMigrator())
    world.add_server()
    for bundle in (OLDER, ADDS):
        assert condition(await _go_to(world, bundle), "Ready")["status"] == "True"
    jobs = len(world.jobs.started)
    found = condition(await _go_to(world, OLDER), "SchemaMigrated")
    assert (found["status"], found["reason"]) == ("True", "AheadAndCompatible"), found
    assert world.is_ready()
    assert condition(await _go_to(world, BREAKS), "Ready")["status"] == "True"
    found = condition(await _go_to(world, OLDER), "Ready")
    assert (found["status"], found["reason"]) == ("False", "AheadOfTarget"), found
    assert world.logs_in(), "it serves on"
    assert len(world.jobs.started) == jobs + 1, "no run was made on the way back"


async def test_what_came_later_under_an_older_name_is_compared_again(
    make_world: WorldMaker, real_library: Path
) -> None:
    """No name tells that the database is ahead, so that the comparison of that day says nothing of today."""
    world = make_world(library=real_library, migrator=RealMigrator())
    world.add_server()
    for bundle in (BEFORE, BACKDATED):
        assert condition(await _go_to(world, bundle), "Ready")["status"] == "True"
    jobs = len(world.jobs.started)
    found = condition(await _go_to(world, BEFORE), "SchemaMigrated")
    assert (found["status"], found["reason"]) == ("True", "Migrated"), found
    assert len(world.jobs.started) == jobs + 1
    assert condition(await _go_to(world, BEFORE), "Ready")["status"] == "True"
    assert len(world.jobs.started) == jobs + 1, "and once is enough"
