"""Databases of tenants, on each version and by each kind of admin."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import pytest

from litellm_database_operator.model.names import DatabaseName, SchemaName
from tests.support.postgres_server import Login, PostgresServer
from tests.support.tenant import Tenant, gateway_to

MakeTenant = Callable[[str], Awaitable[Tenant]]
_MAJOR_OF_SUPERUSERS: Final = 16


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Try a superuser on one version only: what versions changed are the rules for everybody else."""
    left_out = [item for item in items if _is_superuser_elsewhere(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_superuser_elsewhere(item: pytest.Item) -> bool:
    chosen: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return chosen.get("admin") == "superuser" and chosen.get("any_postgres") != _MAJOR_OF_SUPERUSERS


@pytest.fixture(params=["superuser", "managed admin"])
def admin(request: pytest.FixtureRequest, any_postgres: PostgresServer) -> Login:
    """Give each kind of admin, on each version."""
    if request.param == "superuser":
        return any_postgres.superuser
    found: Login = request.getfixturevalue("any_managed_admin")
    return found


@pytest.fixture
async def make_tenant(any_postgres: PostgresServer, admin: Login, unique_name: str) -> AsyncIterator[MakeTenant]:
    """Give what names a tenant's database on each version and by each kind of admin; it makes nothing yet."""
    async with tenants(any_postgres, admin, unique_name) as make:
        yield make


@pytest.fixture
async def make_named(postgres: PostgresServer, managed_admin: Login, unique_name: str) -> AsyncIterator[MakeTenant]:
    """Give the same on PostgreSQL 16 alone, where the version makes no difference."""
    async with tenants(postgres, managed_admin, unique_name) as make:
        yield make


@asynccontextmanager
async def tenants(server: PostgresServer, admin: Login, prefix: str) -> AsyncGenerator[MakeTenant]:
    gateway = gateway_to(server, admin)
    facts = await gateway.fetch_facts()

    async def make(suffix: str) -> Tenant:
        return Tenant(
            server=server,
            gateway=gateway,
            facts=facts,
            database=DatabaseName(f"{prefix}{suffix}"),
            # where PostgreSQL 14's schema public is not the admin's to close
            schema=SchemaName("public" if facts.superuser or facts.major > 14 else "litellm"),
        )

    try:
        yield make
    finally:
        await gateway.close()


@pytest.fixture
async def tenant(make_tenant: MakeTenant) -> Tenant:
    """Give a database that is all made."""
    return await (await make_tenant("")).provision()
