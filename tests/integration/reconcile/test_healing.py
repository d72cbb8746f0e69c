"""What is deleted or edited by hand comes back within one look, and nobody chooses the password by editing."""

from __future__ import annotations

import psycopg
import pytest

from litellm_database_operator.kube.kinds import SECRET
from litellm_database_operator.model.names import DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.secret import Binding, Endpoint, Password
from tests.support.world import World, condition

KEYS = sorted(
    Binding(
        endpoint=Endpoint(host="h", port=1, tls="disable"),
        database=DatabaseName("d"),
        schema=SchemaName("s"),
        login=RoleName("l"),
        password=Password("p"),
    ).published()
)


@pytest.fixture
async def ready(world: World) -> World:
    world.add_database()
    await (await world.start()).settle()
    assert world.is_ready()
    return world


async def _heal(world: World) -> None:
    await world.processes[-1].look_again()
    await world.processes[-1].settle()


async def test_each_key_that_was_edited_or_taken_comes_back(ready: World) -> None:
    before = dict(ready.secret() or {})
    for key in KEYS:
        for edited in (before | {key: "other"}, {name: text for name, text in before.items() if name != key}):
            ready.add_secret("gateway-db", edited)
            await _heal(ready)
            healed = dict(ready.secret() or {})
            assert healed.keys() == before.keys(), key
            assert "other" not in healed.values(), key
            assert ready.is_ready()
            assert ready.logs_in(), key
            before = healed


async def test_a_key_that_was_added_goes(ready: World) -> None:
    before = dict(ready.secret() or {})
    ready.add_secret("gateway-db", before | {"more": "x"})
    await _heal(ready)
    assert ready.secret() == before


async def test_a_deleted_secret_comes_back_with_a_password_that_works(ready: World) -> None:
    before = dict(ready.secret() or {})
    ready.api.remove(SECRET, ready.namespace, "gateway-db")
    await _heal(ready)
    healed = dict(ready.secret() or {})
    assert ready.logs_in()
    assert healed["password"] != before["password"]
    assert {**healed, **_secret_parts(before)} == before


def _secret_parts(data: dict[str, str]) -> dict[str, str]:
    return {key: data[key] for key in ("password", "DATABASE_PASSWORD", "uri", "DATABASE_URL")}


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE {db}_app_a NOLOGIN",
        "ALTER ROLE {db}_app_a PASSWORD 'stolen'",
        "ALTER ROLE {db}_app_a CONNECTION LIMIT 1",
        "ALTER ROLE {db}_migrator LOGIN PASSWORD 'stolen'",
        "ALTER ROLE {db}_migrator RESET role",
        "ALTER ROLE {db}_owner LOGIN",
        "REVOKE {db}_app FROM {db}_app_a",
        "DROP ROLE {db}_app_b",
        "ALTER ROLE {db}_app_a CREATEDB CREATEROLE",
        "GRANT CONNECT, TEMPORARY ON DATABASE {db} TO PUBLIC",
        "REVOKE CONNECT ON DATABASE {db} FROM {db}_app",
        "COMMENT ON ROLE {db}_owner IS NULL",
    ],
)
async def test_what_an_administrator_changed_on_the_server(ready: World, statement: str) -> None:
    before = ready.snapshot()
    with ready.postgres.connect("postgres") as session:
        session.execute(statement.format(db=f"{ready.namespace}_gateway").encode())
    await _heal(ready)
    if statement.startswith("COMMENT"):  # its mark is gone: it is nobody's to mend
        assert condition(ready.database(), "Ready")["reason"] == "RoleNotOurs"
        return
    assert ready.is_ready(), condition(ready.database(), "Ready")
    assert ready.logs_in()
    assert ready.snapshot() == before


async def test_connections_that_are_all_in_use_do_not_cost_the_password(world: World) -> None:
    world.add_database(credentials={"connectionLimit": 1})
    process = await world.start()
    await process.settle()
    before = world.secret()
    login = before["uri"] if before else ""
    sessions = [psycopg.connect(login) for _ in range(3)]
    try:
        await process.look_again()
        body = world.database()
        assert (condition(body, "Healthy")["status"], condition(body, "Healthy")["reason"]) == ("False", "ServerBusy")
        assert "connectionLimit" in condition(body, "Healthy")["message"]
        assert world.is_ready()
    finally:
        for session in sessions:
            session.close()
    await _until_gone(world)
    await process.look_again()
    assert condition(world.database(), "Healthy")["status"] == "True"
    assert world.secret() == before


async def _until_gone(world: World) -> None:
    question = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, %s)"
    with world.postgres.connect() as session:
        while session.execute(question, [f"{world.namespace}_"]).fetchone() != (0,):
            pass
