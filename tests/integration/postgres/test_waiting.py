"""The init container against real servers, and against what pretends to be one: the process, as a pod runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from litellm_database_operator.model.names import DatabaseName, SchemaName
from litellm_database_operator.model.secret import Binding, mint_password
from tests.support import hostile_server as hostile
from tests.support.authority import Authority
from tests.support.fake_jobs import Ended, Run, migrate_at_once, write_library
from tests.support.postgres_server import PostgresServer, PostgresServers
from tests.support.tenant import Tenant, gateway_to

MakeTenant = Callable[[str], Awaitable[Tenant]]
OLD, NEW = "1.0.1", "1.0.2"
MIGRATIONS = ("20250101000000_first", "20250102000000_second", "20250103000000_third")
SOON: Final = 60.0
"""Seconds; the machine may have others to serve."""


@pytest.fixture
async def tenant(make_named: MakeTenant) -> Tenant:
    """Give a database with nothing in it."""
    return await (await make_named("")).provision()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Give two bundles, the second with a migration more."""
    return write_library(tmp_path / "library", {OLD: MIGRATIONS[:2], NEW: MIGRATIONS})


class Waiting:
    """The process, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, words: str) -> str:
        """Return the first line from now on that holds the words."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SOON):
            while line := (await self.process.stdout.readline()).decode():
                self.lines.append(line)
                if words in line:
                    return line
        raise AssertionError(f"it never said {words!r}, but {self.lines}")

    async def end(self) -> int:
        """Return the exit code; standard error stays empty."""
        async with asyncio.timeout(SOON):
            out, err = await self.process.communicate()
        self.lines += out.decode().splitlines()
        assert err == b""
        assert self.process.returncode is not None
        return self.process.returncode


def published(tenant: Tenant) -> Binding:
    login = tenant.roles.app_a
    return Binding(
        endpoint=tenant.endpoint,
        database=tenant.database,
        schema=tenant.schema,
        login=login,
        password=tenant.passwords[login],
    )


