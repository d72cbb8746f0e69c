"""From nothing to Ready and no further: what an undisturbed run does and writes."""

from __future__ import annotations

from tests.support.world import World, condition


async def test_a_database_becomes_ready_and_is_left_alone(world: World) -> None:
    world.add_database()
    process = await world.start()
    await process.settle()
    body = world.database()
    assert condition(body, "Ready")["status"] == "True", body["status"]
    assert world.logs_in()
    before = (list(process.seam.names), list(world.api.writes))
    for _ in range(3):
        await process.look_again()
    assert (process.seam.names, world.api.writes) == before
