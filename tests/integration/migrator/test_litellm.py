"""LiteLLM's own migrations on real servers: from nothing, from an older release, and when there is nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import errors, sql

from litellm_database_operator.model.bundle import ledger_fingerprint
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome
from tests.integration.migrator.place import Place
from tests.support.postgres_server import PostgresServer

OLD, NEW = "0.4.39", "0.4.110"


def test_an_empty_database_is_brought_to_the_older_bundle(
    any_postgres: PostgresServer, place_on: Callable[..., Place], library: Path
) -> None:
    place = place_on(any_postgres)
    ended = place.run(library, OLD)
    assert ended.report.outcome is Outcome.MIGRATED
    assert (ended.code, ended.report.applied, ended.report.total) == (0, 77, 77)
    assert place.applied() == sorted(place.applied(), key=str.encode)
    assert ended.report.ledger == ledger_fingerprint(place.applied())
    assert place.history() == [("Migrated", 77, 77, True, None)]


@pytest.mark.parametrize("major", [16, 18])
def test_an_empty_database_is_brought_to_the_newest_bundle(
    major: int, server_of_major: Callable[[int], PostgresServer], place_on: Callable[..., Place], library: Path
) -> None:
    place = place_on(server_of_major(major))
    ended = place.run(library, NEW)
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 220)
    assert {row[1:] for row in place.ledger()} == {(True, False, 1, None)}
    built = sql.SQL("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
    assert place.fetch(built) == [(0,)]
    assert len(ended.report.missing) == 0


@pytest.mark.parametrize("major", [16, 18])
def test_an_older_database_goes_forward_and_then_has_nothing_to_do(
    major: int, server_of_major: Callable[[int], PostgresServer], place_on: Callable[..., Place], library: Path
) -> None:
    place = place_on(server_of_major(major))
    place.run(library, OLD)
    forward = place.run(library, NEW)
    assert (forward.report.outcome, forward.report.applied, forward.report.total) == (Outcome.MIGRATED, 143, 220)
    again = place.run(library, NEW)
    assert (again.report.outcome, again.report.applied) == (Outcome.NOTHING_TO_DO, 0)
    assert again.report.ledger == forward.report.ledger
    assert [outcome for outcome, *_ in place.history()] == ["Migrated", "Migrated", "NothingToDo"]


def test_views_belong_to_the_owner_and_an_existing_one_is_kept(place: Place, library: Path) -> None:
    place.run(library, OLD)
    views = sql.SQL("SELECT viewname, viewowner FROM pg_views WHERE schemaname = 'public' ORDER BY 1")
    made = place.fetch(views)
    assert len(made) == 8
    assert {owner for _, owner in made} == {f"{place.database}_owner"}
    with place.connect_as_migrator() as session:
        session.execute('DROP VIEW "DailyTagSpend", "MonthlyGlobalSpend"')
        session.execute('CREATE VIEW "DailyTagSpend" AS SELECT 1 AS mine')
    ended = place.run(library, OLD)
    assert ended.report.outcome is Outcome.MIGRATED
    assert place.fetch(views) == made
    assert place.fetch(sql.SQL('SELECT mine FROM "DailyTagSpend"')) == [(1,)]


def test_the_proxy_may_read_the_ledger_and_not_write_it(place: Place, library: Path) -> None:
    place.run(library, OLD)
    with place.connect() as session:
        session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"{place.database}_app")))
        assert session.execute("SELECT count(*) FROM _prisma_migrations").fetchall() == [(77,)]
        for statement in ("DELETE FROM _prisma_migrations", "UPDATE _prisma_migrations SET logs = ''"):
            with pytest.raises(errors.InsufficientPrivilege):
                session.execute(statement)


def test_a_schema_with_quotes_and_spaces_holds_everything(
    postgres: PostgresServer, place_on: Callable[..., Place], library: Path
) -> None:
    place = place_on(postgres, schema='My "LLM\\ schema')
    ended = place.run(library, OLD)
    assert ended.report.outcome is Outcome.MIGRATED
    assert len(place.applied()) == 77
    elsewhere = sql.SQL("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    assert place.fetch(elsewhere) == [(0,)]
    assert place.run(library, OLD).report.outcome is Outcome.NOTHING_TO_DO


def test_a_column_that_somebody_dropped_is_missed_by_name(place: Place, library: Path) -> None:
    place.run(library, OLD)
    with place.connect() as session:
        session.execute('ALTER TABLE "LiteLLM_TeamTable" DROP COLUMN blocked')
    ended = place.run(library, OLD)
    assert ended.code == 1
    assert ended.report.failure is not None
    assert ended.report.failure.reason is Reason.SCHEMA_INCOMPLETE
    assert ended.report.missing == ("column LiteLLM_TeamTable.blocked",)
    assert place.history()[-1] == ("Failed", 0, 77, False, "SchemaIncomplete")
