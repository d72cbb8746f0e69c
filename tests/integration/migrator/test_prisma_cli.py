"""Prisma's own command line as what applies the files: the same database, the same report, and no network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from psycopg import sql

from images.content import trim
from litellm_database_operator.migrator.prisma_cli.workspace import CLI_NAME
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome, parse
from tests.integration.migrator.place import MIGRATIONS, PASSWORD, TOP, Place, holding, make_bundle
from tests.support.catalogue import Catalogue, read_catalogue
from tests.support.postgres_server import PostgresServer, PostgresServers

OLD, NEW = "0.4.39", "0.4.110"
ODD: Final = 'a "b" c'
PlaceMaker = Callable[..., Place]


def cli(place: Place) -> dict[str, str]:
    return {"LITELLMDB_MIGRATION_ENGINE": "PrismaCLI", "LITELLMDB_WORKSPACE": str(place.folder / "workspace")}


def catalogue(place: Place) -> Catalogue:
    with place.connect() as session:
        return read_catalogue(session, place.schema, place.database)


@pytest.mark.parametrize("bundles", [[NEW], [OLD, NEW]], ids=["from empty", "an upgrade"])
def test_both_engines_make_the_same_database(
    bundles: list[str], place: Place, unique_name: str, tmp_path: Path, library: Path
) -> None:
    other = Place(server=place.server, database=f"{unique_name}_cli", schema="public", folder=tmp_path / "cli")
    other.folder.mkdir()
    other.prepare()
    for bundle in bundles:
        direct, by_cli = place.run(library, bundle), other.run(library, bundle, **cli(other))
        assert (by_cli.code, by_cli.report.outcome) == (0, Outcome.MIGRATED)
        assert (by_cli.report.applied, by_cli.report.ledger) == (direct.report.applied, direct.report.ledger)
        assert by_cli.report.plan == direct.report.plan
    assert catalogue(other) == catalogue(place)
    assert other.history() == place.history()


@pytest.mark.parametrize(("major", "schema"), [(14, "public"), (18, ODD)])
def test_each_server_and_any_schema_will_do(
    major: int,
    schema: str,
    server_of_major: Callable[[int], PostgresServer],
    place_on: PlaceMaker,
    library: Path,
) -> None:
    place = place_on(server_of_major(major), schema=schema)
    ended = place.run(library, OLD, **cli(place))
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 77)
    assert {row[1:] for row in place.ledger()} == {(True, False, 1, None)}
    again = place.run(library, OLD, **cli(place))
    assert (again.report.outcome, again.report.applied) == (Outcome.NOTHING_TO_DO, 0)


BROKEN: Final = MIGRATIONS | {
    "20250104000000_it's broken": "INSERT INTO \"LiteLLM_Key\" VALUES ('a-row-of-somebody', 'x', 1);\n"
    'CREATE TABLE "LiteLLM_More" (id int);\n'
    "INSERT INTO \"LiteLLM_Key\" VALUES ('a-row-of-somebody', 'x', 1);\n"
}


def test_a_failing_migration_is_named_leaves_nothing_and_can_be_tried_again(place: Place, tmp_path: Path) -> None:
    library = make_bundle(tmp_path / "library", "1", migrations=BROKEN)
    ended = place.run(library, "1", **cli(place))
    failure = ended.report.failure
    assert failure is not None
    assert (failure.reason, failure.prisma_code, failure.sqlstate) == (Reason.MIGRATION_FAILED, "P3018", "23505")
    assert failure.migration == "20250104000000_it's broken"
    assert failure.statement == "INSERT INTO \"LiteLLM_Key\" VALUES ('a-row-of-somebody', 'x', 1)"
    assert failure.server_message == 'duplicate key value violates unique constraint "LiteLLM_Key_pkey"'
    assert ended.report.applied == 3
    name, finished, rolled_back, *_ = place.ledger()[-1]
    assert (name, finished, rolled_back) == (failure.migration, False, True)
    assert place.fetch(sql.SQL('SELECT count(*), to_regclass(\'"LiteLLM_More"\') FROM "LiteLLM_Key"')) == [(0, None)]
    mended = make_bundle(tmp_path / "library", "2", migrations=BROKEN | {failure.migration: "SELECT 1"})
    assert place.run(mended, "2", **cli(place)).report.outcome is Outcome.MIGRATED


def test_a_syntax_error_is_told_by_its_place(place: Place, tmp_path: Path) -> None:
    broken = MIGRATIONS | {"20250104000000_x": "-- é\nSELECT 1;\nCREATE TABEL x ();\nSELECT 2;"}
    failure = place.run(make_bundle(tmp_path / "library", "1", migrations=broken), "1", **cli(place)).report.failure
    assert failure is not None
    assert (failure.sqlstate, failure.migration) == ("42601", "20250104000000_x")


COLUMN: Final = 'ALTER TABLE "LiteLLM_Key" ADD COLUMN more int'


def test_an_unfinished_row_that_may_have_left_something_stays(place: Place, tmp_path: Path) -> None:
    broken = MIGRATIONS | {"20250104000000_x": f"{COLUMN}; COMMIT; {COLUMN}"}
    library = make_bundle(tmp_path / "library", "1", migrations=broken)
    first = place.run(library, "1", **cli(place)).report.failure
    second = place.run(library, "1", **cli(place)).report.failure
    assert first is not None
    assert second is not None
    assert (first.reason, first.sqlstate) == (Reason.MIGRATION_FAILED, "42701")
    assert (second.reason, second.prisma_code) == (Reason.LEDGER_UNFINISHED, "P3009")


SLOW: Final = MIGRATIONS | {"20250104000000_slow": "SELECT pg_sleep(600)"}


def test_told_to_end_it_ends_with_all_that_it_started(place: Place, tmp_path: Path) -> None:
    library = make_bundle(tmp_path / "library", "1", migrations=SLOW)
    running = place.start(library, "1", **cli(place))
    for _ in MIGRATIONS:
        running.wait_for("applied")
    started = processes_of(place)
    assert len(started) == 2  # Python and Node
    assert not [line for line in started.values() if PASSWORD in line]
    running.send(signal.SIGTERM)
    ended = running.end()
    assert ended.report.failure is not None
    assert ended.report.failure.reason is Reason.MIGRATION_INTERRUPTED
    assert processes_of(place) == {}
    left = sql.SQL("SELECT count(*) FROM pg_stat_activity WHERE application_name = {} AND datname = current_database()")
    assert place.fetch(left.format(CLI_NAME)) == [(0,)]


def processes_of(place: Place) -> dict[str, str]:
    """Return the command lines of processes that were given the database's URL."""
    found: dict[str, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_text()
        except OSError:  # it is gone, or not ours
            continue
        if b"DATABASE_URL=" in environment and f"/{place.database}?".encode() in environment:
            found[folder.name] = command
    return found


def test_who_blocks_it_is_named(place: Place, tmp_path: Path) -> None:
    two, last = dict(list(MIGRATIONS.items())[:2]), list(MIGRATIONS)[2]
    place.run(make_bundle(tmp_path / "library", "1", migrations=two), "1", **cli(place))
    library = make_bundle(tmp_path / "library", "2")
    with holding(place, sql.SQL('LOCK TABLE "LiteLLM_Key"')):
        failure = place.run(library, "2", **cli(place), LITELLMDB_DEADLINE="10").report.failure
    assert failure is not None
    assert (failure.reason, failure.migration) == (Reason.MIGRATION_DEADLINE_EXCEEDED, last)
    assert failure.blocked_by is not None
    assert "LiteLLM_Key" in failure.blocked_by


@pytest.mark.parametrize("mode", ["require", "require, with a CA", "verify-full"])
def test_it_speaks_tls_as_the_migrator_does(
    mode: str, postgres_servers: PostgresServers, place_on: PlaceMaker, tmp_path: Path
) -> None:
    server = postgres_servers.start(tls="required")
    place = place_on(server)
    assert server.ca is not None
    place.changes["tls"] = mode.partition(",")[0]
    if mode != "require":
        place.changes["ca.crt"] = server.ca.read_text()
    ended = place.run(make_bundle(tmp_path / "library", "1"), "1", **cli(place))
    assert (ended.report.outcome, ended.report.applied) == (Outcome.MIGRATED, 3)


def test_a_command_line_that_cannot_start_is_no_success(place: Place, tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    engine.mkdir()
    for source in (TOP / "engine").glob("*.js*"):
        shutil.copy(source, engine)
    (engine / "node_modules").symlink_to(TOP / "engine/node_modules")
    (engine / "prisma-cli").mkdir()
    (engine / "prisma-cli/package.json").write_text("{}")
    (engine / "prisma-cli/node_modules/prisma/build").mkdir(parents=True)
    (engine / "prisma-cli/node_modules/prisma/build/index.js").write_text("console.log(process.env.DATABASE_URL)")
    library = make_bundle(tmp_path / "library", "1")
    failure = place.run(library, "1", **cli(place), LITELLMDB_ENGINE=str(engine / "main.js")).report.failure
    assert failure is not None
    assert failure.message.endswith("ended with exit code 0, and 3 of 3 migrations are not in the ledger")
    assert failure.server_message is not None
    assert "…@127.0.0.1" in failure.server_message


# A root that cannot be written, no network but a socket that leads to the database, an uid without a name or a home.
JAIL: Final = """
set -e
ip link set lo up
mount --bind "$WRITABLE" "$WRITABLE"
mount -o remount,bind,ro /
: > "$WRITABLE/relay"
"$PYTHON" -m tests.support.relay "127.0.0.1:$PORT" "$SOCKET" >> "$WRITABLE/relay" &
until grep -q listening "$WRITABLE/relay"; do kill -0 $!; done
cd /
exec unshare --user --map-user=1000730000 -- "$PYTHON" -m litellm_database_operator.migrator
"""


def test_it_needs_no_network_no_name_and_nothing_to_write_to_but_its_workspace(
    place: Place, tmp_path: Path, library: Path
) -> None:
    engine, writable = trimmed_engine(tmp_path / "engine"), tmp_path / "writable"
    writable.mkdir()
    environment = place._environment(library, NEW) | {  # noqa: SLF001
        "PYTHON": sys.executable,
        "PYTHONPATH": f"{TOP}:{TOP / 'operator'}",
        "PORT": str(place.server.port),
        "SOCKET": str(tmp_path / "socket"),
        "WRITABLE": str(writable),
        "LITELLMDB_MIGRATION_ENGINE": "PrismaCLI",
        "LITELLMDB_WORKSPACE": str(writable / "workspace"),
        "LITELLMDB_REPORT": str(writable / "report"),
        "LITELLMDB_ENGINE": str(engine / "main.js"),
    }
    namespaces = ("--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child")
    jail = ["unshare", *namespaces, "sh", "-c", JAIL]
    with relay(environment["SOCKET"], f"{place.server.host}:{place.server.port}"):
        done = subprocess.run(jail, env=environment, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:]
    report = parse((writable / "report").read_text())
    assert (report.outcome, report.applied) == (Outcome.MIGRATED, 220)
    assert {path.name for path in writable.rglob("*") if path.is_file()} <= {
        "relay",
        "report",
        "schema.prisma",
        "migration_lock.toml",
        "migration.sql",
    }


def trimmed_engine(folder: Path) -> Path:
    """Lay out judge and command line as the image has them."""
    shutil.copytree(TOP / "engine", folder, ignore=shutil.ignore_patterns("node_modules", "test", "live"))
    (folder / "node_modules").symlink_to(TOP / "engine/node_modules")
    modules = folder / "prisma-cli/node_modules"
    shutil.copytree(TOP / "engine/prisma-cli/node_modules", modules, symlinks=True)
    trim(modules)
    return folder


@contextmanager
def relay(listen: str, target: str) -> Generator[None]:
    """Pass connections on while the block lasts."""
    environment = os.environ | {"PYTHONPATH": str(TOP)}
    command = [sys.executable, "-m", "tests.support.relay", listen, target]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=TOP, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        yield
        process.kill()
