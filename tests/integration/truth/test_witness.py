"""The witness sees what is done to a database: it is what the migrator's verdicts are held against."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Final, LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.support.postgres_server import MAJORS, PostgresServer, drop_everything_named
from tests.truth.catalogue import Fact, read_catalogue
from tests.truth.tampering import TAMPERINGS, Tampering, take_away
from tests.truth.witness import Comparison, compare, read_unrecorded

_MADE: LiteralString = """
CREATE TYPE "JobStatus" AS ENUM ('ACTIVE', 'INACTIVE');
CREATE TABLE apart (id INTEGER);
CREATE TABLE team (id TEXT PRIMARY KEY, name TEXT NOT NULL, members INTEGER NOT NULL DEFAULT 0);
CREATE TABLE key (id BIGSERIAL PRIMARY KEY, team_id TEXT REFERENCES team (id), spend NUMERIC (10, 2) CHECK (spend >= 0),
                  status "JobStatus" NOT NULL, seats INTEGER NOT NULL, note TEXT COLLATE "C");
CREATE INDEX "LiteLLM_SpendLogs_api_key_startTime_idx" ON key (note, seats);
CREATE UNIQUE INDEX key_note ON key (note);
CREATE UNIQUE INDEX key_seats ON key (seats) WHERE note IS NULL;
CREATE VIEW spending AS SELECT team_id, sum(spend) AS spend FROM key GROUP BY team_id;
CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER bumping AFTER INSERT ON key FOR EACH STATEMENT EXECUTE FUNCTION bump();
CREATE TABLE _prisma_migrations (migration_name TEXT, finished_at TIMESTAMPTZ, rolled_back_at TIMESTAMPTZ);
INSERT INTO _prisma_migrations VALUES ('1_first', now()), ('2_second', now());
"""
_NAMES = ("1_first", "2_second")


AWKWARD: Final = 'My "LLM\\ schema'


@pytest.fixture(scope="module", params=MAJORS, ids=lambda major: f"PostgreSQL {major}")
def database(
    request: pytest.FixtureRequest, server_of_major: Callable[[int], PostgresServer]
) -> Iterator[psycopg.Connection]:
    """Give a session in a database that holds something of every kind, in two schemas."""
    server, name = server_of_major(request.param), f"w{secrets.token_hex(4)}"
    with server.connect() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    with server.connect(name) as inside:
        for schema in ("public", AWKWARD):
            _enter(inside, schema)
            inside.execute(_MADE)
        yield inside
    drop_everything_named(server, name)


@pytest.fixture
def session(database: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Give the session, in public; what a test does is undone."""
    with database.transaction(force_rollback=True):
        _enter(database, "public")
        yield database


def _enter(session: psycopg.Connection, schema: str) -> None:
    names = {"schema": sql.Identifier(schema)}
    session.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path = {schema}").format(**names))


def _schema(session: psycopg.Connection) -> str:
    return str(session.execute("SELECT current_schema()").fetchall()[0][0])


def _read(session: psycopg.Connection) -> frozenset[Fact]:
    return read_catalogue(session, _schema(session), roles="nobody")


def _compare(session: psycopg.Connection, before: frozenset[Fact]) -> Comparison:
    unrecorded = read_unrecorded(session, _schema(session), _NAMES)
    return compare(_read(session), reference=before, unrecorded=unrecorded)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.name)
def test_whatever_is_taken_away_is_missed(session: psycopg.Connection, tampering: Tampering) -> None:
    before = _read(session)
    assert _compare(session, before).told == "complete"
    taken = take_away(session, tampering, seed="")
    assert taken is not None
    assert not _compare(session, before).complete


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        pytest.param("ALTER TABLE team OWNER TO pg_monitor", "table team", id="owner"),
        pytest.param("GRANT SELECT ON team TO PUBLIC", "table team", id="grant"),
        pytest.param("ALTER TABLE team SET (fillfactor = 50)", "table team", id="storage option"),
        pytest.param("ALTER TABLE team ENABLE ROW LEVEL SECURITY", "table team", id="row level security"),
        pytest.param("ALTER TABLE apart SET UNLOGGED", "table apart", id="persistence"),
        pytest.param("ALTER TABLE team ALTER members SET DEFAULT 1", "column team.members", id="another default"),
        pytest.param("ALTER TABLE key ALTER note TYPE TEXT", "column key.note", id="collation"),
        pytest.param("ALTER TABLE key ALTER note SET NOT NULL", "column key.note", id="NOT NULL more than before"),
        pytest.param("ALTER TYPE \"JobStatus\" ADD VALUE 'A' BEFORE 'ACTIVE'", "enum JobStatus", id="order of labels"),
        pytest.param(
            "CREATE OR REPLACE VIEW spending AS SELECT '' AS team_id, 0.0 AS spend", "view spending", id="view"
        ),
        pytest.param("ALTER TABLE key DISABLE TRIGGER bumping", "trigger key.bumping", id="disabled trigger"),
        pytest.param("ALTER FUNCTION bump() SECURITY DEFINER", "function bump", id="whose rights a function has"),
        pytest.param("ALTER SEQUENCE key_id_seq INCREMENT 2", "sequence key_id_seq.range", id="sequence"),
        pytest.param("ALTER SEQUENCE key_id_seq OWNED BY NONE", "sequence key_id_seq.range", id="sequence's owner"),
        pytest.param(
            "DROP INDEX key_note; CREATE INDEX key_note ON key (note)", "index key.key_note", id="unique no more"
        ),
    ],
)
def test_a_thing_of_another_kind_than_before_is_missed(
    session: psycopg.Connection, statement: LiteralString, missing: str
) -> None:
    before = _read(session)
    session.execute(statement)
    assert missing in _compare(session, before).missing


def test_what_is_there_beyond_is_no_gap(session: psycopg.Connection) -> None:
    before = _read(session)
    session.execute("CREATE INDEX beyond ON key (seats)")
    seen = _compare(session, before)
    assert seen.complete
    assert seen.extra == ("index key.beyond",)


def test_a_schema_of_another_name_holds_the_same(session: psycopg.Connection) -> None:
    before = _read(session)
    _enter(session, AWKWARD)
    assert _compare(session, before).told == "complete"
    assert _read(session) == before


def test_a_row_that_was_begun_again_and_not_ended_is_unrecorded(session: psycopg.Connection) -> None:
    session.execute("INSERT INTO _prisma_migrations VALUES ('1_first', NULL)")
    assert read_unrecorded(session, _schema(session), _NAMES) == ["1_first"]
    session.execute("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL")
    assert read_unrecorded(session, _schema(session), _NAMES) == []
