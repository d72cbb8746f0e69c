"""The operator's own schema, as Prisma's tools find it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from litellm_database_operator.migrator.judge import Judge
from litellm_database_operator.migrator.settings import Login as MigratorLogin
from litellm_database_operator.model.names import OPERATOR_SCHEMA, RoleName
from litellm_database_operator.model.secret import Password
from litellm_database_operator.postgres.history import read_history
from tests.support.tenant import HISTORY, Tenant

NODE = str(Path(sys.prefix) / "bin/node")
MakeTenant = Callable[[str], Awaitable[Tenant]]


async def test_the_ledger_is_prismas(tenant: Tenant) -> None:
    with tenant.server.connect(tenant.database) as superuser:
        rows = superuser.execute(
            "SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at, applied_steps_count, logs"
            " FROM litellm_operator._prisma_migrations ORDER BY migration_name"
        ).fetchall()
    expected = [(each.name, each.checksum, True, None, 1, None) for each in read_history(HISTORY).migrations]
    assert rows == expected


async def test_a_later_migration_is_added_by_the_next_preparation(tenant: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    for migration in read_history(HISTORY).migrations:
        (folder / migration.name).mkdir(parents=True)
        (folder / migration.name / "migration.sql").write_bytes(migration.script)
    later = folder / "29990101000000_later"
    later.mkdir()
    (later / "migration.sql").write_text(
        'ALTER TABLE "litellm_operator"."migration_runs" ADD COLUMN "later" TEXT;\n-- ends in a comment'
    )
    await tenant.gateway.prepare_database(tenant.preparation(), tenant.facts, tmp_path)
    await tenant.gateway.prepare_database(tenant.preparation(), tenant.facts, tmp_path)
    with tenant.connect(tenant.roles.app_a) as session:
        session.execute("SELECT later FROM litellm_operator.migration_runs")


async def test_preparing_does_all_or_nothing(make_tenant: MakeTenant, tmp_path: Path) -> None:
    tenant = await make_tenant("")
    await tenant.gateway.shape_roles(tenant.shape(), tenant.facts)
    await tenant.gateway.create_database(tenant.database)
    broken = tmp_path / "migrations/20260101000000_broken"
    broken.mkdir(parents=True)
    (broken / "migration.sql").write_text("CREATE TABLE litellm_operator.migration_runs (); SELECT 1 / 0")
    try:
        await tenant.gateway.prepare_database(tenant.preparation(), tenant.facts, tmp_path)
    except Exception as error:  # noqa: BLE001
        assert "22012" in str(error)  # noqa: PT017
    found = await tenant.gateway.fetch_catalog(tenant.database)
    assert found.database is not None
    assert found.database.connecting == set()
    await tenant.prepare()


async def test_prismas_own_engine_finds_nothing_missing_and_nothing_to_apply(tenant: Tenant) -> None:
    login = MigratorLogin(
        host=tenant.server.host,
        port=tenant.server.port,
        database=tenant.database,
        schema=OPERATOR_SCHEMA,
        username=RoleName(tenant.server.superuser.user),
        password=Password(tenant.server.superuser.password),
        app=tenant.roles.app,
        tls="disable",
        ca=None,
    )
    with Judge(node=NODE, engine=HISTORY / "engine/main.js", login=login) as judge:
        diagnosis = judge.diagnose(
            {
                each.name: HISTORY / "migrations" / each.name / "migration.sql"
                for each in read_history(HISTORY).migrations
            }
        )
        assert judge.compare(HISTORY / "schema.prisma") == ()
    assert (diagnosis.failed, diagnosis.edited, diagnosis.unapplied, diagnosis.unknown) == ((), (), (), ())
