"""Worlds: a fake cluster, a real PostgreSQL 16, an operator."""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from bundles.build import build_library
from bundles.lock import read_lock
from tests.support.postgres_server import Login, PostgresServer, drop_everything_named
from tests.support.world import World

WorldMaker = Callable[..., World]


@pytest.fixture
def logged_admin(postgres: PostgresServer, managed_admin: Login) -> Login:
    """Give an admin as managed services have it, whose DDL the server logs."""
    with postgres.connect() as session:
        session.execute(sql.SQL("ALTER ROLE {} SET log_statement = ddl").format(sql.Identifier(managed_admin.user)))
    return managed_admin


@pytest.fixture
async def make_world(
    postgres: PostgresServer, logged_admin: Login, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[WorldMaker]:
    """Give what makes worlds; at the end no password was told in any, and no pass failed by a bug."""
    made: list[World] = []
    caplog.set_level(logging.DEBUG)
    with ExitStack() as cleanup:

        def make(**changes: Any) -> World:
            namespace = f"t{secrets.token_hex(4)}"
            parts: dict[str, Any] = {
                "namespace": namespace,
                "postgres": postgres,
                "admin": logged_admin,
                "folder": tmp_path,
            }
            world = World(**(parts | changes))
            cleanup.callback(_clean, world)
            made.append(world)
            return world

        yield make
        for world in made:
            await world.end()
        records = [*caplog.get_records("setup"), *caplog.get_records("call")]
        assert not [record.getMessage() for record in records if record.exc_info], "a pass failed by a bug"
        # Once: a test of many worlds logs megabytes.
        logged = "\n".join(map(logging.Formatter().format, records))
        for world in made:
            world.check_no_password_is_told(logged)


def _clean(world: World) -> None:
    if world.postgres.is_running():
        drop_everything_named(world.postgres, world.namespace)


@pytest.fixture
def world(make_world: WorldMaker) -> World:
    """Give a world with a PostgresServer named shared."""
    made = make_world()
    made.add_server()
    return made


@pytest.fixture(scope="session")
def real_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give LiteLLM's own bundles, as the image has them."""
    folder = tmp_path_factory.mktemp("library")
    build_library(read_lock(), folder)
    return folder


@pytest.fixture
def unused_tcp_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
