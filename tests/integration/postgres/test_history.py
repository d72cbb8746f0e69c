"""The operator's own schema, as Prisma's tools find it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from litellm_database_operator.postgres.history import read_history
from tests.support.tenant import HISTORY, Tenant

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
        'ALTER TABLE "litellm_operator"."migration_runs" ADD COLUMN "plan" TEXT;\n-- ends in a comment'
    )
    await tenant.gateway.prepare_database(tenant.preparation(), tenant.facts, tmp_path)
    await tenant.gateway.prepare_database(tenant.preparation(), tenant.facts, tmp_path)
    with tenant.connect(tenant.roles.app_a) as session:
        session.execute("SELECT plan FROM litellm_operator.migration_runs")


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
