"""Locking, releasing and dropping, with the sessions of others open; and two operators at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from litellm_database_operator.errors import OperatorError, UnavailableError
from litellm_database_operator.model.names import DatabaseName, SchemaName
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.planning.steps import DropDatabase
from tests.support.postgres_server import Login
from tests.support.tenant import Tenant, gateway_to, make_mark

MakeTenant = Callable[[str], Awaitable[Tenant]]


def is_ended(session: psycopg.Connection) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


async def test_a_lock_ends_the_sessions_that_are_open(tenant: Tenant) -> None:
    login = tenant.roles.app_a
    with tenant.connect(login) as session, tenant.connect(tenant.roles.app_b) as other:
        await tenant.gateway.lock_login(login)
        assert is_ended(session)
        assert not is_ended(other)
    with pytest.raises(psycopg.OperationalError):
        tenant.connect(login)
    assert await tenant.look() == ("Refused", None)


async def test_sessions_end_and_the_login_stays(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.app_a) as session:
        await tenant.gateway.end_sessions(tenant.roles.logins())
        assert is_ended(session)
    assert (await tenant.look())[0] == "Works"


async def test_released_is_locked_and_kept(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.app_a) as session:
        await tenant.gateway.release(tenant.releasing())
        assert is_ended(session)
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.database is not None
    assert found.mark == make_mark("released")
    assert not any(role.login for role in found.roles.values())
    await tenant.gateway.release(tenant.releasing())
    await tenant.set_password(tenant.roles.app_a)
    assert (await tenant.look())[0] == "Works"


async def test_released_although_a_role_is_gone(tenant: Tenant) -> None:
    with tenant.server.connect() as superuser:
        superuser.execute(f'DROP ROLE "{tenant.roles.app_b}"')  # pyright: ignore[reportArgumentType, reportCallIssue]
    await tenant.gateway.release(tenant.releasing())
    assert (await tenant.gateway.fetch_catalog(tenant.database)).mark == make_mark("released")


async def test_dropped_with_everything_open(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.migrator) as migrator, tenant.connect(tenant.roles.app_a) as proxy:
        migrator.execute("CREATE TABLE " + tenant.schema + ".made (id serial)")  # pyright: ignore[reportArgumentType, reportCallIssue]
        with tenant.connect(tenant.roles.app_a, "postgres") as elsewhere:
            await tenant.gateway.drop(tenant.dropping())
            assert all(map(is_ended, (migrator, proxy, elsewhere)))
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert (dict(found.roles), found.database) == ({}, None)
    await tenant.provision()


async def test_dropped_although_the_admin_is_connected(tenant: Tenant, admin: Login) -> None:
    with tenant.server.connect(tenant.database, admin) as session:
        await tenant.gateway.drop(tenant.dropping())
        assert is_ended(session)


async def test_dropped_although_the_proxy_left_something_elsewhere(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.app_a, "postgres") as session:
        session.execute("SELECT lo_create(0)")
    await tenant.gateway.drop(tenant.dropping())
    assert not (await tenant.gateway.fetch_catalog(tenant.database)).roles


async def test_what_is_left_in_a_third_database_is_said(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.app_a, "template1") as session:
        (made,) = session.execute("SELECT lo_create(0)").fetchone() or (0,)
    try:
        with pytest.raises(OperatorError, match="another database") as caught:
            await tenant.gateway.drop(tenant.dropping())
        assert caught.value.reason is Reason.ROLE_NOT_OURS
    finally:
        with tenant.server.connect("template1") as superuser:
            superuser.execute("SELECT lo_unlink(%s)", [made])


async def test_a_half_dropped_database_is_found_and_dropped(tenant: Tenant) -> None:
    with tenant.server.connect() as superuser:
        superuser.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = %s", [tenant.database])
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.database is not None
    assert not found.database.valid
    await tenant.gateway.drop(tenant.dropping())
    assert (await tenant.gateway.fetch_catalog(tenant.database)).database is None


async def test_only_the_roles_are_left_to_drop(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    await tenant.gateway.shape_roles(tenant.shape(), tenant.facts)
    step = DropDatabase(database=tenant.database, roles=tenant.roles.all()[:3], exists=False)
    await tenant.gateway.drop(step)
    assert set((await tenant.gateway.fetch_catalog(tenant.database)).roles) == set(tenant.roles.logins())


async def run_twice(tenant: Tenant, step: Callable[[Tenant], Awaitable[None]]) -> None:
    """Let two operators carry out one step at once: whoever loses is told to look again."""
    ended = await asyncio.gather(step(tenant), step(tenant), return_exceptions=True)
    failed = [each for each in ended if each is not None]
    assert all(isinstance(each, UnavailableError) and each.reason is Reason.SERVER_BUSY for each in failed), failed
    assert len(failed) < 2


async def test_two_operators_do_the_same_at_once(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    login, soon = tenant.roles.app_a, datetime.now(UTC) + timedelta(hours=1)
    await run_twice(tenant, lambda one: one.gateway.shape_roles(one.shape(), one.facts))
    await run_twice(tenant, lambda one: one.gateway.create_database(one.database))
    await run_twice(tenant, lambda one: one.gateway.restrict_database(one.database))
    await run_twice(tenant, lambda one: one.prepare())
    await tenant.set_password(login)
    password = tenant.passwords[login]
    await run_twice(tenant, lambda one: one.gateway.set_password(login, password))
    await run_twice(tenant, lambda one: one.gateway.unlock_migrator(one.roles.migrator, password, valid_until=soon))
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.memberships == set(tenant.shape().grant)
    assert (await tenant.look())[0] == "Works"
    await run_twice(tenant, lambda one: one.gateway.lock_login(one.roles.migrator))
    await run_twice(tenant, lambda one: one.gateway.release(one.releasing()))
    await run_twice(tenant, lambda one: one.gateway.drop(one.dropping()))
    assert (await tenant.gateway.fetch_catalog(tenant.database)).database is None


NAMES = [
    '"; DROP ROLE postgres; --',
    "'; DROP ROLE postgres; --",
    "%s %(x)s {0} {name}",
    " spaces  and\ttabs ",
    "back\\slash $$ $1",
    "ü" * 17,
    "Ünï \U0001f600",
    "UPPER.case",
]


@pytest.mark.parametrize("suffix", NAMES)
async def test_any_name_is_only_a_name(make_named: MakeTenant, suffix: str) -> None:
    tenant = await make_named(suffix)
    odd = Tenant(
        server=tenant.server,
        gateway=tenant.gateway,
        facts=tenant.facts,
        database=tenant.database,
        schema=SchemaName(f"x{suffix}"),
    )
    await odd.provision()
    with odd.connect(odd.roles.migrator) as session:
        assert session.execute("SELECT current_user").fetchone() == (odd.roles.owner,)
    state, inside = await odd.look()
    assert (state, inside is None) == ("Works", False)
    assert (await odd.gateway.fetch_catalog(odd.database)).memberships == set(odd.shape().grant)
    await odd.gateway.release(odd.releasing())
    await odd.gateway.drop(odd.dropping())
    assert not (await odd.gateway.fetch_catalog(odd.database)).roles


async def test_names_of_the_greatest_length(make_named: MakeTenant) -> None:
    tenant = await make_named("")
    full = "ü" * ((53 - len(tenant.database)) // 2)
    long = await make_named(full + "x" * (53 - len(f"{tenant.database}{full}".encode())))
    assert len(long.database.encode()) == 53
    await long.provision()
    assert len((await long.gateway.fetch_catalog(long.database)).roles) == 5
    assert (await long.look())[0] == "Works"


async def test_a_name_that_postgresql_keeps(make_named: MakeTenant) -> None:
    tenant = await make_named("")
    kept = Tenant(
        server=tenant.server,
        gateway=tenant.gateway,
        facts=tenant.facts,
        database=DatabaseName("pg_mine"),
        schema=tenant.schema,
    )
    with pytest.raises(OperatorError) as caught:
        await kept.gateway.shape_roles(kept.shape(), kept.facts)
    assert caught.value.reason is Reason.NAME_NOT_ALLOWED


async def test_too_many_sessions_are_no_wrong_password(tenant: Tenant) -> None:
    open_ones = [tenant.connect(tenant.roles.app_a) for _ in range(5)]
    assert await tenant.look() == ("Crowded", None)
    for session in open_ones:
        session.close()


async def test_no_password_is_in_the_servers_log(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    with tenant.server.connect() as superuser:
        superuser.execute("ALTER SYSTEM SET log_statement = 'all'")
        superuser.execute("SELECT pg_reload_conf()")
    try:
        gateway = gateway_to(tenant.server, tenant.server.superuser)
        await tenant.provision()
        await gateway.unlock_migrator(
            tenant.roles.migrator,
            tenant.passwords[tenant.roles.migrator],
            valid_until=datetime.now(UTC) + timedelta(hours=1),
        )
        await tenant.look()
        await gateway.close()
        log = tenant.server.log
    finally:
        with tenant.server.connect() as superuser:
            superuser.execute("ALTER SYSTEM RESET log_statement")
            superuser.execute("SELECT pg_reload_conf()")
    assert f'ALTER ROLE "{tenant.roles.app_a}" LOGIN PASSWORD' in log
    assert not [login for login, password in tenant.passwords.items() if password.reveal() in log]


async def test_a_lock_that_somebody_holds_is_waited_for_in_vain(tenant: Tenant) -> None:
    with tenant.server.connect() as holder:
        holder.autocommit = False
        holder.execute("LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE")
        holder.execute("SET LOCAL idle_in_transaction_session_timeout = '30s'")
        with pytest.raises(UnavailableError) as caught:
            await tenant.gateway.set_password(tenant.roles.app_a, tenant.passwords[tenant.roles.app_a])
        holder.rollback()
    assert caught.value.reason is Reason.SERVER_BUSY
    assert isinstance(caught.value.__cause__, errors.LockNotAvailable)
