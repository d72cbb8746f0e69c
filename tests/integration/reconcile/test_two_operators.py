"""A slow hand-over: two operators work on the same resource, their requests in any order; no harm is done."""

from __future__ import annotations

import asyncio
import json
from random import Random

import pytest

from tests.integration.reconcile.conftest import WorldMaker
from tests.support.world import NEW, World, condition


async def _both(world: World, seed: int) -> None:
    world.api.latency = Random(seed)  # noqa: S311
    first, second = world.processes[-2:]
    for _ in range(3):
        await asyncio.gather(first.settle(), second.settle())
    world.api.latency = None


@pytest.mark.parametrize("seed", range(12))
async def test_two_operators_at_once_end_where_one_does(make_world: WorldMaker, seed: int) -> None:
    alone, world = make_world(), make_world()
    for each in (alone, world):
        each.add_server()
        each.add_database()
    one = await alone.start()
    await one.settle()
    await world.start()
    await world.start()
    await _both(world, seed)
    await _check(world, alone)
    for each in (alone, world):
        each.add_database(version=NEW)
        each.add_secret("gateway-db", dict(each.secret() or {}) | {"DATABASE_PASSWORD": "edited"})
    await one.look_again()
    await one.settle()
    for process in world.processes:
        await process.look_again()
    await _both(world, seed + 100)
    await _check(world, alone)
    for each in (alone, world):
        each.delete_database()
    await one.settle()
    await _both(world, seed + 200)
    assert not world.is_there()
    assert world.snapshot()["postgres"]["databases"] == alone.snapshot()["postgres"]["databases"]
    assert not any(role["rolcanlogin"] for role in world.snapshot()["postgres"]["roles"])


async def _check(world: World, alone: World) -> None:
    for process in world.processes:
        await process.look_again()
        await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    assert world.logs_in()
    found, expected = world.snapshot(), alone.snapshot()
    for each in (found, expected):
        each["postgres"]["NS_gateway"].pop("runs")  # two Jobs may have run, one after the other
    assert found == expected
    assert world.databases_dropped() == 0
    stalled = [told for told in map(json.loads, world.api.told) if condition(told, "Stalled")["status"] == "True"]
    assert not stalled, "nobody has to act because somebody else was faster"
