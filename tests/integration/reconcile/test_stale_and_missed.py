"""Old bodies, events that never come, namesakes: nothing follows from an edge alone."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_database_operator.control.sweep import sweep
from litellm_database_operator.kube.kinds import DATABASE, SECRET, Body
from tests.support.operator_process import OperatorProcess
from tests.support.world import NEW, OLD, World, condition


async def _ready(world: World, **spec: Any) -> OperatorProcess:
    world.add_database(**spec)
    process = await world.start()
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    return process


async def test_an_old_body_is_no_news(world: World) -> None:
    process = await _ready(world)
    old = world.database()
    world.add_database(version=NEW)
    await process.settle()
    before = (list(world.api.writes), world.snapshot())
    process.operator.control.saw(old)
    await process.settle()
    assert (world.api.writes, world.snapshot()) == before
    assert world.database()["status"]["schema"]["litellm"] == NEW


async def test_a_new_process_that_is_first_shown_an_old_spec_does_no_harm(world: World) -> None:
    process = await _ready(world)
    old = world.database()
    world.add_database(version=NEW)
    await process.settle()
    before = world.snapshot()
    await process.kill()
    survivor = await world.start()
    control = survivor.operator.control
    control.known.forget(next(iter(control.known.keys(DATABASE))))
    control.saw(old)
    await survivor.settle()
    assert world.snapshot() == before
    control.saw(world.database() | {"apiVersion": DATABASE.api_version})
    await survivor.sweep()
    assert world.is_ready(), condition(world.database(), "Ready")
    assert world.snapshot() == before


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_deletion_that_is_replayed_does_not_touch_the_namesake(world: World, policy: str) -> None:
    process = await _ready(world, deletionPolicy=policy)
    going: list[Body] = []
    world.api.watchers.append(lambda event, plural, body: _note(going, event, plural, body))
    world.delete_database()
    await process.settle()
    assert not world.is_there()
    world.add_database(deletionPolicy=policy)
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    before = world.snapshot()
    await process.kill()
    survivor = await world.start()
    control = survivor.operator.control
    for body in going:
        control.known.forget(next(iter(control.known.keys(DATABASE)), control.known.keys(DATABASE)[0]))
        control.saw(body | {"apiVersion": DATABASE.api_version})
        await survivor.settle()
        assert world.snapshot() == before
        assert world.logs_in()
        await survivor.sweep()
    assert world.is_ready()


def _note(going: list[Body], event: str, plural: str, body: Body) -> None:
    if plural == DATABASE.plural and event == "MODIFIED" and body["metadata"].get("deletionTimestamp"):
        going.append(body)


async def test_missed_events_are_made_good_by_the_resync(world: World) -> None:
    process = await world.start()
    await process.settle()
    process.deaf = True
    world.add_database()
    await process.sweep()
    assert world.is_ready()
    world.add_database(version=NEW)
    await process.sweep()
    assert world.database()["status"]["schema"]["litellm"] == NEW
    assert world.is_ready()
    world.delete_database()
    await process.sweep()
    assert not world.is_there()
    world.add_database(version=NEW)
    await process.sweep()
    assert world.is_ready(), condition(world.database(), "Ready")
    world.api.lose(DATABASE, world.namespace, "gateway")
    await sweep(process.operator.control, process.operator.resources, DATABASE, (None,))
    assert not process.operator.control.known.keys(DATABASE)


async def test_a_namesake_made_within_a_second_need_not_wait_for_the_next_check(world: World) -> None:
    process = await _ready(world)
    world.api.collects_garbage = False
    world.delete_database()
    await process.settle()
    assert not world.is_there()
    assert world.secret() is not None, "the garbage collector has yet to come"
    world.add_database()
    await process.settle()
    due = [seconds for name, seconds in process.due().items() if "gateway" in name]
    assert due, f"nothing will wake it: {condition(world.database(), 'Ready')}"
    assert due[0] < 15
    assert condition(world.database(), "Stalled")["status"] == "False"
    world.api.collect_garbage()
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    assert world.logs_in()


async def test_a_namesake_made_while_the_job_of_the_old_one_ran(world: World) -> None:
    world.jobs.held = True
    world.add_database()
    process = await world.start()
    await process.settle()
    world.api.collects_garbage = False
    world.delete_database()
    await process.settle()
    assert not world.is_there()
    world.add_database()
    world.jobs.held = False
    await process.settle()
    world.api.collect_garbage()
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    assert world.api.get(SECRET, world.namespace, "gateway-migrator") is None
    assert world.database()["status"]["schema"]["litellm"] == OLD


async def test_the_api_server_is_away_for_a_while(world: World) -> None:
    process = await _ready(world)
    world.add_database(version=NEW)
    world.api.down = True
    await process.settle()
    assert process.due()
    world.api.down = False
    await process.settle()
    assert world.is_ready()
    assert world.database()["status"]["schema"]["litellm"] == NEW
