"""Our own history in databases that exist: brought to what this operator writes, whatever a tenant does meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from psycopg import errors

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.model.observed import InsideFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.planning.steps import ExtendHistory
from litellm_database_operator.postgres.history import HistoryMigration, read_history
from tests.integration.postgres.conftest import tenants
from tests.support.postgres_server import PostgresServers
from tests.support.tenant import HISTORY, Tenant

MakeTenant = Callable[[str], Awaitable[Tenant]]
OURS = read_history(HISTORY).migrations
LATER = "29990101000000_later"
NAMES = tuple(each.name for each in OURS)


def folder_of(folder: Path, migrations: Iterable[HistoryMigration], **more: str) -> Path:
    """Write the history of another version of the operator."""
    for name, script in [*((each.name, each.script.decode()) for each in migrations), *more.items()]:
        place = folder / "migrations" / name
        place.mkdir(parents=True)
        (place / "migration.sql").write_text(script)
    return folder


@pytest.fixture
async def older(make_tenant: MakeTenant, tmp_path: Path) -> Tenant:
    """Give a database as the version before made it: the first file alone, and its ledger for nobody to read."""
    return await _made_before(await make_tenant(""), tmp_path)


@pytest.fixture
async def older_on_16(make_named: MakeTenant, tmp_path: Path) -> Tenant:
    """Give the same where the version makes no difference."""
    return await _made_before(await make_named(""), tmp_path)


async def _made_before(tenant: Tenant, folder: Path) -> Tenant:
    await tenant.provision(folder_of(folder, OURS[:1]))
    _as_superuser(tenant, "REVOKE SELECT ON litellm_operator._prisma_migrations FROM {roles.app}")
    return tenant


def _as_superuser(tenant: Tenant, statement: str) -> None:
    text = statement.format(roles=tenant.roles, database=tenant.database, schema=tenant.schema)
    with tenant.server.connect(tenant.database) as session:
        session.execute(text.encode())


def _step(tenant: Tenant) -> ExtendHistory:
    return ExtendHistory(database=tenant.database, roles=tenant.roles, needed=True)


async def _extend(tenant: Tenant, folder: Path = HISTORY) -> None:
    await tenant.gateway.extend_history(_step(tenant), folder)


async def _inside(tenant: Tenant) -> InsideFacts:
    _, inside = await tenant.look()
    assert inside is not None
    return inside


async def test_a_database_of_the_version_before_is_as_one_made_now(older: Tenant, make_tenant: MakeTenant) -> None:
    assert (await _inside(older)).history == set()
    await _extend(older)
    assert (await _inside(older)).history == set(NAMES)
    fresh = await (await make_tenant("_fresh")).provision()
    assert _snapshot(older) == _snapshot(fresh)


def _snapshot(tenant: Tenant) -> object:
    """Return all that the history's schema is, with no name of this database's."""
    with tenant.server.connect(tenant.database) as session:
        found = [session.execute(query.encode()).fetchall() for query in _SNAPSHOT]
    return repr(found).replace(tenant.facts.admin, "ADMIN").replace(tenant.database, "D")


_SNAPSHOT = (
    """SELECT relname, relkind, relowner::regrole::text,
              ARRAY(SELECT acl::text FROM unnest(relacl) AS acl ORDER BY 1), relhastriggers
         FROM pg_class WHERE relnamespace = 'litellm_operator'::regnamespace ORDER BY 1""",
    """SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attacl::text,
              pg_get_expr(adbin, adrelid)
         FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'litellm_operator'::regnamespace AND relkind = 'r' AND attnum > 0 ORDER BY 1, attnum""",
    """SELECT nspname, nspowner::regrole::text, ARRAY(SELECT acl::text FROM unnest(nspacl) AS acl ORDER BY 1)
         FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1""",
    "SELECT migration_name, checksum FROM litellm_operator._prisma_migrations ORDER BY 1",
    "SELECT count(*) FROM pg_proc WHERE pronamespace = 'litellm_operator'::regnamespace",
)


async def test_the_migrator_writes_the_new_columns_and_the_proxy_only_reads(older: Tenant) -> None:
    await _extend(older)
    with older.connect(older.roles.migrator) as session:
        session.execute(
            "INSERT INTO litellm_operator.migration_runs (job, bundle, digest, ledger_before, outcome, total,"
            " operator_version, pending, breaks) VALUES ('j', 'b', 'd', '', 'Running', 1, 'v', '{a}', false)"
        )
        session.execute("UPDATE litellm_operator.migration_runs SET missing = '{}', plan = '{}'")
    with older.connect(older.roles.app_a) as session:
        session.execute("SELECT plan, missing FROM litellm_operator.migration_runs")
        session.execute("SELECT migration_name FROM litellm_operator._prisma_migrations")
    for statement in (
        "INSERT INTO litellm_operator._prisma_migrations (id, checksum, migration_name) VALUES ('1', '', 'x')",
        "DELETE FROM litellm_operator._prisma_migrations",
        "UPDATE litellm_operator.migration_runs SET missing = NULL",
        "LOCK TABLE litellm_operator._prisma_migrations IN ROW EXCLUSIVE MODE",
        "LOCK TABLE litellm_operator._prisma_migrations IN SHARE MODE",
        "CREATE TRIGGER t BEFORE INSERT ON litellm_operator._prisma_migrations EXECUTE FUNCTION f()",
    ):
        with older.connect(older.roles.app_a) as session:
            session.execute("BEGIN")
            with pytest.raises(errors.InsufficientPrivilege):
                session.execute(statement.encode())


async def test_what_was_recorded_stays(older: Tenant) -> None:
    with older.connect(older.roles.migrator) as session:
        session.execute(
            "INSERT INTO litellm_operator.migration_runs (job, bundle, digest, ledger_before, outcome, total, verified,"
            " applied, finished_at, operator_version) VALUES ('j', 'b', 'sha256:1', '', 'Migrated', 1, true, 1, now(),"
            " 'v')"
        )
    before = await _inside(older)
    assert before.verified == {"sha256:1"}
    await _extend(older)
    after = await _inside(older)
    assert after.judged == before.judged


async def test_doing_it_again_changes_nothing(older: Tenant) -> None:
    await _extend(older)
    before = _snapshot(older)
    await _extend(older)
    assert _snapshot(older) == before


async def test_two_operators_do_it_once(older_on_16: Tenant) -> None:
    tenant = older_on_16
    await asyncio.gather(*(_extend(tenant) for _ in range(4)))
    with tenant.server.connect(tenant.database) as session:
        rows = session.execute("SELECT migration_name FROM litellm_operator._prisma_migrations ORDER BY 1").fetchall()
    assert [name for (name,) in rows] == list(NAMES)


async def test_a_newer_history_than_ours_is_left(older_on_16: Tenant, tmp_path: Path) -> None:
    tenant = older_on_16
    more = 'ALTER TABLE "litellm_operator"."migration_runs" ADD COLUMN "more" TEXT'
    newer = folder_of(tmp_path / "newer", OURS, **{LATER: more})
    await _extend(tenant, newer)
    before = _snapshot(tenant)
    await _extend(tenant)
    assert _snapshot(tenant) == before
    assert (await _inside(tenant)).history == {*NAMES, LATER}


async def test_a_tenants_lock_is_waited_for_but_a_moment(older_on_16: Tenant) -> None:
    tenant = older_on_16
    with tenant.connect(tenant.roles.app_a) as session, session.transaction():
        session.execute("SELECT FROM litellm_operator.migration_runs")
        begun = time.monotonic()
        with pytest.raises(UnavailableError) as caught:
            await _extend(tenant)
        assert time.monotonic() - begun < 5
    assert caught.value.reason is Reason.SERVER_BUSY
    assert "a lock was not to be had in time" in caught.value.message
    assert (await _inside(tenant)).history == set()
    await _extend(tenant)
    assert (await _inside(tenant)).history == set(NAMES)


async def test_a_file_that_fails_leaves_nothing(older_on_16: Tenant, tmp_path: Path) -> None:
    tenant = older_on_16
    broken = folder_of(tmp_path / "broken", OURS, **{LATER: "SELECT 1 / 0"})
    before = _snapshot(tenant)
    with pytest.raises(UnavailableError, match="22012"):
        await _extend(tenant, broken)
    assert _snapshot(tenant) == before


async def test_a_schema_that_was_lost_in_a_restore_is_made_again(older_on_16: Tenant) -> None:
    tenant = older_on_16
    _as_superuser(tenant, "DROP SCHEMA litellm_operator CASCADE")
    assert (await _inside(tenant)).history == set()
    await _extend(tenant)
    assert (await _inside(tenant)).history == set(NAMES)


async def test_nothing_that_a_tenant_made_is_found_first(older_on_16: Tenant) -> None:
    """The owner role has a schema of its own; whatever it plants there, the admin's names are pinned."""
    tenant = older_on_16
    trap = "CREATE FUNCTION {}.{} LANGUAGE plpgsql AS $$BEGIN RAISE 'trap'; END$$"
    with tenant.connect(tenant.roles.migrator) as session:
        for planted in ("now() RETURNS timestamptz", "gen_random_uuid() RETURNS uuid"):
            session.execute(trap.format(tenant.schema, planted).encode())
    _as_superuser(tenant, "ALTER DATABASE {database} SET search_path = {schema}, pg_catalog")
    await _extend(tenant)
    assert (await _inside(tenant)).history == set(NAMES)


@pytest.fixture
async def faulty(postgres_servers: PostgresServers, unique_name: str, tmp_path: Path) -> AsyncIterator[Tenant]:
    """Give a database of the version before on a server that may be stopped."""
    server = postgres_servers.start()
    async with tenants(server, server.superuser, unique_name) as make:
        yield await _made_before(await make(""), tmp_path)


async def test_a_server_that_is_gone_or_a_standby_is_unavailable(faulty: Tenant) -> None:
    server = faulty.server
    server.stop()
    with pytest.raises(UnavailableError) as caught:
        await _extend(faulty)
    assert caught.value.reason is Reason.SERVER_UNREACHABLE
    standby = server.socket_folder / "data/standby.signal"
    standby.touch()
    os.chown(standby, standby.parent.stat().st_uid, standby.parent.stat().st_gid)
    server.start()
    with pytest.raises(UnavailableError) as caught:
        await _extend(faulty)
    assert caught.value.reason is Reason.SERVER_READ_ONLY
    standby.unlink()
    server.restart()
    await _extend(faulty)
    assert (await _inside(faulty)).history == set(NAMES)
