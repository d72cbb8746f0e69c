"""What people did to a database before its upgrade, and what an upgrade makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome
from tests.integration.migrator.place import Place

OLD, NEW = "0.4.39", "0.4.110"
COLUMNS = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
BASELINED = """
    UPDATE _prisma_migrations SET finished_at = started_at, applied_steps_count = 0
    WHERE migration_name <> (SELECT max(migration_name) FROM _prisma_migrations)
"""
"""As `prisma migrate resolve --applied` leaves a row: whoever baselined a database did that for most of them."""
ADDED = (
    'CREATE INDEX mine ON "LiteLLM_SpendLogs" (spend) WHERE spend > 1',
    'ALTER TABLE "LiteLLM_TeamTable" ADD COLUMN cost_centre TEXT',
)


def catalogue(place: Place) -> list[tuple[Any, ...]]:
    return sorted(place.fetch(sql.SQL(COLUMNS)) + place.fetch(sql.SQL(INDEXES)))


def test_a_baselined_database_is_brought_forward_in_one_run(place: Place, library: Path) -> None:
    place.run(library, OLD)
    with place.connect() as session:
        session.execute(BASELINED)
    ended = place.run(library, NEW, LITELLMDB_POLICY="Auto")
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 143)
    assert place.run(library, NEW).report.outcome is Outcome.NOTHING_TO_DO


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        pytest.param(
            'ALTER TABLE "LiteLLM_UserTable" DROP COLUMN user_alias', "column LiteLLM_UserTable.user_alias", id="column"
        ),
        pytest.param('DROP TABLE "LiteLLM_CronJob"', "table LiteLLM_CronJob", id="table"),
    ],
)
def test_what_is_missing_is_told_and_never_made_out_of_a_diff(
    place: Place, library: Path, lost: str, told: str
) -> None:
    place.run(library, OLD)
    with place.connect() as session:
        session.execute(lost.encode())
    before = catalogue(place)
    ended = place.run(library, OLD)
    assert ended.report.failure is not None
    assert ended.report.failure.reason is Reason.SCHEMA_INCOMPLETE
    assert len(ended.report.missing) == 1
    assert ended.report.missing[0].startswith(told)
    assert catalogue(place) == before


def test_what_an_administrator_added_survives_an_upgrade(place: Place, library: Path) -> None:
    place.run(library, OLD)
    before = catalogue(place)
    with place.connect() as session:
        for statement in ADDED:
            session.execute(statement.encode())
    added = set(catalogue(place)) - set(before)
    ended = place.run(library, NEW, LITELLMDB_POLICY="Auto")
    assert (ended.report.outcome, ended.report.missing) == (Outcome.MIGRATED, ())
    assert len(added) == len(ADDED)
    assert added <= set(catalogue(place))
    assert place.run(library, NEW).report.outcome is Outcome.NOTHING_TO_DO
