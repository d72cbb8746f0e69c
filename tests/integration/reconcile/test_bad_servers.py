"""A server that cannot be used: each way has its reason, says what to do next, and leaves the server as it was."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from litellm_database_operator.kube.kinds import SECRET
from tests.integration.reconcile.conftest import WorldMaker
from tests.support import hostile_server as hostile
from tests.support.authority import Authority
from tests.support.operator_process import OperatorProcess
from tests.support.postgres_server import Login, PostgresServers
from tests.support.world import World, condition


async def _told(world: World, *, name: str = "gateway") -> tuple[str, str, str]:
    """Let an operator try, and return Reconciling or Stalled, the reason and the message; nothing was made."""
    before = world.snapshot()["postgres"]
    process = world.processes[-1] if world.processes else await world.start()
    await process.settle(until=lambda: bool(condition(world.database(name), "Ready")["reason"]))
    assert world.snapshot()["postgres"] == before
    assert world.secret(f"{name}-db") is None
    return _said(world, name)


def _said(world: World, name: str = "gateway") -> tuple[str, str, str]:
    body = world.database(name)
    ready = condition(body, "Ready")
    (works,) = [kind for kind in ("Reconciling", "Stalled") if condition(body, kind)["status"] == "True"]
    assert ready["status"] == ("False" if works == "Stalled" else "Unknown")
    for kind in (works, "Ready"):
        assert condition(body, kind)["reason"] == ready["reason"]
        assert condition(body, kind)["observedGeneration"] == body["metadata"]["generation"]
    assert ready["message"].startswith(("cannot ", "waiting "))
    assert any(ready["reason"] in event for event in world.events())
    return works, ready["reason"], ready["message"]


def _no_secret(world: World) -> None:
    world.add_server()
    world.api.remove(SECRET, world.namespace, "admin")


def _no_key(world: World) -> None:
    world.add_server()
    world.add_secret("admin", {"user": "me", "password": world.admin.password})


def _wrong_password(world: World) -> None:
    world.add_server()
    world.add_secret("admin", {"username": world.admin.user, "password": "not-the-password"})


def _right_password(world: World) -> None:
    world.add_secret("admin", {"username": world.admin.user, "password": world.admin.password})


def _give_secret(world: World) -> None:
    world.add_server()


def _unknown_host(world: World) -> None:
    world.add_server(host="nowhere.invalid")


def _tls_not_offered(world: World) -> None:
    world.add_server(tls={"mode": "require"})


def _no_ca(world: World) -> None:
    world.add_server(tls={"caSecretRef": {"name": "ca"}})


def _no_database(world: World) -> None:
    world.add_server(database="not_there")


@pytest.mark.parametrize(
    ("arrange", "works", "reason", "words"),
    [
        pytest.param(_no_secret, "Reconciling", "AdminSecretMissing", ["admin", "does not exist"], id="no Secret"),
        pytest.param(_no_key, "Reconciling", "AdminSecretIncomplete", ["no key username"], id="no key"),
        pytest.param(_wrong_password, "Reconciling", "AdminLoginRefused", ["P1000"], id="wrong password"),
        pytest.param(_unknown_host, "Reconciling", "ServerUnreachable", ["P1001", "nowhere.invalid"], id="no host"),
        pytest.param(_tls_not_offered, "Stalled", "TLSFailed", ["tls.mode"], id="TLS not offered"),
        pytest.param(_no_ca, "Reconciling", "AdminSecretIncomplete", ["/ca ", "ca.crt"], id="no CA Secret"),
        pytest.param(_no_database, "Reconciling", "ServerUnreachable", ["P1003"], id="no maintenance database"),
    ],
)
async def test_a_server_that_does_not_let_us_in(
    make_world: WorldMaker, arrange: Callable[[World], None], works: str, reason: str, words: list[str]
) -> None:
    world = make_world()
    arrange(world)
    world.add_database()
    *said, message = await _told(world)
    assert said == [works, reason]
    assert all(word in message for word in words), message
    assert condition(world.server(), "Ready")["reason"] == reason


@pytest.mark.parametrize(
    ("mend", "arrange"),
    [
        pytest.param(_no_secret, _give_secret, id="Secret comes"),
        pytest.param(
            _wrong_password,
            _right_password,
            id="password is corrected",
        ),
    ],
)
async def test_what_is_mended_is_found_without_being_told(
    make_world: WorldMaker, mend: Callable[[World], None], arrange: Callable[[World], object]
) -> None:
    world = make_world()
    mend(world)
    world.add_database()
    await _told(world)
    assert world.processes[-1].due(), "a passing fault is tried again by itself"
    arrange(world)
    await world.processes[-1].settle()
    assert world.is_ready(), condition(world.database(), "Ready")


async def test_a_server_that_is_missing_and_one_that_is_not_allowed_are_told_alike(make_world: WorldMaker) -> None:
    world = make_world()
    other = f"{world.namespace}-platform"
    world.add_namespace(other)
    world.add_server("closed", namespace=other)
    said: list[list[str]] = []
    for name in ("closed", "absent"):
        world.add_database(name, serverRef={"name": name, "namespace": other})
        said.append([part.replace(name, "SERVER") for part in await _told(world, name=name)])
    assert said[0] == said[1]
    assert said[0][:2] == ["Reconciling", "ServerNotAvailable"]
    assert "spec.allowedNamespaces" in said[0][2]


async def test_another_namespace_reads_neither_host_nor_secret_of_a_server(make_world: WorldMaker) -> None:
    world = make_world()
    other = f"{world.namespace}-platform"
    world.add_namespace(other)
    body = world.add_server("open", namespace=other, host="nowhere.invalid")
    world.api.put(body | {"spec": body["spec"] | {"allowedNamespaces": {"from": "All"}}})
    world.add_database(serverRef={"name": "open", "namespace": other})
    _, reason, message = await _told(world)
    assert reason == "ServerUnreachable"
    assert "nowhere.invalid" not in message
    assert f"{other}/open" in message


async def test_a_wrong_port_is_named(make_world: WorldMaker, unused_tcp_port: int) -> None:
    world = make_world()
    world.add_server(port=unused_tcp_port)
    world.add_database()
    works, reason, message = await _told(world)
    assert (works, reason) == ("Reconciling", "ServerUnreachable")
    assert "P1001" in message
    assert str(unused_tcp_port) in message


@pytest.mark.parametrize(
    ("conversation", "works", "reason"),
    [
        pytest.param(hostile.ask_for_clear_text, "Stalled", "AuthenticationTooWeak", id="clear password"),
        pytest.param(hostile.ask_for_md5, "Stalled", "AuthenticationTooWeak", id="md5"),
        pytest.param(hostile.never_answer, "Reconciling", "ServerUnreachable", id="silence"),
    ],
)
async def test_a_host_that_only_pretends_gets_no_password(
    make_world: WorldMaker, conversation: hostile.Conversation, works: str, reason: str
) -> None:
    world = make_world()
    async with hostile.hostile_server(conversation) as host:
        world.add_server(port=host.port)
        world.add_database()
        assert (await _told(world))[:2] == (works, reason)
        await world.end()
    assert world.admin.password.encode() not in host.heard


async def test_a_certificate_of_another_authority_is_refused(
    make_world: WorldMaker, postgres_servers: PostgresServers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = postgres_servers.start(tls="offered")
    world = make_world(postgres=server, admin=server.superuser)
    foreign = Authority(tmp_path_factory.mktemp("foreign") / "authority")
    world.add_secret("ca", {"ca.crt": foreign.cert.read_text()})
    world.add_server(tls={"caSecretRef": {"name": "ca"}})
    world.add_database()
    works, reason, message = await _told(world)
    assert (works, reason) == ("Stalled", "TLSFailed")
    assert "CA" in message
    assert server.ca is not None
    world.add_secret("ca", {"ca.crt": server.ca.read_text()})
    process: OperatorProcess = world.processes[-1]
    await process.look_again()
    await process.settle()
    assert condition(world.server(), "Ready")["status"] == "True"
    # the Job has no CA of its own here: migrate_at_once does not verify
    assert world.is_ready(), condition(world.database(), "Ready")
    assert world.secret("gateway-db-ca") == {"ca.crt": server.ca.read_text()}


@pytest.mark.parametrize("lacking", ["CREATEROLE", "CREATEDB"])
async def test_an_admin_that_lacks_a_privilege_is_told_which(
    make_world: WorldMaker, logged_admin: Login, lacking: str
) -> None:
    world = make_world()
    with world.postgres.connect() as session:
        lose: sql.SQL = {"CREATEROLE": sql.SQL("NOCREATEROLE"), "CREATEDB": sql.SQL("NOCREATEDB")}[lacking]
        session.execute(sql.SQL("ALTER ROLE {} ").format(sql.Identifier(logged_admin.user)) + lose)
    world.add_server()
    world.add_database()
    works, reason, message = await _told(world)
    assert (works, reason) == ("Stalled", "AdminLacksPrivileges")
    assert f"lacks {lacking}" in message
    assert "ALTER ROLE" in message


async def test_a_server_that_is_read_only_is_waited_for(
    make_world: WorldMaker, postgres_servers: PostgresServers
) -> None:
    server = postgres_servers.start()
    world = make_world(postgres=server, admin=server.superuser)
    world.add_server()
    world.add_database()
    await (await world.start()).settle()
    assert world.is_ready()
    standby = server.socket_folder / "data/standby.signal"
    standby.touch()
    server.restart()
    world.add_database("other")
    await world.processes[-1].settle()
    works, reason, _ = _said(world, "other")
    assert (works, reason) == ("Reconciling", "ServerReadOnly")
    with server.connect() as session, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        session.execute("CREATE ROLE nobody_made_this")
    standby.unlink()
    server.restart()
