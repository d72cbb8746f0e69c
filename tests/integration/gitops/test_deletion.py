"""An application that is deleted ends, in whatever order a tool goes about it, and made again goes on where it was.

Argo CD deletes one wave after the other, the last one first, and in the foreground; Flux deletes everything at once,
in the background. An operator that is down meanwhile: tests/integration/reconcile/test_leaving.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import permutations
from typing import Final

import pytest

from litellm_database_operator.kube.kinds import DATABASE, JOB, SECRET, SERVER, Body, Kind
from litellm_database_operator.kube.reading import items
from tests.integration.gitops.states import Lab
from tests.integration.reconcile.gated import GatedMigrator
from tests.support.operator_process import OperatorProcess
from tests.support.world import NEW, World, condition

POLICIES: Final = ("Retain", "Delete")
APPLICATION: Final = ((DATABASE, "gateway"), (SERVER, "shared"))


def _databases(world: World) -> list[str]:
    return [each["datname"] for each in world.snapshot()["postgres"]["databases"]]


def _check_what_is_left(world: World, policy: str) -> None:
    """Check that nothing is left, or the database alone, which nobody can enter."""
    found = world.snapshot()["postgres"]
    assert _databases(world) == (["NS_gateway"] if policy == "Retain" else [])
    assert not any(role["rolcanlogin"] for role in found["roles"])
    assert bool(found["roles"]) == (policy == "Retain")


def _delete_in_the_foreground(world: World, kind: Kind, name: str) -> None:
    """Delete as `--cascade=foreground` does: what it owns goes first, while the owner still holds its finalizers."""
    body = world.api.get(kind, world.namespace, name)
    assert body is not None
    world.api.put(_with_finalizers(body, [*body["metadata"].get("finalizers", ()), "foregroundDeletion"]))
    world.api.remove(kind, world.namespace, name)
    for owned, plural in _owned_by(world, body):
        world.api.remove(plural, world.namespace, owned)


def _collect(world: World, kind: Kind, name: str) -> None:
    """Take the garbage collector's finalizer off, once what is owned is gone."""
    body = world.api.get(kind, world.namespace, name)
    if body is not None:
        assert not list(_owned_by(world, body))
        left = [each for each in body["metadata"]["finalizers"] if each != "foregroundDeletion"]
        world.api.put(_with_finalizers(body, left))


def _owned_by(world: World, owner: Body) -> Iterator[tuple[str, Kind]]:
    for kind in (SECRET, JOB):
        for each in world.api.all(kind, world.namespace):
            if owner["metadata"]["uid"] in [one["uid"] for one in items(each["metadata"], "ownerReferences")]:
                yield each["metadata"]["name"], kind


def _with_finalizers(body: Body, finalizers: list[str]) -> Body:
    return body | {"metadata": body["metadata"] | {"finalizers": finalizers}}


def _is_gone(world: World) -> bool:
    return not any(world.api.get(kind, world.namespace, name) for kind, name in APPLICATION)


@pytest.mark.parametrize("policy", POLICIES)
async def test_argo_cd_deletes_wave_after_wave_in_the_foreground(lab: Lab, policy: str) -> None:
    world, process = await lab.ready(deletionPolicy=policy)
    for kind, name in APPLICATION:  # the proxy, in the last wave, is gone already
        _delete_in_the_foreground(world, kind, name)
        await process.settle()
        _collect(world, kind, name)
        assert world.api.get(kind, world.namespace, name) is None
    _check_what_is_left(world, policy)
    assert world.secret() is None


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("order", [*permutations(APPLICATION)], ids=["database first", "server first"])
async def test_flux_deletes_everything_at_once(lab: Lab, policy: str, order: tuple[tuple[Kind, str], ...]) -> None:
    world, process = await lab.ready(deletionPolicy=policy)
    for kind, name in order:
        world.api.remove(kind, world.namespace, name)
    await process.settle()
    assert _is_gone(world)
    _check_what_is_left(world, policy)
    assert world.secret() is None


