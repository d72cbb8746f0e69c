"""What each role may do, proved by trying what must fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors, sql

from litellm_database_operator.model.names import DatabaseName
from litellm_database_operator.model.roles import Membership
from litellm_database_operator.planning.steps import AdmitLogins, ShapeRoles
from tests.support.tenant import Tenant, make_mark

MakeTenant = Callable[[str], Awaitable[Tenant]]
LEDGER = (
    "CREATE TABLE _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz);"
    "REVOKE ALL ON _prisma_migrations FROM {app}; GRANT SELECT ON _prisma_migrations TO {app}"
)


def execute(session: psycopg.Connection, statement: str, **names: str) -> None:
    parts = {key: sql.Identifier(name) for key, name in names.items()}
    session.execute(sql.SQL(statement).format(**parts))  # pyright: ignore[reportArgumentType]


def in_schema(session: psycopg.Connection, tenant: Tenant) -> psycopg.Connection:
    execute(session, "SET search_path = {schema}", schema=tenant.schema)
    return session


async def test_a_second_look_finds_what_was_asked_for(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    step = tenant.shape()
    await tenant.gateway.shape_roles(step, tenant.facts)
    await tenant.gateway.create_database(tenant.database)
    await tenant.prepare()
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert set(found.roles.values()) == set(step.create)
    assert found.memberships == set(step.grant)
    assert found.mark == step.mark
    assert found.database is not None
    assert found.database.owner == tenant.facts.admin
    assert found.database.public_rights == set()
    assert found.database.connecting == {tenant.roles.app, tenant.roles.migrator}
    assert (found.database.valid, found.database.accepts_connections) == (True, True)
    assert not found.migrator_unlocked


async def test_before_anything_is_made_nothing_is_found(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert (dict(found.roles), found.memberships, found.mark) == ({}, set(), None)
    assert found.database is None


async def test_all_roles_are_made_or_none(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    step = tenant.shape()
    with pytest.raises(Exception, match="somebody else changed"):
        await tenant.gateway.shape_roles(
            ShapeRoles(create=(*step.create, step.create[0]), alter=(), grant=step.grant, mark=None, owner=step.owner),
            tenant.facts,
        )
    assert not (await tenant.gateway.fetch_catalog(tenant.database)).roles


async def test_only_what_is_missing_is_made(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    step = tenant.shape()
    bare = ShapeRoles(create=step.create[:3], alter=(), grant=(), mark=None, owner=step.owner)
    await tenant.gateway.shape_roles(bare, tenant.facts)
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.mark is None
    assert found.memberships == set()
    rest = ShapeRoles(create=step.create[3:], alter=step.create[:3], grant=step.grant, mark=step.mark, owner=step.owner)
    await tenant.gateway.shape_roles(rest, tenant.facts)
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert set(found.roles.values()) == set(step.create)
    assert found.memberships == set(step.grant)


async def test_a_foreign_comment_is_no_mark(tenant: Tenant) -> None:
    with tenant.server.connect() as superuser:
        execute(superuser, "COMMENT ON ROLE {owner} IS 'somebody''s'", owner=tenant.roles.owner)
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.mark is None


async def test_the_migrator_acts_as_the_owner(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.migrator) as session:
        row = session.execute("SELECT session_user, current_user").fetchone()
        assert row == (tenant.roles.migrator, tenant.roles.owner)
        execute(session, "CREATE TABLE {schema}.made (id serial)", schema=tenant.schema)
        owner = session.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'made'").fetchone()
    assert owner == (tenant.roles.owner,)


async def test_the_proxy_reads_and_writes_rows(tenant: Tenant) -> None:
    with in_schema(tenant.connect(tenant.roles.migrator), tenant) as session:
        session.execute("CREATE TABLE made (id serial, name text); CREATE VIEW seen AS SELECT * FROM made")
    for login in tenant.roles.logins():
        with in_schema(tenant.connect(login), tenant) as session:
            session.execute("INSERT INTO made (name) VALUES ('x'); UPDATE made SET name = 'y'")
            assert session.execute("SELECT name FROM seen").fetchone() == ("y",)
            session.execute("DELETE FROM made")


FORBIDDEN_TO_THE_PROXY = [
    "CREATE TABLE {schema}.planted ()",
    "CREATE TABLE public.planted ()",
    "CREATE SCHEMA planted",
    "CREATE TEMPORARY TABLE planted ()",
    "DROP TABLE {schema}.made",
    "ALTER TABLE {schema}.made ADD COLUMN more text",
    "TRUNCATE {schema}.made",
    "UPDATE {schema}._prisma_migrations SET finished_at = now()",
    "INSERT INTO {schema}._prisma_migrations VALUES ('x', now(), NULL)",
    "DELETE FROM {schema}._prisma_migrations",
    "INSERT INTO litellm_operator.migration_runs DEFAULT VALUES",
    "DELETE FROM litellm_operator.migration_runs",
    "UPDATE litellm_operator._prisma_migrations SET logs = ''",
    "DELETE FROM litellm_operator._prisma_migrations",
    "SET ROLE {owner}",
    "SET ROLE {migrator}",
    "SET ROLE {admin}",
    "GRANT {app} TO {migrator}",
    "GRANT {owner} TO {app}",
    "CREATE ROLE planted",
    "CREATE DATABASE planted",
    "ALTER ROLE {app_b} PASSWORD 'x'",
    "ALTER ROLE {owner} LOGIN",
]
FORBIDDEN_TO_THE_MIGRATOR = [
    "COMMENT ON ROLE {owner} IS 'mine'",
    "ALTER DATABASE {database} SET statement_timeout = 1",
    "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "ALTER DATABASE {database} IS_TEMPLATE true",
    "ALTER DATABASE {database} RENAME TO mine",
    "COMMENT ON DATABASE {database} IS 'mine'",
    "DROP DATABASE {database}",
    "CREATE SCHEMA planted",
    "DROP SCHEMA litellm_operator CASCADE",
    "DROP TABLE litellm_operator.migration_runs",
    "DELETE FROM litellm_operator.migration_runs",
    "TRUNCATE litellm_operator.migration_runs",
    "CREATE TABLE litellm_operator.planted ()",
    "UPDATE litellm_operator._prisma_migrations SET logs = ''",
    "ALTER ROLE {migrator} VALID UNTIL 'infinity'",
    "ALTER ROLE {migrator} LOGIN",
    "SET ROLE {app}",
    "SET ROLE {admin}",
    "CREATE ROLE planted",
]


def every_name(tenant: Tenant) -> dict[str, str]:
    roles = tenant.roles
    return {
        "schema": tenant.schema,
        "database": tenant.database,
        "owner": roles.owner,
        "migrator": roles.migrator,
        "app": roles.app,
        "app_b": roles.app_b,
        "admin": tenant.facts.admin,
    }


def is_refused(session: psycopg.Connection, statement: str, names: dict[str, str]) -> bool:
    try:
        execute(session, statement, **names)
    except (errors.InsufficientPrivilege, errors.ObjectInUse):
        return True
    return False


async def test_the_proxy_may_do_no_more(tenant: Tenant) -> None:
    names = every_name(tenant)
    with in_schema(tenant.connect(tenant.roles.migrator), tenant) as session:
        execute(session, "CREATE TABLE made (id serial);" + LEDGER, app=tenant.roles.app)
    # only a superuser can take CREATE in schema public from everybody on 14, and planning says so
    open_public = tenant.facts.major == 14 and not tenant.facts.superuser
    with tenant.connect(tenant.roles.app_a) as session:
        allowed = [each for each in FORBIDDEN_TO_THE_PROXY if not is_refused(session, each, names)]
        assert session.execute("SELECT count(*) FROM litellm_operator.migration_runs").fetchone() == (0,)
    assert allowed == (["CREATE TABLE public.planted ()"] if open_public else [])


async def test_the_migrator_owns_the_schema_and_nothing_around_it(tenant: Tenant) -> None:
    names = every_name(tenant)
    with tenant.connect(tenant.roles.migrator) as session:
        allowed = [each for each in FORBIDDEN_TO_THE_MIGRATOR if not is_refused(session, each, names)]
        session.execute("RESET ROLE")
        allowed += [each for each in FORBIDDEN_TO_THE_MIGRATOR if not is_refused(session, each, names)]
    assert allowed == []


async def test_the_migrator_cannot_open_the_database(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.migrator) as session:
        for grant in ("GRANT CONNECT ON DATABASE {database} TO PUBLIC", "GRANT ALL ON DATABASE {database} TO PUBLIC"):
            is_refused(session, grant, every_name(tenant))  # or only warned about: what counts is what is so
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.database is not None
    assert found.database.public_rights == set()


async def test_the_migrator_writes_its_run_and_the_proxy_reads_it(tenant: Tenant) -> None:
    with tenant.connect(tenant.roles.migrator) as session:
        session.execute(
            "INSERT INTO litellm_operator.migration_runs"
            " (job, bundle, digest, ledger_before, outcome, total, operator_version)"
            " VALUES ('j', '0.4.39', 'sha256:1', 'l', 'Running', 3, '0.1.0')"
        )
        session.execute(
            "UPDATE litellm_operator.migration_runs SET outcome = 'Migrated', verified = true, finished_at = now()"
        )
    state, inside = await tenant.look()
    assert state == "Works"
    assert inside is not None
    assert inside.verified == {"sha256:1"}


async def test_nobody_enters_a_database_but_its_own_logins(make_tenant: MakeTenant) -> None:
    one = await (await make_tenant("_one")).provision()
    other = await (await make_tenant("_other")).provision()
    for login in (one.roles.app_a, one.roles.migrator):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            one.connect(login, other.database)


async def test_a_fresh_database_lets_nobody_in_before_it_is_prepared(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant("")
    await tenant.gateway.shape_roles(tenant.shape(), tenant.facts)
    await tenant.gateway.create_database(tenant.database)
    await tenant.set_password(tenant.roles.app_a)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        tenant.connect(tenant.roles.app_a)
    assert await tenant.look() == ("ShutOut", None)


async def test_what_public_was_given_is_found_and_taken(tenant: Tenant) -> None:
    with tenant.server.connect() as superuser:
        execute(superuser, "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO PUBLIC", database=tenant.database)
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.database is not None
    assert found.database.public_rights == {"CONNECT", "TEMPORARY"}
    await tenant.gateway.restrict_database(tenant.database)
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.database is not None
    assert found.database.public_rights == set()


async def test_a_database_made_by_others_lets_everybody_in_and_shows_it(tenant: Tenant) -> None:
    name = DatabaseName(f"{tenant.database}_foreign")
    with tenant.server.connect() as superuser:
        execute(superuser, "CREATE DATABASE {name}", name=name)
    found = (await tenant.gateway.fetch_catalog(name)).database
    assert found is not None
    assert found.owner == "postgres"
    assert found.public_rights == {"CONNECT", "TEMPORARY"}


async def test_logins_that_were_shut_out_are_let_in_again(tenant: Tenant) -> None:
    with tenant.server.connect() as superuser:
        for statement in ("SET ROLE {admin}", "REVOKE CONNECT ON DATABASE {database} FROM {app}, {migrator}"):
            execute(superuser, statement, **every_name(tenant))
    assert await tenant.look() == ("ShutOut", None)
    await tenant.gateway.admit_logins(AdmitLogins(database=tenant.database, roles=tenant.roles))
    assert (await tenant.look())[0] == "Works"


async def test_preparing_twice_changes_nothing(tenant: Tenant) -> None:
    before = await tenant.gateway.fetch_catalog(tenant.database)
    with in_schema(tenant.connect(tenant.roles.migrator), tenant) as session:
        session.execute("CREATE TABLE made (id serial)")
    await tenant.prepare()
    assert await tenant.gateway.fetch_catalog(tenant.database) == before
    with in_schema(tenant.connect(tenant.roles.app_a), tenant) as session:
        session.execute("SELECT * FROM made")


async def test_a_membership_that_was_weakened_is_missing(tenant: Tenant) -> None:
    weakened = Membership(group=tenant.roles.app, member=tenant.roles.app_a, inherit=True)
    with tenant.server.connect() as superuser:
        statement = (
            "GRANT {app} TO {app_a} WITH INHERIT FALSE GRANTED BY {admin}"
            if tenant.facts.major >= 16
            else "ALTER ROLE {app_a} NOINHERIT"
        )
        execute(superuser, statement, app=tenant.roles.app, app_a=tenant.roles.app_a, admin=tenant.facts.admin)
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert weakened not in found.memberships


async def test_the_migrator_is_let_in_until_its_time_is_over(tenant: Tenant) -> None:
    roles, past = tenant.roles, datetime.now(UTC) - timedelta(minutes=1)
    password = tenant.passwords[roles.migrator]
    await tenant.gateway.unlock_migrator(roles.migrator, password, valid_until=datetime.now(UTC) + timedelta(hours=1))
    tenant.connect(roles.migrator).close()
    assert (await tenant.gateway.fetch_catalog(tenant.database)).migrator_unlocked
    await tenant.gateway.unlock_migrator(roles.migrator, password, valid_until=past)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        tenant.connect(roles.migrator)
    await tenant.gateway.lock_login(roles.migrator)
    assert not (await tenant.gateway.fetch_catalog(tenant.database)).migrator_unlocked


async def test_the_mark_can_be_written_anew(tenant: Tenant) -> None:
    mark = make_mark("u-2")
    step = ShapeRoles(create=(), alter=(), grant=(), mark=mark, owner=tenant.roles.owner)
    await tenant.gateway.shape_roles(step, tenant.facts)
    assert (await tenant.gateway.fetch_catalog(tenant.database)).mark == mark


async def test_public_has_nothing_on_the_schemas(tenant: Tenant) -> None:
    with tenant.server.connect(tenant.database) as superuser:
        rows = superuser.execute(
            "SELECT nspname FROM pg_namespace, aclexplode(nspacl) WHERE grantee = 0 AND nspname = ANY (%s)",
            [[tenant.schema, "litellm_operator"]],
        ).fetchall()
    assert rows == []
