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


async def test_many_databases_share_one_small_pool(world: World) -> None:
    """Also those that are seen first together: each finds no pool, and all but one must use another's."""
    for number in range(12):
        world.add_database(f"db{number}")
    process = await world.start()
    await process.settle()
    assert all(world.is_ready(f"db{number}") for number in range(12))
    with world.postgres.connect() as session:
        question = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        (sessions,) = session.execute(question, [world.admin.user]).fetchall()[0]
    assert 1 <= sessions <= 4
