"""What a server, or what pretends to be one, can do to the operator: each has a reason, and none costs a password."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from litellm_database_operator.errors import MustActError, OperatorError, UnavailableError
from litellm_database_operator.model.names import DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.observed import LoginState
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.secret import Endpoint, Password
from litellm_database_operator.postgres.connection import PATIENT, Deadlines
from litellm_database_operator.postgres.inside import look_inside
from litellm_database_operator.postgres.server import AdminLogin, Server
from tests.support import hostile_server as hostile
from tests.support.postgres_server import Login, PostgresServer, PostgresServers

PASSWORD = "correct-horse-battery-staple"


@asynccontextmanager
async def gateway(  # noqa: PLR0913
    *,
    host: str = "127.0.0.1",
    port: int,
    user: str = "postgres",
    password: str = PASSWORD,
    tls: str = "disable",
    ca: str | None = None,
    database: str = "postgres",
    concurrency: int = 4,
    deadlines: Deadlines = PATIENT,
) -> AsyncGenerator[Server]:
    made = Server(
        AdminLogin(
            endpoint=Endpoint(host=host, port=port, tls=tls),
            database=database,
            username=RoleName(user),
            password=Password(password),
            ca=ca,
        ),
        concurrency=concurrency,
        deadlines=deadlines,
    )
    try:
        yield made
    finally:
        await made.close()


async def failure(made: Server) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        await made.fetch_facts()
    error = caught.value
    assert error.message.startswith("cannot ")
    assert PASSWORD not in repr([error, error.__cause__, error.__context__, getattr(error.__cause__, "pgconn", None)])
    return error


IMPATIENT = Deadlines(connect=2, call=1, idle=0.05)


@pytest.mark.parametrize(
    "conversation",
    [hostile.ask_for_clear_text, hostile.ask_for_md5, hostile.ask_for_nothing],
    ids=["clear text", "md5", "trust"],
)
async def test_a_host_that_asks_for_less_than_scram_gets_nothing(conversation: hostile.Conversation) -> None:
    async with hostile.hostile_server(conversation) as server, gateway(port=server.port) as made:
        error = await failure(made)
        assert isinstance(error, MustActError)
        assert error.reason is Reason.AUTHENTICATION_TOO_WEAK
        assert PASSWORD.encode() not in server.heard


async def test_a_host_that_never_answers_is_tried_once_for_all_who_wait() -> None:
    async with (
        hostile.hostile_server(hostile.never_answer) as server,
        gateway(port=server.port, deadlines=IMPATIENT) as made,
    ):
        errors = await asyncio.gather(*(failure(made) for _ in range(20)))
        assert server.connections == 1
    assert {error.reason for error in errors} == {Reason.SERVER_UNREACHABLE}
    assert "P1001" in errors[0].message


async def test_foreign_text_is_short_and_clean() -> None:
    async with hostile.hostile_server(hostile.refuse_with_texts) as server, gateway(port=server.port) as made:
        error = await failure(made)
    assert len(error.message) < 500
    assert error.message.isprintable()
    assert "row values" not in error.message


async def test_nobody_listens(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start(16)
    server.stop()
    async with gateway(port=server.port) as made:
        error = await failure(made)
    assert (type(error), error.reason) == (UnavailableError, Reason.SERVER_UNREACHABLE)
    assert "P1001" in error.message


async def test_a_host_without_an_address() -> None:
    async with gateway(host="nowhere.invalid", port=5432) as made:
        error = await failure(made)
    assert error.reason is Reason.SERVER_UNREACHABLE
    assert "P1001" in error.message


@pytest.mark.parametrize("host", ["one,two", "/socket", "@abstract", "a" * 300, "ä..x"])
async def test_what_is_no_single_host_is_never_connected_to(host: str) -> None:
    async with gateway(host=host, port=5432) as made:
        error = await failure(made)
    assert error.reason in {Reason.HOST_NOT_ALLOWED, Reason.SERVER_UNREACHABLE}


def admin_of(server: PostgresServer) -> dict[str, Any]:
    return {"port": server.port, "password": server.superuser.password}


async def test_wrong_passwords_databases_and_logins(postgres: PostgresServer, managed_admin: Login) -> None:
    async with gateway(port=postgres.port) as made:
        error = await failure(made)
    assert (type(error), error.reason) == (UnavailableError, Reason.ADMIN_LOGIN_REFUSED)
    assert "P1000" in error.message
    async with gateway(**admin_of(postgres), database="no such") as made:
        assert "P1003" in (await failure(made)).message
    with postgres.connect() as superuser:
        superuser.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 0").format(sql.Identifier(managed_admin.user)))
    async with gateway(port=postgres.port, user=managed_admin.user, password=managed_admin.password) as made:
        assert (await failure(made)).reason is Reason.SERVER_BUSY


async def test_tls(postgres_servers: PostgresServers, postgres: PostgresServer, tmp_path: Path) -> None:
    server = postgres_servers.start(16, tls="required")
    assert server.ca is not None
    right, wrong = server.ca.read_text(), (type(postgres_servers.authority)(tmp_path / "other")).cert.read_text()
    for tls, ca in (("require", None), ("require", right), ("verify-full", right)):
        async with gateway(**admin_of(server), tls=tls, ca=ca) as made:
            assert (await made.fetch_facts()).major == 16
    async with gateway(**admin_of(server), tls="verify-full", ca=right, host="localhost") as made:
        await made.fetch_facts()
    refused: list[dict[str, Any]] = [
        {**admin_of(server), "tls": "verify-full", "ca": wrong},
        {**admin_of(server), "tls": "verify-full"},
        {**admin_of(server), "tls": "verify-full", "ca": "no certificate"},
        {**admin_of(server), "tls": "disable"},
        {**admin_of(postgres), "tls": "require"},
        {**admin_of(postgres), "tls": "verify-full", "ca": right},
    ]
    for arguments in refused:
        async with gateway(**arguments) as made:
            error = await failure(made)
        assert (type(error), error.reason) == (MustActError, Reason.TLS_FAILED), arguments


async def test_a_session_is_used_again(postgres_servers: PostgresServers, postgres: PostgresServer) -> None:
    encrypted = postgres_servers.start(16, tls="required")
    for server, tls in ((postgres, "disable"), (encrypted, "require")):
        async with gateway(**admin_of(server), tls=tls) as made:
            await made.fetch_facts()
            before = backends_of_the_operator(server)
            await made.fetch_facts()
            assert backends_of_the_operator(server) == before


async def test_a_session_that_failed_is_not_used_again(postgres: PostgresServer) -> None:
    async with gateway(**admin_of(postgres)) as made:
        await made.fetch_facts()
        before = backends_of_the_operator(postgres)
        with pytest.raises(UnavailableError):
            await made.create_database(DatabaseName("postgres"))
        await made.fetch_facts()
        assert backends_of_the_operator(postgres) != before


async def test_a_certificate_for_another_name(
    postgres_servers: PostgresServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = partial(postgres_servers.authority.sign, names="DNS:elsewhere.example")
    monkeypatch.setattr(postgres_servers.authority, "sign", elsewhere)
    server = postgres_servers.start(16, tls="offered")
    assert server.ca is not None
    async with gateway(**admin_of(server), tls="verify-full", ca=server.ca.read_text()) as made:
        assert (await failure(made)).reason is Reason.TLS_FAILED


async def test_a_server_that_falls_silent_in_the_middle(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start(16)
    async with gateway(**admin_of(server), deadlines=Deadlines(call=1)) as made:
        await made.fetch_facts()
        with server.connect() as superuser:
            (backend,) = superuser.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'litellm-database-operator'"
            ).fetchone() or (0,)
        with stopped(backend):
            began = time.monotonic()
            error = await failure(made)
            assert time.monotonic() - began < 2
        assert error.reason is Reason.SERVER_UNREACHABLE
        assert "P1001" in error.message
        await made.fetch_facts()


async def test_a_silent_server_answers_again(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start(16)
    async with gateway(**admin_of(server), deadlines=IMPATIENT) as made:
        with server.silent():
            assert (await failure(made)).reason is Reason.SERVER_UNREACHABLE
        await made.fetch_facts()


async def test_a_restart_between_two_calls_goes_unnoticed(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start(16)
    async with gateway(**admin_of(server)) as made:
        await made.fetch_facts()
        server.restart()
        await made.fetch_facts()


async def test_a_session_that_is_killed_is_replaced(postgres: PostgresServer) -> None:
    async with gateway(**admin_of(postgres)) as made:
        calls = [asyncio.create_task(made.fetch_facts()) for _ in range(4)]
        await asyncio.gather(*calls)
        assert end_sessions_of_the_operator(postgres) > 0
        await made.fetch_facts()


async def test_idle_sessions_end(postgres: PostgresServer) -> None:
    async with gateway(**admin_of(postgres), deadlines=IMPATIENT) as made:
        await made.fetch_facts()
        await until(lambda: sessions_of_the_operator(postgres) == 0)


async def test_no_more_sessions_than_allowed(postgres: PostgresServer) -> None:
    async with gateway(**admin_of(postgres), concurrency=2) as made:
        await asyncio.gather(*(made.fetch_facts() for _ in range(20)))
        assert 0 < sessions_of_the_operator(postgres) <= 2
    await until(lambda: sessions_of_the_operator(postgres) == 0)


async def test_a_cancelled_call_leaves_no_session(postgres: PostgresServer) -> None:
    async with gateway(**admin_of(postgres), concurrency=1) as made:
        await made.fetch_facts()
        with postgres.connect() as holder:
            holder.autocommit = False
            holder.execute("LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(made.fetch_catalog(DatabaseName("x")), timeout=0.3)
        await made.fetch_facts()
        await until(lambda: sessions_of_the_operator(postgres) == 1)


async def test_a_read_only_server(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start(16, settings={"default_transaction_read_only": "on"})
    async with gateway(**admin_of(server)) as made:
        # the startup packet overrides it, as only a standby's answer counts
        await made.create_database(DatabaseName("made"))


async def test_what_the_admin_role_was_set_to_does_not_reach_its_sessions(
    postgres: PostgresServer, managed_admin: Login
) -> None:
    with postgres.connect() as superuser:
        for setting in ("search_path = public", "statement_timeout = 1", "default_transaction_read_only = on"):
            superuser.execute(sql.SQL("ALTER ROLE {} SET " + setting).format(sql.Identifier(managed_admin.user)))
    async with gateway(port=postgres.port, user=managed_admin.user, password=managed_admin.password) as made:
        facts = await made.fetch_facts()
        await made.create_database(DatabaseName(f"{managed_admin.user}_x"))
    assert (facts.superuser, facts.missing_privileges) == (False, ())


async def test_what_an_admin_lacks_is_named(postgres: PostgresServer, managed_admin: Login) -> None:
    with postgres.connect() as superuser:
        superuser.execute(sql.SQL("ALTER ROLE {} NOCREATEDB NOCREATEROLE").format(sql.Identifier(managed_admin.user)))
    async with gateway(port=postgres.port, user=managed_admin.user, password=managed_admin.password) as made:
        assert (await made.fetch_facts()).missing_privileges == ("CREATEDB", "CREATEROLE")
        with pytest.raises(MustActError) as caught:
            await made.create_database(DatabaseName(f"{managed_admin.user}_x"))
    assert caught.value.reason is Reason.ADMIN_LACKS_PRIVILEGES


async def test_a_grant_that_only_warns_is_an_error(postgres: PostgresServer, managed_admin: Login) -> None:
    name = DatabaseName(f"{managed_admin.user}_foreign")
    with postgres.connect() as superuser:
        superuser.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    async with gateway(port=postgres.port, user=managed_admin.user, password=managed_admin.password) as made:
        with pytest.raises(MustActError, match="only warned") as caught:
            await made.restrict_database(name)
    assert caught.value.reason is Reason.ADMIN_LACKS_PRIVILEGES


async def test_pg_hba_that_does_not_admit_the_login(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start(16, host_method="reject")
    async with gateway(**admin_of(server)) as made:
        error = await failure(made)
    assert error.reason is Reason.ADMIN_LOGIN_REFUSED
    with pytest.raises(UnavailableError) as caught:
        await look(server, "x")
    server.stop()  # nobody could clean up in it
    assert caught.value.reason is Reason.LOGIN_FAILED


async def test_a_login_that_does_not_exist_is_refused(postgres: PostgresServer) -> None:
    assert await look(postgres, "nobody") == (LoginState.REFUSED, None)


async def look(server: PostgresServer, login: str) -> tuple[LoginState, object]:
    return await look_inside(
        Endpoint(host=server.host, port=server.port, tls="disable"),
        None,
        database=DatabaseName("postgres"),
        schema=SchemaName("public"),
        login=RoleName(login),
        password=Password(PASSWORD),
    )


@contextmanager
def stopped(process: int) -> Generator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


OURS = "FROM pg_stat_activity WHERE application_name = 'litellm-database-operator'"


def backends_of_the_operator(server: PostgresServer) -> list[tuple[int]]:
    with server.connect() as superuser:
        return superuser.execute("SELECT pid " + OURS).fetchall()


def sessions_of_the_operator(server: PostgresServer) -> int:
    return len(backends_of_the_operator(server))


def end_sessions_of_the_operator(server: PostgresServer) -> int:
    with server.connect() as superuser:
        return len(superuser.execute("SELECT pg_terminate_backend(pid, 5000) " + OURS).fetchall())


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - it is the server that changes
            await asyncio.sleep(0.02)
