"""Names that are somebody else's, databases that are gone, other servers: nothing is taken, nothing made anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from psycopg import sql

from litellm_database_operator.kube.kinds import SECRET
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.postgres_server import PostgresServers
from tests.support.world import World, condition


def _execute(world: World, text: str, *, database: str = "postgres") -> None:
    with world.postgres.connect(database) as session:
        session.execute(text.encode())


async def _refused(world: World, name: str = "gateway") -> tuple[str, str]:
    """Let an operator try, and return reason and message; on the server nothing changed."""
    before = world.snapshot()["postgres"]
    process = world.processes[-1] if world.processes else await world.start()
    await process.look_again()
    await process.settle()
    assert world.snapshot()["postgres"] == before
    body = world.database(name)
    ready, stalled = condition(body, "Ready"), condition(body, "Stalled")
    assert (ready["status"], stalled["status"]) == ("False", "True"), body["status"]["conditions"]
    assert stalled["reason"] == ready["reason"]
    assert not any("gateway" in key for key in process.due()), "a person must act: nothing is tried by itself"
    return ready["reason"], ready["message"]


def _database_of_others(world: World) -> None:
    _execute(world, f'CREATE DATABASE "{world.namespace}_gateway"')


def _role_of_others(world: World) -> None:
    _execute(world, f'CREATE ROLE "{world.namespace}_gateway_app" LOGIN')


def _owner_with_a_comment(world: World) -> None:
    role = f'"{world.namespace}_gateway_owner"'
    _execute(world, f"CREATE ROLE {role}; COMMENT ON ROLE {role} IS 'somebody''s'")


def _secret_of_others(world: World) -> None:
    world.add_secret("gateway-db", {"mine": "yes"})


def _migrator_secret_is_published(world: World) -> None:
    world.add_database(secret={"name": "gateway-migrator"})


def _unknown_version(world: World) -> None:
    world.add_database(version="1.0.9")


def _long_name(world: World) -> None:
    world.add_database(database="ä" * 27)


@pytest.mark.parametrize(
    ("arrange", "reason", "words"),
    [
        pytest.param(_database_of_others, "DatabaseNotOurs", ["choose another spec.database"], id="database"),
        pytest.param(_role_of_others, "RoleNotOurs", ["_gateway_app", "choose another"], id="role"),
        pytest.param(_owner_with_a_comment, "RoleNotOurs", ["_gateway_owner"], id="owner with another comment"),
        pytest.param(_secret_of_others, "SecretNotOurs", ["gateway-db", "spec.secret.name"], id="Secret"),
        pytest.param(_migrator_secret_is_published, "InvalidSpec", ["spec.secret.name"], id="the Job's Secret"),
        pytest.param(_unknown_version, "UnknownVersion", ["1.0.9", "nearest", "1.0.2"], id="version"),
        pytest.param(_long_name, "InvalidSpec", ["spec.database", "53 bytes"], id="54 bytes in 27 characters"),
    ],
)
async def test_what_cannot_be_ours_is_left_alone(
    world: World, arrange: Callable[[World], None], reason: str, words: list[str]
) -> None:
    world.add_database()
    arrange(world)
    theirs = world.api.get(SECRET, world.namespace, "gateway-db")
    said, message = await _refused(world)
    assert said == reason
    assert message.startswith("cannot ")
    assert all(word in message for word in words), message
    assert world.api.get(SECRET, world.namespace, "gateway-db") == theirs


async def test_a_name_that_begins_like_another_namespaces_is_refused(make_world: WorldMaker) -> None:
    world = make_world()
    other = f"{world.namespace}-platform"
    world.add_namespace(other)
    body = world.add_server("open", namespace=other)
    world.api.put(body | {"spec": body["spec"] | {"allowedNamespaces": {"from": "All"}}})
    world.add_database(serverRef={"name": "open", "namespace": other}, database="team-b_gateway")
    reason, message = await _refused(world)
    assert reason == "NameNotAllowed"
    assert f"{world.namespace}_" in message


async def test_two_resources_of_one_name_the_second_is_told_who_was_first(world: World) -> None:
    world.add_database(database=f"{world.namespace}_one")
    process = await world.start()
    await process.settle()
    assert world.is_ready()
    world.add_database("second", database=f"{world.namespace}_one")
    reason, message = await _refused(world, "second")
    assert reason == "DatabaseNotOurs"
    assert f"{world.namespace}/gateway" in message
    assert world.is_ready()


async def _ready(world: World) -> None:
    world.add_database()
    process = await world.start()
    await process.settle()
    assert world.is_ready(), condition(world.database(), "Ready")


async def test_a_database_that_is_gone_is_not_made_again(world: World) -> None:
    await _ready(world)
    _execute(world, f'DROP DATABASE "{world.namespace}_gateway"')
    for memory in ("all", "no status", "no status and no Secret"):
        if memory != "all":
            await world.processes[-1].kill()
            _forget_status(world)
            if memory == "no status and no Secret":
                world.api.remove(SECRET, world.namespace, "gateway-db")
            await world.start()
        reason, message = await _refused(world)
        assert reason == "DatabaseMissing", memory
        assert "Restore it" in message
    assert world.databases_made() == 1


def _forget_status(world: World) -> None:
    body = world.database()
    body["status"] = {}
    world.api.put(body)


async def test_another_server_behind_the_same_host_gets_nothing(
    make_world: WorldMaker, postgres_servers: PostgresServers
) -> None:
    first = postgres_servers.start()
    world = make_world(postgres=first, admin=first.superuser)
    world.add_server()
    await _ready(world)
    secret = world.secret()
    first.stop()
    second = postgres_servers.start(settings={"port": str(first.port)})
    second.port = first.port
    with second.connect() as session:
        password = sql.Literal(first.superuser.password)
        session.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(password))
    second.superuser = first.superuser
    world.postgres = second
    reason, message = await _refused(world)
    assert reason == "ServerChanged"
    assert "Point the PostgresServer back" in message
    assert world.secret() == secret
