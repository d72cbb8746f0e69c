"""The servers that other tests stand on are what they say."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.authority import Authority
from tests.support.postgres_server import Login, PostgresServer, PostgresServers, drop_everything_named

TOP = Path(__file__).resolve().parents[2]


def _scalar(session: psycopg.Connection, query: str) -> object:
    row = session.execute(sql.SQL(query)).fetchone()  # pyright: ignore[reportArgumentType]
    return row[0] if row else None


def test_every_major_version_answers_to_its_superuser(any_postgres: PostgresServer) -> None:
    with any_postgres.connect() as session:
        assert session.info.server_version // 10_000 == any_postgres.major
        assert _scalar(session, "SHOW is_superuser") == "on"


def test_a_wrong_password_is_refused(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        postgres.connect(login=Login(user="postgres", password="wrong"))


def test_a_managed_admin_makes_roles_and_databases_and_is_no_superuser(
    any_postgres: PostgresServer, any_managed_admin: Login, unique_name: str
) -> None:
    with any_postgres.connect(login=any_managed_admin) as session:
        session.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(f"{unique_name}_owner")))
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"{unique_name}_a")))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("CREATE ROLE somebody SUPERUSER")


def test_what_a_test_made_is_dropped_even_if_owned_granted_or_in_use(
    any_postgres: PostgresServer, any_managed_admin: Login, unique_name: str
) -> None:
    owner = sql.Identifier(f"{unique_name}_owner")
    with any_postgres.connect(login=any_managed_admin) as session:
        session.execute(sql.SQL("CREATE ROLE {} ").format(owner))
        session.execute(sql.SQL("GRANT {} TO {}").format(owner, sql.Identifier(any_managed_admin.user)))
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"{unique_name}_a")))
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"x_{unique_name}")))
    with any_postgres.connect(f"{unique_name}_a", any_managed_admin):
        drop_everything_named(any_postgres, unique_name)
    with any_postgres.connect() as session:
        left = f"SELECT count(*) FROM pg_database WHERE datname LIKE '%{unique_name}%'"  # noqa: S608 - ours
        assert _scalar(session, left) == 0
        assert _scalar(session, f"SELECT count(*) FROM pg_roles WHERE rolname LIKE '{unique_name}%'") == 0  # noqa: S608 - ours


def test_each_server_has_its_own_identifier_and_port(
    postgres: PostgresServer, postgres_servers: PostgresServers
) -> None:
    other = postgres_servers.start()
    identifier = "SELECT system_identifier FROM pg_control_system()"
    with postgres.connect() as first, other.connect() as second:
        assert _scalar(first, identifier) != _scalar(second, identifier)
    assert other.port != postgres.port
    other.stop()


def test_a_stopped_server_comes_back_on_its_port_with_its_data(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start(settings={"work_mem": "5MB"})
    with server.connect() as session:
        session.execute("CREATE TABLE kept ()")
    server.stop("immediate")
    assert not server.is_running()
    with pytest.raises(psycopg.OperationalError):
        server.connect()
    server.start()
    server.restart()
    with server.connect() as session:
        session.execute("SELECT FROM kept")
        assert _scalar(session, "SHOW work_mem") == "5MB"
    server.stop()


def test_a_server_that_cannot_start_says_why(postgres_servers: PostgresServers) -> None:
    with pytest.raises(RuntimeError, match="unrecognized configuration parameter"):
        postgres_servers.start(settings={"no_such_setting": "1"})


def test_tls_is_verified_against_the_authority(postgres_servers: PostgresServers, tmp_path: Path) -> None:
    server = postgres_servers.start(tls="required")
    verified = f"{server.conninfo()} sslmode=verify-full sslrootcert="
    with psycopg.connect(f"{verified}{server.ca}") as session:
        assert _scalar(session, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(f"{verified}{Authority(tmp_path / 'other').cert}")
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(f"{server.conninfo()} sslmode=disable")
    server.stop()


def test_a_silent_server_accepts_and_never_answers(postgres_servers: PostgresServers) -> None:
    server = postgres_servers.start()
    with server.silent(), pytest.raises(psycopg.errors.ConnectionTimeout):
        psycopg.connect(server.conninfo(), connect_timeout=2)
    server.connect().close()
    server.stop()


def test_no_server_outlives_a_session_that_was_killed() -> None:
    script = (
        "import os; from tests.support.postgres_server import PostgresServers; s = PostgresServers();"
        "p = s.start(); print(p.socket_folder, p.port, s.reaper.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=TOP)
    folder, port, reaper = killed.stdout.split()
    subprocess.run(["timeout", "30", "tail", f"--pid={reaper}", "-f", os.devnull], check=True)
    assert not Path(folder).parent.exists()
    with socket.socket() as probe:
        assert probe.connect_ex((PostgresServer.host, int(port))) != 0
