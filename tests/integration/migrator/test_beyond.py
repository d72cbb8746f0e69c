"""What only migrations make, and no schema.prisma names: it is missed by name, on every major, in any schema."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from psycopg import sql

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome
from litellm_database_operator.model.schema_state import SchemaState
from tests.integration.migrator.conftest import PlaceMaker
from tests.integration.migrator.place import MIGRATIONS, Place, make_bundle
from tests.support.postgres_server import PostgresServer

BUNDLE: Final = "1"
BEYOND: Final = MIGRATIONS | {
    "20250104000000_beyond": """
        CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER "on key" AFTER INSERT ON "LiteLLM_Key" EXECUTE FUNCTION bump();
        CREATE INDEX IF NOT EXISTS "by_spend" ON "LiteLLM_Key" (alias) WHERE spend > 0;
        CREATE INDEX "by_lower" ON "LiteLLM_Key" (lower(alias));
        CREATE INDEX "gone" ON "LiteLLM_Key" (upper(alias));
        ALTER TABLE "LiteLLM_Key" ADD CONSTRAINT positive CHECK (spend >= 0);
        ALTER TABLE "LiteLLM_Key" ADD CONSTRAINT "one alias" EXCLUDE (alias WITH =);
    """,
    "20250105000000_renamed": 'ALTER INDEX "by_spend" RENAME TO "by_spend_2"; DROP INDEX "gone";',
    "20250106000000_perhaps": """
        DO $$ BEGIN
          IF to_regclass('nothing') IS NOT NULL THEN
            CREATE INDEX "perhaps" ON "LiteLLM_Key" (length(alias));
          END IF;
        END $$
    """,
}
TAKEN: Final = {
    'DROP TRIGGER "on key" ON "LiteLLM_Key"': ("trigger LiteLLM_Key.on key",),
    "DROP FUNCTION bump() CASCADE": ("function bump", "trigger LiteLLM_Key.on key"),
    'DROP INDEX "by_spend_2"': ("index LiteLLM_Key.by_spend_2",),
    'DROP INDEX "by_lower"': ("index LiteLLM_Key.by_lower",),
    'ALTER TABLE "LiteLLM_Key" DROP CONSTRAINT positive': ("constraint LiteLLM_Key.positive",),
    'ALTER TABLE "LiteLLM_Key" DROP CONSTRAINT "one alias"': ("constraint LiteLLM_Key.one alias",),
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Give a library with a bundle that makes one of each."""
    return make_bundle(tmp_path / "library", BUNDLE, migrations=BEYOND)


def do(place: Place, statement: str) -> None:
    with place.connect() as session:
        session.execute(statement.encode())


@pytest.mark.parametrize(("major", "schema"), [(14, "public"), (16, 'My "LLM\\ schema'), (18, "public")])
def test_each_is_missed_by_name_and_never_made_again(
    server_of_major: Callable[[int], PostgresServer], place_on: PlaceMaker, bundle: Path, major: int, schema: str
) -> None:
    place = place_on(server_of_major(major), schema=schema)
    assert place.run(bundle, BUNDLE).report.outcome is Outcome.MIGRATED
    assert place.run(bundle, BUNDLE).report.outcome is Outcome.NOTHING_TO_DO
    so_far: list[str] = []
    for statement, names in TAKEN.items():
        do(place, statement)
        so_far += [name for name in names if name not in so_far]
        ended = place.run(bundle, BUNDLE)
        assert ended.report.failure is not None
        assert (ended.report.state, ended.report.failure.reason) == (SchemaState.DRIFTED, Reason.SCHEMA_INCOMPLETE)
        assert sorted(ended.report.missing) == sorted(so_far)


def test_what_is_put_back_is_no_longer_missed(place: Place, bundle: Path) -> None:
    place.run(bundle, BUNDLE)
    do(place, 'DROP INDEX "by_lower"')
    assert place.run(bundle, BUNDLE).report.missing == ("index LiteLLM_Key.by_lower",)
    do(place, 'CREATE INDEX "by_lower" ON "LiteLLM_Key" (lower(alias))')
    assert place.run(bundle, BUNDLE).report.outcome is Outcome.NOTHING_TO_DO


def test_an_old_database_owes_what_the_old_file_made(place: Place, tmp_path: Path) -> None:
    """LiteLLM rewrites its files: what the newer text makes under another name, the older one did not."""
    library = make_bundle(tmp_path / "library", BUNDLE, migrations=BEYOND)
    newer = BEYOND | {"20250104000000_beyond": BEYOND["20250104000000_beyond"].replace("by_lower", "by_lower_case")}
    make_bundle(library, "2", migrations=newer | {"20250107000000_later": "SELECT 1"})
    place.run(library, BUNDLE)
    assert place.run(library, "2").report.outcome is Outcome.MIGRATED
    do(place, 'DROP INDEX "by_lower"')
    assert place.run(library, "2").report.missing == ("index LiteLLM_Key.by_lower",)


def test_a_file_that_no_bundle_has_may_have_done_anything(place: Place, bundle: Path) -> None:
    place.run(bundle, BUNDLE)
    do(place, 'DROP INDEX "by_lower"')
    row = sql.SQL(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at) "
        "VALUES ('x', {}, '20250104500000_own', now(), now())"
    )
    with place.connect() as session:
        session.execute(row.format(sql.Literal(hashlib.sha256(b"DROP INDEX by_lower").hexdigest())))
    assert place.run(bundle, BUNDLE).report.outcome is Outcome.NOTHING_TO_DO


def test_a_partitioned_table_has_them_too(any_postgres: PostgresServer, place_on: PlaceMaker, tmp_path: Path) -> None:
    place = place_on(any_postgres)
    table = BEYOND | {
        "20250101000000_keys": 'CREATE TABLE "LiteLLM_Key" (token TEXT NOT NULL, CONSTRAINT "LiteLLM_Key_pkey" '
        "PRIMARY KEY (token)) PARTITION BY HASH (token); "
        'CREATE TABLE "LiteLLM_Key_p0" PARTITION OF "LiteLLM_Key" FOR VALUES WITH (MODULUS 1, REMAINDER 0)',
        "20250104000000_beyond": BEYOND["20250104000000_beyond"].rsplit("ALTER TABLE", 1)[0],
    }
    library = make_bundle(tmp_path / "library", BUNDLE, migrations=table)
    assert place.run(library, BUNDLE).report.outcome is Outcome.MIGRATED
    do(place, 'DROP INDEX "by_spend_2"')
    assert place.run(library, BUNDLE).report.missing == ("index LiteLLM_Key.by_spend_2",)


def test_a_partial_index_that_is_invalid_is_built_anew(place: Place, bundle: Path) -> None:
    place.run(bundle, BUNDLE)
    do(place, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_spend_2'::regclass")
    assert place.run(bundle, BUNDLE).report.outcome is Outcome.MIGRATED
    assert place.run(bundle, BUNDLE).report.outcome is Outcome.NOTHING_TO_DO
