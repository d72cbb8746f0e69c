"""The queries of docs/spec/history.md, against runs that were."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from litellm_database_operator.model.report import Outcome
from tests.integration.migrator.place import MIGRATIONS, TOP, Place, make_bundle

PAGE: Final = (TOP / "docs/spec/history.md").read_text()
QUERIES: Final = [query.strip() for query in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)]
FIRST = MIGRATIONS | {"20250104000000_note": 'ALTER TABLE "LiteLLM_Key" ADD COLUMN note TEXT'}
DROPS = {"20250105000000_gone": 'ALTER TABLE "LiteLLM_Key" DROP COLUMN note'}
COLUMNS = sql.SQL(
    "SELECT attname FROM pg_attribute WHERE attrelid = 'litellm_operator.migration_runs'::regclass AND attnum > 0"
)


@pytest.fixture
def past(place: Place, tmp_path: Path) -> Place:
    """Give a database that was made, waited, was let pass, and drifted."""
    make_bundle(tmp_path, "1", migrations=FIRST)
    make_bundle(tmp_path, "2", migrations=FIRST | DROPS)
    place.run(tmp_path, "1")
    with place.connect() as session:
        session.execute("""INSERT INTO "LiteLLM_Key" (token, alias, note) VALUES ('t', 'a', 'n')""")
    waiting = place.run(tmp_path, "2").report
    assert waiting.plan is not None
    assert place.run(tmp_path, "2", LITELLMDB_APPROVED=waiting.plan.digest).report.outcome is Outcome.MIGRATED
    with place.connect() as session:
        session.execute('ALTER TABLE "LiteLLM_Key" DROP COLUMN spend')
    place.run(tmp_path, "2")
    return place


def rows(place: Place, query: str) -> list[dict[str, Any]]:
    """Run a query as the page has it, in a session that nothing of ours has prepared."""
    with place.server.connect(place.database) as session, session.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


def test_its_queries_answer_what_they_promise(past: Place) -> None:
    happened, ran, lost, unapproved, compared = (rows(past, query) for query in QUERIES)
    assert [row["outcome"] for row in reversed(happened)] == ["Migrated", "AwaitingApproval", "Migrated", "Failed"]
    assert [(row["files"], row["passed"]) for row in ran] == [(sorted(FIRST), "by policy"), ([*DROPS], "approved")]
    assert [(row["file"], row["what"], row["there_were_rows"], row["approved"]) for row in lost] == [
        (next(iter(DROPS)), 'DROP COLUMN "note" of "LiteLLM_Key"', True, True)
    ]
    assert [(row["bundle"], row["applied"]) for row in unapproved] == [("1", 4)]
    assert [(row["bundle"], row["verified"], row["missing"]) for row in compared] == [
        ("1", True, []),
        ("2", False, ["column LiteLLM_Key.spend"]),
    ]


def test_every_column_is_told(place: Place) -> None:
    told = {
        name
        for line in PAGE.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert told == {name for (name,) in place.fetch(COLUMNS)}
