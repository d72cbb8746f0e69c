"""Databases of tenants, on each version and by each kind of admin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from litellm_database_operator.model.names import DatabaseName, SchemaName
from tests.support.postgres_server import Login, PostgresServer
from tests.support.tenant import Tenant, gateway_to


@pytest.fixture(params=["superuser", "managed admin"])
def admin(request: pytest.FixtureRequest, any_postgres: PostgresServer) -> Login:
    """Give each kind of admin, on each version."""
    if request.param == "superuser":
        return any_postgres.superuser
    found: Login = request.getfixturevalue("any_managed_admin")
    return found


@pytest.fixture
async def make_tenant(
    any_postgres: PostgresServer, admin: Login, unique_name: str
) -> AsyncIterator[Callable[[str], Awaitable[Tenant]]]:
    """Give what names a tenant's database, and makes nothing yet."""
    gateway = gateway_to(any_postgres, admin)
    facts = await gateway.fetch_facts()

    async def make(suffix: str = "") -> Tenant:
        return Tenant(
            server=any_postgres,
            gateway=gateway,
            facts=facts,
            database=DatabaseName(f"{unique_name}{suffix}"),
            # where PostgreSQL 14's schema public is not the admin's to close
            schema=SchemaName("public" if facts.superuser or facts.major > 14 else "litellm"),
        )

    yield make
    await gateway.close()


@pytest.fixture
async def tenant(make_tenant: Callable[[str], Awaitable[Tenant]]) -> Tenant:
    """Give a database that is all made."""
    return await (await make_tenant("")).provision()
