"""Deletions end: of resources, servers, namespaces, with the server up, down or gone; nothing is lost unasked."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from litellm_database_operator.kube.kinds import DATABASE, SECRET, SERVER
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
