"""Real PostgreSQL servers for tests, each with its own system identifier; conftest.py hands them out.

The programs are those that `make setup` installed beside this file. There are
only initdb, pg_ctl and postgres: whoever wants SQL connects with psycopg.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.support.authority import Authority, Certificate
from tests.support.ports import reserve_port

MAJORS: Final = (14, 16, 18)

_FAST: Final = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "128MB"}
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - each folder in it is made by mkdtemp
_ROOM: Final = 4 * 1024**3
"""Bytes that must be free in memory: each of a dozen servers takes 40 MiB, its WAL, and a test's databases."""
_NOBODY: Final = 65_534
_PACKAGES: Final = Path(__file__).resolve().parent / "postgres/node_modules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who connects, and with what."""

    user: str
    password: str = field(repr=False)


class PostgresServer:
    """One server on 127.0.0.1; `superuser` may do everything there."""

    host: Final = "127.0.0.1"

    def __init__(self, *, major: int, programs: Path, folder: Path, ca: Path | None) -> None:
        self.major = major
        self.port = reserve_port()
        self.superuser = Login(user="postgres", password=secrets.token_urlsafe(12))
        self.ca = ca
        """The certificate to trust, where the server speaks TLS."""
        self.socket_folder = folder
        self._programs = programs
        self._data = folder / "data"
        self._log = folder / "log"

    def conninfo(self, dbname: str = "postgres", login: Login | None = None) -> str:
        """Give what libpq connects with; holds the password."""
        who = login or self.superuser
        return make_conninfo(host=self.host, port=self.port, dbname=dbname, user=who.user, password=who.password)

    def connect(self, dbname: str = "postgres", login: Login | None = None) -> psycopg.Connection:
        """Open a session in autocommit, as the superuser unless told otherwise."""
        return psycopg.connect(self.conninfo(dbname, login), autocommit=True)

    def start(self) -> None:
        """Start, and return when it accepts connections; RuntimeError with the log's end when it does not."""
        self._control("start", "--wait", "--log", str(self._log))

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop, and return when it is down; `immediate` is a crash: it recovers at the next start."""
        self._control("stop", "--wait", "--mode", mode)

    def restart(self) -> None:
        """Stop and start on the same port: every session is lost, everything else stays."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Read pg_hba.conf and the settings again."""
        self._control("reload")

    def is_running(self) -> bool:
        """Tell whether the server is up: its process works in its folder. Asked after each test, so without pg_ctl."""
        with suppress(FileNotFoundError):
            process = int((self._data / "postmaster.pid").read_text().split()[0])
            return Path(f"/proc/{process}/cwd").samefile(self._data)
        return False

    @contextmanager
    def silent(self) -> Generator[None]:
        """While this lasts a new connection is accepted by the kernel and never answered."""
        process = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)

    @property
    def log(self) -> str:
        """All the server has logged so far: for seeing that no password is in it."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def initialize(self, settings: Mapping[str, str], *, host_method: str, host_type: str) -> None:
        """Make the data folder; called once, before the first start."""
        password_file = self.socket_folder / "password"
        password_file.write_text(self.superuser.password)
        _make_own(password_file)
        who = ("--username", self.superuser.user, "--pwfile", password_file, "--auth", "scram-sha-256")
        how = ("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
        done = _run([self._programs / "initdb", "--pgdata", self._data, *who, *how])
        password_file.unlink()
        if done.returncode != 0:
            raise RuntimeError(f"initdb of PostgreSQL {self.major} failed: {done.stdout}")
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(lines)
        (self._data / "pg_hba.conf").write_text(
            f"local all all scram-sha-256\n{host_type} all all 127.0.0.1/32 {host_method}\n"
        )

    def _control(self, action: str, *arguments: str) -> None:
        command = [self._programs / "pg_ctl", action, "--pgdata", self._data, *arguments]
        if (done := _run(command)).returncode != 0:
            raise RuntimeError(f"PostgreSQL {self.major} did not {action}: {done.stdout}\n{self.log[-2000:]}")


class PostgresServers:
    """The servers of one test session: none outlives it, however it ends."""

    def __init__(self) -> None:
        self._folder = _make_folder(None)
        # A database is 300 files: ext4 may take 200 ms of processor for CREATE DATABASE where memory takes 12.
        self._fast_folder = _make_folder(_MEMORY if _has_room(_MEMORY) else None)
        self.reaper = _start_reaper(self._folder, self._fast_folder)
        self.authority = Authority(self._folder / "authority")
        self.started: list[PostgresServer] = []
        """Those that have not ended, stopped ones too."""
        self.shared: dict[int, PostgresServer] = {}
        """By major version, those that every test may use."""

    def close(self) -> None:
        """Stop every server and remove what they wrote."""
        self.reaper.communicate()

    def end(self, server: PostgresServer) -> None:
        """Stop a server and remove what it wrote: nobody needs it any more."""
        if server.is_running():
            server.stop("immediate")
        shutil.rmtree(server.socket_folder)
        self.started.remove(server)

    def start(
        self,
        major: int = 16,
        *,
        settings: Mapping[str, str] | None = None,
        tls: Literal["no", "offered", "required"] = "no",
        host_method: str = "scram-sha-256",
        durable: bool = False,
    ) -> PostgresServer:
        """Make and start a new server.

        `settings` are added to postgresql.conf; `host_method` is pg_hba.conf's
        word for how TCP clients log in; `durable` keeps fsync and the disk, as
        a figure about writing needs it.
        """
        folder = Path(tempfile.mkdtemp(prefix=f"{major}-", dir=self._folder if durable else self._fast_folder))
        _make_own(folder)
        server = PostgresServer(
            major=major,
            programs=_programs(major, self._folder),
            folder=folder,
            ca=None if tls == "no" else self.authority.cert,
        )
        server.initialize(
            self._settings(server, tls=tls != "no", durable=durable) | dict(settings or {}),
            host_method=host_method,
            host_type="hostssl" if tls == "required" else "host",
        )
        server.start()
        self.started.append(server)
        return server

    def _settings(self, server: PostgresServer, *, tls: bool, durable: bool) -> dict[str, str]:
        place = {
            "listen_addresses": server.host,
            "port": str(server.port),
            "unix_socket_directories": str(server.socket_folder),
        }
        room = {"max_connections": "300", "shared_buffers": "64MB", "jit": "off"}
        return place | room | ({} if durable else _FAST) | (self._tls_settings(server) if tls else {})

    def _tls_settings(self, server: PostgresServer) -> dict[str, str]:
        certificate: Certificate = self.authority.sign(server.socket_folder.name)
        _make_own(certificate.key)
        _make_own(certificate.cert)
        return {"ssl": "on", "ssl_cert_file": str(certificate.cert), "ssl_key_file": str(certificate.key)}


def _make_folder(parent: Path | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent))
    folder.chmod(0o755)
    return folder


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ROOM


def _start_reaper(*folders: Path) -> subprocess.Popen[bytes]:
    """Start what waits for our end: its input closes when we close it, and when we are killed."""
    script = r"""
        read -r _
        for data in "$0"/*/data "$1"/*/data; do
            pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) && [ "/proc/$pid/cwd" -ef "$data" ] || continue
            kill -CONT "$pid" && kill -QUIT "$pid" && ended="$ended $pid"
        done
        for pid in $ended; do timeout 30 tail -s 0.1 --pid="$pid" -f /dev/null; done
        rm -rf "$0" "$1"
    """
    return subprocess.Popen(["sh", "-c", script, *folders], stdin=subprocess.PIPE, start_new_session=True)


def _programs(major: int, folder: Path) -> Path:
    """Find initdb, pg_ctl and postgres, where the account that runs them can reach them."""
    native = _PACKAGES / f"postgres-{major}/native"
    if not native.exists():
        raise RuntimeError(f"PostgreSQL {major} is not installed: run `make setup` on an x86-64 machine.")
    if _account() is None or all(parent.stat().st_mode & 0o001 for parent in native.parents):
        return native / "bin"
    copy = folder / f"programs-{major}"
    if not copy.exists():
        shutil.copytree(native, copy, symlinks=True)
    return copy / "bin"


def _account() -> int | None:
    """Give the user id that servers run under: PostgreSQL refuses root. None: our own."""
    return _NOBODY if os.geteuid() == 0 else None


def _make_own(path: Path) -> None:
    """Give a file or folder to the account that servers run under, and to it alone."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    if (account := _account()) is not None:
        os.chown(path, account, account)


