"""What somebody gives to roles of ours beside what they have: seen, and taken back where the admin can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from psycopg import sql

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.model.observed import CatalogFacts
from litellm_database_operator.planning.roles import beyond_the_admin, plan_roles
from litellm_database_operator.planning.steps import ShapeRoles
from tests.support.planning import resource_of
from tests.support.tenant import Tenant, make_mark

MakeTenant = Callable[[str], Awaitable[Tenant]]
FIRST_WITH_GRANTORS = 16


def _give(tenant: Tenant, statement: str, *, by_admin: bool = False) -> None:
    roles = tenant.roles
    names = {"owner": roles.owner, "migrator": roles.migrator, "app": roles.app, "a": roles.app_a, "b": roles.app_b}
    text = sql.SQL(statement).format(  # pyright: ignore[reportArgumentType]
        **{key: sql.Identifier(name) for key, name in names.items()}
    )
    with tenant.server.connect() as superuser:
        if by_admin and not tenant.facts.superuser:
            superuser.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(tenant.facts.admin)))
        superuser.execute(text)


async def _plan(tenant: Tenant) -> tuple[ShapeRoles | None, str | None]:
    catalog = await tenant.gateway.fetch_catalog(tenant.database)
    resource = resource_of({"database": tenant.database, "credentials": {"connectionLimit": 3}})
    step = plan_roles(resource, catalog, server=tenant.facts, mark=make_mark(), connections=3)
    return step, beyond_the_admin(resource, catalog, tenant.facts)


async def _mend(tenant: Tenant) -> CatalogFacts:
    step, told = await _plan(tenant)
    assert told is None
    assert step is not None
    await tenant.gateway.shape_roles(step, tenant.facts)
    assert await _plan(tenant) == (None, None)
    return await tenant.gateway.fetch_catalog(tenant.database)


async def test_of_what_we_made_nothing_is_too_much(tenant: Tenant) -> None:
    assert await _plan(tenant) == (None, None)


async def test_attributes_that_any_admin_takes(tenant: Tenant) -> None:
    _give(tenant, "ALTER ROLE {a} CREATEDB CREATEROLE; ALTER ROLE {owner} CREATEDB")
    found = await _mend(tenant)
    assert not any(role.attributes for role in found.roles.values())


async def test_attributes_that_a_superuser_takes(tenant: Tenant) -> None:
    _give(tenant, "ALTER ROLE {a} SUPERUSER REPLICATION; ALTER ROLE {app} BYPASSRLS CREATEDB")
    if not tenant.facts.superuser:
        step, told = await _plan(tenant)
        assert step is None
        assert told is not None
        assert "as a superuser run: ALTER ROLE" in told
        _give(tenant, "ALTER ROLE {a} NOSUPERUSER NOREPLICATION; ALTER ROLE {app} NOBYPASSRLS NOCREATEDB")
        assert await _plan(tenant) == (None, None)
        return
    found = await _mend(tenant)
    assert not any(role.attributes for role in found.roles.values())


async def test_the_proxy_put_into_the_owner_by_the_admin(tenant: Tenant) -> None:
    before = (await tenant.gateway.fetch_catalog(tenant.database)).grants
    _give(tenant, "GRANT {owner} TO {a}; GRANT {app} TO {migrator}", by_admin=True)
    assert (await _mend(tenant)).grants == before
    with tenant.connect(tenant.roles.app_a) as session:
        assert session.execute("SELECT pg_has_role(%s, 'MEMBER')", [tenant.roles.owner]).fetchone() == (False,)


async def test_a_group_of_postgresqls_by_a_superuser(tenant: Tenant) -> None:
    before = (await tenant.gateway.fetch_catalog(tenant.database)).grants
    _give(tenant, "GRANT pg_write_all_data, pg_execute_server_program TO {a}")
    if not tenant.facts.superuser and tenant.facts.major >= FIRST_WITH_GRANTORS:
        step, told = await _plan(tenant)
        assert step is None
        assert told is not None
        assert "pg_execute_server_program" in told
        assert "revoke it" in told
        return
    assert (await _mend(tenant)).grants == before


async def test_what_a_role_of_ours_has_passed_on_goes_with_it(tenant: Tenant) -> None:
    _give(tenant, "GRANT {owner} TO {a} WITH ADMIN OPTION", by_admin=True)
    with tenant.connect(tenant.roles.app_a) as session:
        grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(tenant.roles.owner), sql.Identifier(tenant.roles.app_b))
        session.execute(grant)
    found = await _mend(tenant)
    assert not any(grant.group == tenant.roles.owner and grant.member == tenant.roles.app_b for grant in found.grants)


async def test_who_was_put_into_a_role_of_ours_is_left(tenant: Tenant) -> None:
    reader = f"{tenant.database}_reader"
    _give(tenant, f'CREATE ROLE "{reader}"; GRANT {{app}} TO "{reader}"')
    assert await _plan(tenant) == (None, None)


async def test_of_two_operators_the_second_looks_again(tenant: Tenant) -> None:
    _give(tenant, "GRANT {owner} TO {a}", by_admin=True)
    step, _ = await _plan(tenant)
    assert step is not None
    ended = await asyncio.gather(
        *(tenant.gateway.shape_roles(step, tenant.facts) for _ in range(3)), return_exceptions=True
    )
    errors = [each for each in ended if each is not None]
    assert len(errors) == 2
    assert all(isinstance(each, UnavailableError) for each in errors), errors
    assert any("somebody else changed the same thing" in str(each) for each in errors), errors
    assert await _plan(tenant) == (None, None)
