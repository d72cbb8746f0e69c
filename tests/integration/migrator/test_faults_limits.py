"""A server that cannot take what is asked of it: full disk, no connection free, read-only, not up yet."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.remedies import REMEDIES, remedy_of
from litellm_database_operator.model.report import Failure, Outcome
from tests.integration.migrator.faults import ALIAS, BUNDLE, KEYS, SPEND, changed, failure
from tests.integration.migrator.place import MIGRATIONS, Place, Running, make_bundle
from tests.support.postgres_server import Login, PostgresServer, PostgresServers

DEADLINE: Final = signal.SIGALRM
AUTO: Final = {"LITELLMDB_POLICY": "Auto"}
_AS_ROOT: Final = [] if os.geteuid() == 0 else ["sudo", "-n"]


def at_the_deadline(job: Running, message: str) -> Failure:
    """Let the deadline come once the log says something, and return why the run failed."""
    job.wait_for(message)
    job.send(DEADLINE)
    return failure(job.end())


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Generator[Path]:
    """Give a file system that is soon full; only root can mount one."""
    folder.mkdir()
    mount = [*_AS_ROOT, "mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "small", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run([*_AS_ROOT, "umount", "--lazy", str(folder)], check=True)


def on_a_small_disk(place: Place, disk: Path) -> None:
    """Have the database's new tables lie there."""
    tablespace = sql.Identifier(f"{place.database}_small")
    (disk / "data").mkdir()
    with place.connect() as admin:
        os.chown(disk / "data", *owner_of_the_server(admin))
        admin.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(tablespace, str(disk / "data")))
        admin.execute(
            sql.SQL("ALTER ROLE {} SET default_tablespace = {}").format(
                sql.Identifier(f"{place.database}_migrator"), tablespace
            )
        )
        admin.execute(
            sql.SQL("GRANT CREATE ON TABLESPACE {} TO {}").format(tablespace, sql.Identifier(f"{place.database}_owner"))
        )


def owner_of_the_server(admin: psycopg.Connection) -> tuple[int, int]:
    """Return user and group that the server runs under."""
    row = admin.execute("SHOW data_directory").fetchone()
    assert row is not None
    status = Path(row[0]).stat()
    return status.st_uid, status.st_gid