def _run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs with nothing of ours: no groups, no environment, no input."""
    account = _account()
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        user=account,
        group=account,
        extra_groups=None if account is None else [],
    )


def create_managed_admin(server: PostgresServer, name: str) -> Login:
    """Create a login that is to `server` what a managed service gives: CREATEROLE, CREATEDB, no more."""
    login = Login(user=name, password=secrets.token_urlsafe(12))
    statement = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}")
    with server.connect() as session:
        session.execute(statement.format(sql.Identifier(login.user), sql.Literal(login.password)))
    return login


def drop_everything_named(server: PostgresServer, prefix: str) -> None:
    """Drop the roles whose names begin with `prefix`, and the databases that do or that they own."""
    with server.connect() as session:
        for (database,) in session.execute(_DATABASES_OF, [prefix, prefix]).fetchall():
            name = sql.Identifier(database)
            session.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(name))
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        roles = [sql.Identifier(role) for (role,) in session.execute(_ROLES_OF, [prefix]).fetchall()]
        if roles:
            # Together: each may have granted a membership in another.
            together = sql.SQL(", ").join(roles)
            session.execute(sql.SQL("DROP OWNED BY {}").format(together))
            session.execute(sql.SQL("DROP ROLE {}").format(together))


_ROLES_OF: Final = "SELECT rolname FROM pg_catalog.pg_roles WHERE starts_with(rolname, %s)"
_DATABASES_OF: Final = """
    SELECT datname FROM pg_catalog.pg_database
    WHERE starts_with(datname, %s) OR starts_with(datdba::regrole::text, %s)
"""