@asynccontextmanager
async def waiting(binding: Binding, library: Path, *arguments: str, ca: Path | None = None) -> AsyncGenerator[Waiting]:
    """Start it with exactly the environment that a container has, and end it in any case."""
    environment: Mapping[str, str] = dict(binding.published()) | {
        "PATH": os.environ["PATH"],
        "LITELLMDB_LIBRARY": str(library),
        **({"LITELLMDB_CA": str(ca)} if ca else {}),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "litellm_database_operator.wait", *arguments,
        env=environment, cwd="/", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    found = Waiting(process)
    try:
        yield found
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert binding.password.reveal() not in "".join(found.lines)


async def migrate(tenant: Tenant, library: Path, bundle: str) -> Ended:
    """Do what a run does."""
    login = tenant.roles.migrator
    files = {
        "host": tenant.server.host,
        "port": str(tenant.server.port),
        "database": tenant.database,
        "schema": tenant.schema,
        "username": login,
        "password": tenant.passwords[login].reveal(),
        "app": tenant.roles.app,
    }
    return await migrate_at_once(
        Run(environment={"LITELLMDB_BUNDLE": bundle, "LITELLMDB_JOB": "job"}, files=files, library=library)
    )


async def test_it_ends_when_the_schema_is_there(tenant: Tenant, library: Path) -> None:
    async with waiting(published(tenant), library, f"--version={NEW}") as it:
        assert f"LiteLLM {NEW} (bundle {NEW}) in {tenant.database}" in await it.until("waiting for the schema")
        await it.until(f"3 of 3 migrations are missing, next {MIGRATIONS[0]}")
        await migrate(tenant, library, OLD)
        await it.until(f"1 of 3 migrations is missing, next {MIGRATIONS[2]}")
        await migrate(tenant, library, NEW)
        await it.until(f"the schema of LiteLLM {NEW} (bundle {NEW}) is there")
        assert await it.end() == 0
        assert len(it.lines) == len(set(it.lines)) == 4


async def test_a_database_that_is_ahead_serves_where_its_history_shows_it(tenant: Tenant, library: Path) -> None:
    await migrate(tenant, library, NEW)
    async with waiting(published(tenant), library, f"--bundle={OLD}", "--timeout=2") as it:
        await it.until("the database is ahead of it: 1 applied migrations are newer")
        assert await it.end() == 1
        assert "gave up after 2 s waiting for the schema of bundle 1.0.1: the database is ahead" in it.lines[-1]


async def test_a_refused_password_is_told_and_the_right_one_then_works(tenant: Tenant, library: Path) -> None:
    await migrate(tenant, library, OLD)
    binding = replace(published(tenant), password=mint_password())
    async with waiting(binding, library, f"--version={OLD}") as it:
        await it.until("the password is refused; is the Secret of another database")
        await tenant.gateway.set_password(binding.login, binding.password)
        await it.until("is there")
        assert await it.end() == 0


async def test_a_server_that_comes_later_is_waited_for_and_its_certificate_judged(
    postgres_servers: PostgresServers, unique_name: str, library: Path, tmp_path: Path
) -> None:
    server = postgres_servers.start(tls="required")
    tenant = await _tenant_of_its_own(server, unique_name)
    await migrate(tenant, library, OLD)
    server.stop()
    binding = published(tenant)
    strict = replace(binding, endpoint=replace(binding.endpoint, tls="verify-full"))
    async with waiting(strict, library, f"--version={OLD}", ca=server.ca) as it:
        await it.until("nobody answers there")
        server.start()
        await it.until("is there")
        assert await it.end() == 0
    async with waiting(strict, library, f"--version={OLD}", "--timeout=2", ca=Authority(tmp_path / "other").cert) as it:
        await it.until("no TLS connection as DATABASE_SSLMODE and the CA ask for")
        assert await it.end() == 1


async def _tenant_of_its_own(server: PostgresServer, name: str) -> Tenant:
    gateway = gateway_to(server, server.superuser, tls="require")
    try:
        facts = await gateway.fetch_facts()
        made = Tenant(
            server=server,
            gateway=gateway,
            facts=facts,
            database=DatabaseName(name),
            schema=SchemaName("public"),
        )
        return await made.provision()
    finally:
        await gateway.close()


async def test_a_server_without_the_tls_that_is_asked_for_is_told(tenant: Tenant, library: Path) -> None:
    binding = published(tenant)
    encrypted = replace(binding, endpoint=replace(binding.endpoint, tls="require"))
    async with waiting(encrypted, library, f"--version={OLD}", "--timeout=2") as it:
        await it.until("no TLS connection as DATABASE_SSLMODE and the CA ask for")
        assert await it.end() == 1


@pytest.mark.parametrize(
    ("conversation", "words"),
    [
        pytest.param(hostile.never_answer, "no answer", id="silent"),
        pytest.param(hostile.ask_for_clear_text, "does not ask for scram-sha-256", id="clear text"),
    ],
)
async def test_a_host_that_is_no_postgresql_never_holds_it_without_a_word(
    conversation: hostile.Conversation, words: str, tenant: Tenant, library: Path
) -> None:
    async with hostile.hostile_server(conversation) as server:
        binding = published(tenant)
        there = replace(binding, endpoint=replace(binding.endpoint, host=server.host, port=server.port))
        async with waiting(there, library, f"--version={OLD}", "--timeout=3") as it:
            await it.until("waiting for the schema")
            await it.until(words)
            assert await it.end() == 1
        assert binding.password.reveal().encode() not in server.heard


async def test_sigterm_ends_it_at_once(tenant: Tenant, library: Path) -> None:
    reached = asyncio.Event()

    async def never_answer(*_: object) -> None:
        reached.set()

    async with hostile.hostile_server(never_answer) as server:
        binding = published(tenant)
        there = replace(binding, endpoint=replace(binding.endpoint, host=server.host, port=server.port))
        async with waiting(there, library, f"--version={OLD}") as it:
            await it.until("waiting for the schema")
            await asyncio.wait_for(reached.wait(), SOON)
            begun = asyncio.get_running_loop().time()
            it.process.send_signal(signal.SIGTERM)
            assert await it.end() == 128 + signal.SIGTERM
            assert asyncio.get_running_loop().time() - begun < 2.0


async def test_a_version_that_nobody_knows_fails_at_once(tenant: Tenant, library: Path) -> None:
    async with waiting(published(tenant), library, "--version=9.9.9") as it:
        assert await it.end() == 1
        (line,) = it.lines
        assert "never heard of it" in line
        assert line.endswith(f"the nearest release that would do is {NEW}")
