"""Deletions end: of resources, servers, namespaces, with the server up, down or gone; nothing is lost unasked."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from litellm_database_operator.kube.kinds import CLAIM, DATABASE, SECRET, SERVER, STATEFUL_SET
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.postgres_server import PostgresServer, PostgresServers
from tests.support.world import World, condition


@pytest.fixture
def own_server(postgres_servers: PostgresServers) -> PostgresServer:
    """Give a server that may be stopped."""
    return postgres_servers.start()


async def _ready(world: World, **spec: Any) -> None:
    world.add_database(**spec)
    await (await world.start()).settle()
    assert world.is_ready(), condition(world.database(), "Ready")


async def _settle(world: World) -> None:
    await world.processes[-1].look_again()
    await world.processes[-1].settle()


def _names(world: World) -> list[str]:
    return [each["datname"] for each in world.snapshot()["postgres"]["databases"]]


async def test_retain_waits_two_minutes_for_a_server_that_is_down(
    make_world: WorldMaker, own_server: PostgresServer
) -> None:
    world = make_world(postgres=own_server, admin=own_server.superuser)
    world.add_server()
    await _ready(world)
    own_server.stop()
    world.delete_database()
    await _settle(world)
    assert world.is_there()
    assert condition(world.database(), "Ready")["reason"] == "ServerUnreachable"
    world.api.backdate_deletion(DATABASE, world.namespace, "gateway", minutes=1.5)
    await _settle(world)
    assert world.is_there()
    world.api.backdate_deletion(DATABASE, world.namespace, "gateway", minutes=2.1)
    await _settle(world)
    assert not world.is_there()
    assert any("left as it is" in event for event in world.events()), world.events()
    own_server.start()
    assert _names(world) == ["NS_gateway"]


async def test_delete_waits_for_a_server_that_is_down_and_drops_when_it_is_back(
    make_world: WorldMaker, own_server: PostgresServer
) -> None:
    world = make_world(postgres=own_server, admin=own_server.superuser)
    world.add_server()
    await _ready(world, deletionPolicy="Delete")
    own_server.stop()
    world.delete_database()
    await _settle(world)
    world.api.backdate_deletion(DATABASE, world.namespace, "gateway", minutes=60)
    await _settle(world)
    assert world.is_there()
    own_server.start()
    await _settle(world)
    assert not world.is_there()
    assert _names(world) == []


async def test_the_abandon_annotation_lets_go_at_once(make_world: WorldMaker, own_server: PostgresServer) -> None:
    world = make_world(postgres=own_server, admin=own_server.superuser)
    world.add_server()
    await _ready(world, deletionPolicy="Delete")
    own_server.stop()
    world.delete_database()
    await _settle(world)
    assert world.is_there()
    world.annotate("gateway", abandon="true")
    await world.processes[-1].settle()
    assert not world.is_there()
    own_server.start()
    assert _names(world) == ["NS_gateway"]


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
@pytest.mark.parametrize("gone", ["its admin Secret", "its PostgresServer"])
async def test_a_deletion_ends_when_the_way_to_the_server_is_gone(world: World, policy: str, gone: str) -> None:
    await _ready(world, deletionPolicy=policy)
    await world.processes[-1].kill()
    if gone == "its admin Secret":
        world.api.remove(SECRET, world.namespace, "admin")
    else:
        world.api.lose(SERVER, world.namespace, "shared")
    world.delete_database()
    await (await world.start()).settle()
    assert not world.is_there()
    assert _names(world) == ["NS_gateway"]
    assert any(event.startswith("Deleting: ") for event in world.events())


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
@pytest.mark.parametrize("state", ["up", "down"])
async def test_a_namespace_goes_with_its_external_server(
    make_world: WorldMaker, own_server: PostgresServer, policy: str, state: str
) -> None:
    world = make_world(postgres=own_server, admin=own_server.superuser)
    world.add_server()
    await _ready(world, deletionPolicy=policy)
    if state == "down":
        own_server.stop()
    world.api.remove_namespace(world.namespace)
    await _settle(world)
    assert not world.api.has_namespace(world.namespace)


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_namespace_goes_with_its_embedded_server(make_world: WorldMaker, policy: str) -> None:
    world = make_world()
    world.add(SERVER.name, "shared", {"embedded": {}, "deletionPolicy": policy})
    world.add_database(deletionPolicy=policy)
    process = await world.start()
    await process.settle()
    assert condition(world.database(), "Ready")["reason"] == "ServerNotReady"
    assert condition(world.server(), "Ready")["reason"] == "Starting"
    world.api.remove_namespace(world.namespace)
    await _settle(world)
    assert not world.api.has_namespace(world.namespace), list(world.api.objects)


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_namespace_goes_and_its_database_on_anothers_server_is_locked_or_dropped(
    make_world: WorldMaker, policy: str
) -> None:
    world = make_world()
    other = f"{world.namespace}-platform"
    world.add_namespace(other)
    body = world.add_server("open", namespace=other)
    world.api.put(body | {"spec": body["spec"] | {"allowedNamespaces": {"from": "All"}}})
    await _ready(world, deletionPolicy=policy, serverRef={"name": "open", "namespace": other})
    world.api.remove_namespace(world.namespace)
    await _settle(world)
    assert not world.api.has_namespace(world.namespace)
    found = world.snapshot()["postgres"]
    assert [each["datname"] for each in found["databases"]] == (["NS_gateway"] if policy == "Retain" else [])
    assert not any(each["rolcanlogin"] for each in found["roles"])
    assert bool(found["roles"]) == (policy == "Retain")


async def test_a_server_in_use_serves_on_takes_nobody_new_and_names_its_users(world: World) -> None:
    await _ready(world)
    process = world.processes[-1]
    world.api.remove(SERVER, world.namespace, "shared")
    await process.settle()
    held = condition(world.server(), "Ready")
    assert held["reason"] == "InUse"
    assert f"{world.namespace}/gateway" in held["message"]
    world.add_database("late")
    await process.settle()
    late = condition(world.database("late"), "Ready")
    assert (late["status"], late["reason"]) == ("Unknown", "ServerNotAvailable")
    assert "being deleted" in late["message"]
    assert _names(world) == ["NS_gateway"]
    secret = dict(world.secret() or {})
    world.add_secret("gateway-db", secret | {"host": "edited"})
    await _settle(world)
    assert world.secret() == secret
    assert world.is_ready()
    for name in ("late", "gateway"):
        world.delete_database(name)
    await process.settle()
    assert not world.is_there()
    assert world.api.get(SERVER, world.namespace, "shared") is None


async def test_sessions_of_the_proxy_do_not_keep_a_database(world: World) -> None:
    await _ready(world, deletionPolicy="Delete")
    uri = (world.secret() or {})["uri"]
    with psycopg.connect(uri, autocommit=True) as session:
        world.delete_database()
        await world.processes[-1].settle()
        assert not world.is_there()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert _names(world) == []


async def test_an_embedded_server_takes_nothing_of_a_stranger_with_it(make_world: WorldMaker) -> None:
    """Somebody's own StatefulSet, claim and Secret bear the names that ours would have."""
    world = make_world()
    strangers = [
        (STATEFUL_SET, "shared-postgres"),
        (CLAIM, "data-shared-postgres-0"),
        (SECRET, "shared-postgres-admin"),
    ]
    for kind, name in strangers:
        meta = {"name": name, "namespace": world.namespace}
        world.api.put({"apiVersion": kind.api_version, "kind": kind.name, "metadata": meta})
    world.add(SERVER.name, "shared", {"embedded": {}, "deletionPolicy": "Delete"})
    process = await world.start()
    await process.settle()
    assert condition(world.server(), "Ready")["reason"] == "ObjectNotOurs"
    world.api.remove(SERVER, world.namespace, "shared")
    await _settle(world)
    assert world.api.get(SERVER, world.namespace, "shared") is None
    assert all(world.api.get(kind, world.namespace, name) for kind, name in strangers)


