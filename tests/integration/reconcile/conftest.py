"""Worlds: a fake cluster, a real PostgreSQL 16, an operator."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from tests.support.postgres_server import Login, PostgresServer, create_managed_admin, drop_everything_named
from tests.support.world import World

WorldMaker = Callable[..., World]


@pytest.fixture(params=["superuser", "managed admin"])
def each_admin(request: pytest.FixtureRequest, postgres: PostgresServer, managed_admin: Login) -> Login:
    """Give each kind of admin."""
    return postgres.superuser if request.param == "superuser" else managed_admin


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
    """Give what makes a world of its own; at the end no password was told in any of them."""
    made: list[World] = []
    with ExitStack() as cleanup:

        def make(**changes: Any) -> World:
            namespace = f"t{secrets.token_hex(4)}"
            parts: dict[str, Any] = {"namespace": namespace, "postgres": postgres, "admin": logged_admin}
            world = World(**(parts | {"folder": tmp_path} | changes))
            cleanup.callback(_clean, world)
            made.append(world)
            return world

        yield make
        for world in made:
            await world.end()
            world.check_no_password_is_told(caplog.records)


def _clean(world: World) -> None:
    if world.postgres.is_running():
        drop_everything_named(world.postgres, world.namespace)


@pytest.fixture
def world(make_world: WorldMaker) -> World:
    """Give a world with a PostgresServer named shared."""
    made = make_world()
    made.add_server()
    return made


@pytest.fixture
def admins(postgres: PostgresServer, unique_name: str) -> Iterator[Callable[[str], Login]]:
    """Give what makes further admins."""
    yield lambda suffix: create_managed_admin(postgres, f"{unique_name}_{suffix}")
