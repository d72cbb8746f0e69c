"""The operator is killed before and after each of its effects; the next one ends where an undisturbed one does.

The migrator is `migrate_at_once`: ledger, views and history are written by plain SQL as the migrator's login.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.reconcile.conftest import WorldMaker
from tests.integration.reconcile.gated import GatedMigrator
from tests.support.fake_jobs import migrate_at_once
from tests.support.operator_process import OperatorProcess, Seam
from tests.support.world import NEW, World, condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What somebody does to a world, after what has been done to it in peace."""

    peace: tuple[Callable[[World], Any], ...]
    """Each is done, and settled, with an operator that nobody kills."""
    act: Callable[[World], Any]
    ready: bool
    """Whether a published Secret must log in at the end."""
    gated: bool = False
    """Whether an upgrade would lose rows, and the migrator asks the gate."""


def _make(world: World) -> None:
    world.add_database(credentials={"connectionLimit": 7})


def _make_to_drop(world: World) -> None:
    world.add_database(deletionPolicy="Delete")


def _break_secret(world: World) -> None:
    data = dict(world.secret() or {})
    world.add_secret("gateway-db", data | {"DATABASE_PASSWORD": "chosen-by-somebody", "DATABASE_HOST": "elsewhere"})


def _rename_secret(world: World) -> None:
    world.add_database(credentials={"connectionLimit": 7}, secret={"name": "other"})


def _upgrade(world: World) -> None:
    world.add_database(version=NEW, credentials={"connectionLimit": 7})


def _preview(world: World) -> None:
    world.add_database(credentials={"connectionLimit": 7}, migration={"preview": {"version": NEW}})


def _approve(world: World) -> None:
    digest = world.database()["status"]["schema"]["plan"]["digest"]
    world.add_database(version=NEW, credentials={"connectionLimit": 7}, migration={"approvedPlan": digest})


def _approve_beforehand(world: World) -> None:
    """One commit: the version that was previewed, and its plan's approval."""
    digest = world.database()["status"]["schema"]["preview"]["plan"]["digest"]
    asked = {"preview": {"version": NEW}, "approvedPlan": digest}
    world.add_database(version=NEW, credentials={"connectionLimit": 7}, migration=asked)


STORIES = {
    "create": Story(peace=(), act=_make, ready=True),
    "heal an edited Secret": Story(peace=(_make,), act=_break_secret, ready=True),
    "rename the Secret": Story(peace=(_make,), act=_rename_secret, ready=True),
    "upgrade": Story(peace=(_make,), act=_upgrade, ready=True),
    "wait for approval": Story(peace=(_make,), act=_upgrade, ready=False, gated=True),
    "approve": Story(peace=(_make, _upgrade), act=_approve, ready=True, gated=True),
    "preview": Story(peace=(_make,), act=_preview, ready=True, gated=True),
    "upgrade as previewed": Story(peace=(_make, _preview), act=_approve_beforehand, ready=True, gated=True),
    "delete with Retain": Story(peace=(_make,), act=World.delete_database, ready=False),
    "delete with Delete": Story(peace=(_make_to_drop,), act=World.delete_database, ready=False),
    "retain, then make again": Story(peace=(_make, World.delete_database), act=_make, ready=True),
}


async def _begin(make_world: WorldMaker, story: Story) -> World:
    world = make_world(migrator=GatedMigrator() if story.gated else migrate_at_once)
    world.add_server()
    process = await world.start()
    for act in story.peace:
        act(world)
        await process.settle()
    await process.settle()
    await process.kill()
    story.act(world)
    return world


async def _run(world: World, seam: Seam) -> OperatorProcess:
    process = await world.start(seam)
    await process.settle()
    if not seam.dead:
        return process
    await process.kill()
    survivor = await world.start()
    await survivor.settle()
    return survivor


async def _check_end(world: World, process: OperatorProcess, story: Story) -> None:
    before = (list(process.seam.names), list(world.api.writes))
    for _ in range(3):
        await process.look_again()
    assert (process.seam.names, world.api.writes) == before, "a further pass wrote something"
    if story.ready:
        body = world.database()
        assert condition(body, "Ready")["status"] == "True", body["status"]["conditions"]
        assert world.logs_in(body["status"]["binding"]["name"])


@pytest.mark.parametrize("name", STORIES)
async def test_killed_at_any_effect_the_next_operator_ends_where_an_undisturbed_one_does(
    make_world: WorldMaker, subtests: pytest.Subtests, name: str
) -> None:
    story = STORIES[name]
    reference = await _begin(make_world, story)
    undisturbed = Seam()
    await _check_end(reference, await _run(reference, undisturbed), story)
    expected = (reference.snapshot(), reference.databases_made(), reference.databases_dropped())
    effects = [effect.replace(reference.namespace, "NS") for effect in undisturbed.names]
    # Before an effect is after the one before it: nothing outlives the process in between.
    for number, killed in [(0, "before"), *((number, "after") for number in range(len(effects)))]:
        with subtests.test(killed=f"{killed} {effects[number]} ({number})"):
            world = await _begin(make_world, story)
            seam = Seam(die_at=number, after=killed == "after")
            await _check_end(world, await _run(world, seam), story)
            # A look that falls between two others may have news to write or not: one run more, another less.
            assert seam.dead or number >= len(seam.names), f"it came to {seam.names} only"
            assert (world.snapshot(), world.databases_made(), world.databases_dropped()) == expected
            await world.end()