def test_a_disk_that_is_full_in_the_middle_is_named_and_nothing_is_lost(
    postgres_servers: PostgresServers, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    server = postgres_servers.start()
    disk = server.socket_folder / "disk"
    with small_disk(disk, megabytes=16):
        place = place_on(server)
        on_a_small_disk(place, disk)
        rewrite = 'ALTER TABLE "LiteLLM_Key" ADD COLUMN spend DOUBLE PRECISION NOT NULL DEFAULT random();'
        two = {name: MIGRATIONS[name] for name in (KEYS, ALIAS)}
        assert place.run(make_bundle(tmp_path / "before", BUNDLE, migrations=two), BUNDLE).report.applied == 2
        fill = "INSERT INTO \"LiteLLM_Key\" SELECT i, repeat('x', 1000) FROM generate_series(1, 9000) i"
        with place.connect_as_migrator() as owner:
            owner.execute(fill)
        library = make_bundle(tmp_path / "whole", BUNDLE, migrations=changed(spend=rewrite))
        why = failure(place.run(library, BUNDLE, **AUTO))
        assert (why.reason, why.prisma_code, why.sqlstate) == (Reason.MIGRATION_FAILED, "P3018", "53100")
        assert (why.migration, why.statement) == (SPEND, rewrite.removesuffix(";"))
        assert remedy_of(why.prisma_code, why.sqlstate) == REMEDIES["53100"]
        assert place.applied() == [KEYS, ALIAS]
        assert place.fetch(sql.SQL('SELECT count(*) FROM "LiteLLM_Key"')) == [(9000,)]
        subprocess.run([*_AS_ROOT, "mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert place.run(library, BUNDLE, **AUTO).report.applied == 1
        server.stop()


def test_the_apps_connections_are_no_concern_of_the_migrators(place: Place, tmp_path: Path) -> None:
    login = Login(user=f"{place.database}_app_a", password="app-pa55word")
    with place.connect() as admin:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT 2")
        admin.execute(create.format(sql.Identifier(login.user), login.password))
    with place.server.connect(place.database, login), place.server.connect(place.database, login):
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            place.server.connect(place.database, login)
        assert place.run(make_bundle(tmp_path, BUNDLE), BUNDLE).report.outcome is Outcome.MIGRATED


@pytest.fixture(scope="module")
def narrow(postgres_servers: PostgresServers) -> PostgresServer:
    """Give a server with few connections."""
    return postgres_servers.start(settings={"max_connections": "8", "max_wal_senders": "0"})


@contextmanager
def crowd(place: Place, *, leaving: int) -> Generator[None]:
    """Take every connection that is no superuser's, but so many."""
    with ExitStack() as stack:
        sessions = list(every_connection(place))
        for number, session in enumerate(sessions):
            stack.enter_context(closing(session))
            if number < leaving:
                session.close()
        yield


def every_connection(place: Place) -> Iterator[psycopg.Connection]:
    with suppress(psycopg.OperationalError):
        while True:
            yield place.connect_as_migrator()


def test_a_server_without_a_free_connection_is_waited_for(
    narrow: PostgresServer, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    place, library = place_on(narrow), make_bundle(tmp_path, BUNDLE)
    with crowd(place, leaving=0):
        why = at_the_deadline(place.start(library, BUNDLE), "waits for the database")
        assert (why.reason, why.prisma_code, why.sqlstate) == (Reason.SERVER_BUSY, "P2037", "53300")
        job = place.start(library, BUNDLE)
        job.wait_for("waits for the database")
    assert job.end().report.outcome is Outcome.MIGRATED


def test_a_judge_without_a_free_connection_is_waited_for(
    narrow: PostgresServer, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    place, library = place_on(narrow), make_bundle(tmp_path, BUNDLE)
    with crowd(place, leaving=1):
        why = at_the_deadline(place.start(library, BUNDLE), "begins again")
        # Whose connection was refused last: the judge's, or its own, whose place is free a moment after it was left.
        assert why.reason in {Reason.MIGRATION_DEADLINE_EXCEEDED, Reason.SERVER_BUSY}
        assert why.sqlstate == "53300"
        job = place.start(library, BUNDLE)
        job.wait_for("begins again")
    ended = job.end()
    assert ended.report.failure is None
    assert place.applied() == sorted(MIGRATIONS)


@pytest.fixture(params=["on", "off"])
def recovering(request: pytest.FixtureRequest, postgres_servers: PostgresServers) -> PostgresServer:
    """Give a server that can be made a standby, which lets readers in or nobody."""
    return postgres_servers.start(settings={"hot_standby": request.param})


def test_a_server_that_does_not_write_yet_is_waited_for(
    recovering: PostgresServer, place_on: Callable[..., Place], tmp_path: Path
) -> None:
    place, library = place_on(recovering), make_bundle(tmp_path, BUNDLE)
    with place.connect() as admin:
        readable = admin.execute("SHOW hot_standby").fetchone() == ("on",)
    standby = recovering.socket_folder / "data/standby.signal"
    recovering.stop()
    standby.touch()
    os.chown(standby, standby.parent.stat().st_uid, standby.parent.stat().st_gid)
    recovering.start()
    why = at_the_deadline(place.start(library, BUNDLE), "waits for the database")
    told = (Reason.SERVER_READ_ONLY, "25006") if readable else (Reason.SERVER_UNREACHABLE, "57P03")
    assert (why.reason, why.sqlstate) == told
    job = place.start(library, BUNDLE)
    job.wait_for("waits for the database")
    recovering.stop()
    standby.unlink()
    recovering.start()
    assert job.end().report.outcome is Outcome.MIGRATED


def test_a_statement_that_somebody_cancels_is_a_failure(place: Place, tmp_path: Path) -> None:
    library = make_bundle(tmp_path, BUNDLE, migrations=changed(alias="SET statement_timeout = 50; SELECT pg_sleep(60)"))
    why = failure(place.run(library, BUNDLE, **AUTO))
    assert (why.reason, why.sqlstate, why.statement) == (Reason.MIGRATION_FAILED, "57014", "SELECT pg_sleep(60)")
