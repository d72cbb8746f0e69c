"""Labels, annotations and further keys of the published Secret: with the first write, and right again in one look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg

from litellm_database_operator.kube.kinds import SECRET, Body
from litellm_database_operator.kube.secrets import secret_data
from litellm_database_operator.model import names
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.postgres_server import PostgresServers
from tests.support.world import World

ASKED: Final[Mapping[str, Any]] = {
    "labels": {"team": "a"},
    "annotations": {"reloader.stakater.com/match": "true"},
    "keys": {
        "PGPASSWORD": "$(password)",
        "dsn": "host=$(host) port=$(port) dbname=$(database.conninfo) user=$(username.conninfo) password=$(password)",
    },
}
TOUCHED: Final[Body] = {"labels": {"team": "b", "theirs": "t"}, "annotations": {"theirs": "t"}}


async def _look(world: World) -> list[str]:
    """Look once more; return what was written at the API server."""
    before = len(world.api.writes)
    await world.processes[-1].look_again()
    await world.processes[-1].settle()
    assert world.is_ready()
    return [str(each) for each in world.api.writes[before:]]


def _body(world: World, name: str) -> Body:
    found = world.api.get(SECRET, world.namespace, name)
    assert found is not None
    return found


def _touch(world: World, name: str, **metadata: Mapping[str, str]) -> None:
    body = _body(world, name)
    body["metadata"] |= {part: body["metadata"].get(part, {}) | wanted for part, wanted in metadata.items()}
    world.api.put(body)


async def test_nothing_more_is_written_for_what_a_secret_bears(make_world: WorldMaker) -> None:
    written: list[list[str]] = []
    for secret in ({}, ASKED):
        world = make_world()
        world.add_server()
        world.add_database(secret=secret)
        await (await world.start()).settle()
        assert world.is_ready()
        written.append([str(each).replace(world.namespace, "NS") for each in world.api.writes])
    plain, dressed = written
    assert len(dressed) == len(plain)


async def test_a_secret_that_was_touched_is_right_again_and_spec_may_change(
    make_world: WorldMaker, postgres_servers: PostgresServers
) -> None:
    server = postgres_servers.start(tls="offered")
    assert server.ca is not None
    world = make_world(postgres=server, admin=server.superuser)
    world.add_secret("ca", {"ca.crt": server.ca.read_text()})
    world.add_server(tls={"caSecretRef": {"name": "ca"}})
    world.add_database(secret=ASKED)
    await (await world.start()).settle()
    psycopg.connect(dict(world.secret() or {})["dsn"]).close()
    before = {name: _body(world, name) for name in ("gateway-db", "gateway-db-ca")}
    assert await _look(world) == []
    for name in before:
        _touch(world, name, **TOUCHED)
    world.add_secret("gateway-db", {**(world.secret() or {}), "PGPASSWORD": "stolen"})
    assert len(await _look(world)) == 2, "each Secret by one write"
    for name, body in before.items():
        found = _body(world, name)["metadata"]
        assert found["labels"] == body["metadata"]["labels"] | {"theirs": "t"}
        assert found["annotations"] == body["metadata"]["annotations"] | {"theirs": "t"}
        assert secret_data(_body(world, name)) == secret_data(body)
    world.add_database(secret={"keys": {"PGHOST": "$(host)"}})
    await _look(world)
    assert await _look(world) == []
    for name in before:
        found = _body(world, name)["metadata"]
        assert found["labels"].keys() & {"team", "theirs"} == {"theirs"}
        assert set(found["annotations"]) <= {"theirs", names.SYSTEM_IDENTIFIER_ANNOTATION}
    data = dict(world.secret() or {})
    assert data["PGHOST"] == world.postgres.host
    assert not data.keys() & ASKED["keys"].keys()
    assert data["DATABASE_PASSWORD"] == secret_data(before["gateway-db"])["DATABASE_PASSWORD"]
    assert world.logs_in()