async def test_who_is_not_let_in_cannot_hold_a_server(make_world: WorldMaker) -> None:
    world = make_world()
    other = f"{world.namespace}-platform"
    world.add_namespace(other)
    world.add_server("closed", namespace=other)
    world.add_database(serverRef={"name": "closed", "namespace": other})
    process = await world.start()
    await process.settle()
    assert condition(world.database(), "Ready")["reason"] == "ServerNotAvailable"
    world.api.remove(SERVER, other, "closed")
    await _settle(world)
    assert world.api.get(SERVER, other, "closed") is None


async def test_a_server_is_held_by_what_lives_on_it_although_the_default_has_moved(make_world: WorldMaker) -> None:
    world = make_world()
    world.add_server()
    process = await world.start(default_server=(world.namespace, "shared"))
    world.add(DATABASE.name, "gateway", {"litellm": {"version": "1.0.1"}})
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")
    await process.kill()
    world.add_server("newer")
    process = await world.start(default_server=(world.namespace, "newer"))
    world.api.remove(SERVER, world.namespace, "shared")
    await _settle(world)
    assert condition(world.server(), "Ready")["reason"] == "InUse"


async def test_a_deletion_tells_nothing_of_a_server_that_does_not_let_in(make_world: WorldMaker) -> None:
    world = make_world()
    other = f"{world.namespace}-platform"
    world.add_namespace(other)
    world.add_server("closed", namespace=other)
    for name, server in (("one", "closed"), ("two", "missing")):
        world.add_database(name, serverRef={"name": server, "namespace": other})
    process = await world.start()
    await process.settle()
    for name in ("one", "two"):
        world.delete_database(name)
    await _settle(world)
    told = {event for event in world.events() if "Deleting" in event or "left" in event}
    assert len({event.replace("one", "NAME").replace("two", "NAME") for event in told}) == 1, told


async def test_suspended_from_the_start_it_begins_when_it_is_resumed(make_world: WorldMaker) -> None:
    world = make_world()
    world.add_server()
    world.add_database(suspend=True)
    process = await world.start()
    await process.settle()
    assert condition(world.database(), "Ready")["reason"] == "Suspended"
    assert "connection" not in world.database()["status"]
    world.add_database(suspend=False)
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")


async def test_two_resources_do_not_share_one_secret(make_world: WorldMaker) -> None:
    world = make_world()
    world.add_server()
    await _ready(world, secret={"name": "shared-db"})
    world.add_database("second", secret={"name": "shared-db"})
    await _settle(world)
    assert condition(world.database("second"), "Ready")["reason"] == "SecretNotOurs"
    assert world.is_ready()