@pytest.mark.parametrize("policy", POLICIES)
async def test_server_first_and_waited_for(lab: Lab, policy: str) -> None:
    """Waves the wrong way round: the server is held by its database, and says by which."""
    world, process = await lab.ready(deletionPolicy=policy)
    _delete_in_the_foreground(world, SERVER, "shared")
    await process.settle()
    assert condition(world.server(), "Ready")["reason"] == "InUse"
    assert world.logs_in()
    _delete_in_the_foreground(world, DATABASE, "gateway")
    await process.settle()
    for kind, name in APPLICATION:
        _collect(world, kind, name)
    await process.settle()
    assert _is_gone(world)
    _check_what_is_left(world, policy)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "before", [(), APPLICATION[:1], APPLICATION[1:], APPLICATION], ids=lambda them: f"{len(them)} before"
)
async def test_the_namespace_goes_at_once_or_after_the_others(
    lab: Lab, policy: str, before: tuple[tuple[Kind, str], ...]
) -> None:
    """With the server's admin Secret goes the way to drop anything: whoever means Delete takes the namespace last."""
    world, process = await lab.ready(deletionPolicy=policy)
    for kind, name in before:
        world.api.remove(kind, world.namespace, name)
        await process.settle()
    world.api.remove_namespace(world.namespace)
    await process.look_again()
    await process.settle()
    assert not world.api.has_namespace(world.namespace), list(world.api.objects)
    if APPLICATION[0] in before:
        _check_what_is_left(world, policy)
    elif policy == "Retain":
        assert _databases(world) == ["NS_gateway"]


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after it was gone"])
async def test_an_application_made_again_goes_on_where_it_was(lab: Lab, *, waits: bool) -> None:
    """Without `waits` the tool applies again while the deletion is still under way."""
    world, process = await lab.ready()
    before = dict(world.secret() or {})
    _note(world, "kept")
    for kind, name in APPLICATION:
        world.api.remove(kind, world.namespace, name)
        if waits:
            await process.settle()
    if not waits:
        world.add_server()
        world.add_database()
        await process.settle()
        assert _is_gone(world), (
            "what is applied to something that is going goes with it; the tool's next round makes it"
        )
    world.add_server()
    world.add_database()
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    after = dict(world.secret() or {})
    assert after["DATABASE_NAME"] == before["DATABASE_NAME"]
    assert after["DATABASE_PASSWORD"] != before["DATABASE_PASSWORD"]
    assert world.logs_in()
    assert _noted(world) == ["kept"]
    assert len(world.jobs.started) == 1, "the schema was there"


def _note(world: World, text: str) -> None:
    with world.postgres.connect(f"{world.namespace}_gateway") as session:
        session.execute("CREATE SCHEMA kept CREATE TABLE note (text text)")  # public is LiteLLM's alone
        session.execute("INSERT INTO kept.note VALUES (%s)", [text])


def _noted(world: World) -> list[str]:
    with world.postgres.connect(f"{world.namespace}_gateway") as session:
        return [text for (text,) in session.execute("SELECT text FROM kept.note").fetchall()]


# Whatever it was doing


async def _while_migrating(lab: Lab) -> tuple[World, OperatorProcess]:
    world, process = await lab.ready(deletionPolicy="Delete")
    world.jobs.held = True
    world.add_database(version=NEW, deletionPolicy="Delete")
    await process.settle()
    assert condition(world.database(), "Ready")["reason"] == "Migrating"
    return world, process


async def _while_a_plan_waits(lab: Lab) -> tuple[World, OperatorProcess]:
    world, process = await lab.ready(lab.world(migrator=GatedMigrator()), deletionPolicy="Delete")
    world.add_database(version=NEW, deletionPolicy="Delete")
    await process.settle()
    assert condition(world.database(), "Ready")["reason"] == "AwaitingApproval"
    return world, process


async def _while_suspended(lab: Lab) -> tuple[World, OperatorProcess]:
    world, process = await lab.ready(deletionPolicy="Delete")
    world.add_database(suspend=True, deletionPolicy="Delete")
    await process.settle()
    assert condition(world.database(), "Ready")["reason"] == "Suspended"
    return world, process


async def _before_anything_was_made(lab: Lab) -> tuple[World, OperatorProcess]:
    world = lab.world()
    world.add_database(version="9.9.9", deletionPolicy="Delete")
    process = await world.start()
    await process.settle()
    assert condition(world.database(), "Ready")["reason"] == "UnknownVersion"
    return world, process


@pytest.mark.parametrize(
    "arrange", [_while_migrating, _while_a_plan_waits, _while_suspended, _before_anything_was_made]
)
@pytest.mark.parametrize("delete", [_delete_in_the_foreground, None], ids=["foreground", "background"])
async def test_a_deletion_ends_whatever_was_under_way(
    lab: Lab,
    arrange: Callable[[Lab], Awaitable[tuple[World, OperatorProcess]]],
    delete: Callable[[World, Kind, str], None] | None,
) -> None:
    world, process = await arrange(lab)
    if delete:
        delete(world, DATABASE, "gateway")
    else:
        world.delete_database()
    world.api.remove(SERVER, world.namespace, "shared")
    await process.settle()
    if delete:
        _collect(world, DATABASE, "gateway")
        await process.settle()
    assert _is_gone(world)
    assert _databases(world) == []
    assert world.snapshot()["postgres"]["roles"] == []
    assert world.api.all(JOB, world.namespace) == []
