"""What a migration Job finds: a database with its roles, a mounted Secret, a library; and the Job's process itself."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from litellm_database_operator.model.report import Report, parse
from tests.support.postgres_server import Login, PostgresServer

TOP: Final = Path(__file__).resolve().parents[3]
PASSWORD: Final = "migrator-pa55word"
_DEADLINE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A Job's process that ended."""

    code: int
    report: Report
    logs: Sequence[Mapping[str, Any]]
    plan: Sequence[str]
    """The lines of its log that are for people."""


class Running:
    """A Job's process."""

    def __init__(self, process: subprocess.Popen[str], report: Path) -> None:
        self._process = process
        self._report = report
        self._out: list[str] = []

    def wait_for(self, message: str) -> None:
        """Return when the log has a line with this message."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._out.append(line)
            if not line.startswith("|") and json.loads(line)["message"] == message:
                return
        raise AssertionError(f"ended without {message!r}: {''.join(self._out)}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a lost node does: the judge goes with it."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def end(self) -> Ended:
        """Wait until it ends by itself. Nothing that it wrote holds the password."""
        ended, err = self._end()
        assert err == ""
        return ended

    def end_loudly(self) -> Ended:
        """Wait for it where Node, or a bug, writes to stderr."""
        return self._end()[0]

    def _end(self) -> tuple[Ended, str]:
        out, err = self._process.communicate(timeout=_DEADLINE + 30)
        told = self._report.read_text()
        assert PASSWORD not in "".join(self._out) + out + err + told
        lines = [*self._out, *out.splitlines()]
        return Ended(
            code=self._process.returncode,
            report=parse(told),
            logs=[json.loads(line) for line in lines if not line.startswith("|")],
            plan=[line.removeprefix("|").strip() for line in lines if line.startswith("|")],
        ), err


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database made as the operator makes it, and what its Job mounts."""

    server: PostgresServer
    database: str
    schema: str
    folder: Path
    changes: dict[str, str] = field(default_factory=dict[str, str])
    """Files of the Secret that are other than they should be."""

    def prepare(self) -> None:
        """Make roles and database: the owner cannot log in, the migrator acts as the owner, nobody is a superuser."""
        owner, migrator, app = (sql.Identifier(f"{self.database}_{name}") for name in ("owner", "migrator", "app"))
        names = {
            "database": sql.Identifier(self.database),
            "schema": sql.Identifier(self.schema),
            "owner": owner,
            "migrator": migrator,
            "app": app,
        }
        with self.server.connect() as admin:
            for text in (
                "CREATE ROLE {owner}",
                "CREATE ROLE {app}",
                "CREATE ROLE {migrator} LOGIN PASSWORD {password} IN ROLE {owner}",
                "ALTER ROLE {migrator} SET role = {owner}",
                "CREATE DATABASE {database} TEMPLATE template0",
            ):
                admin.execute(sql.SQL(text).format(password=sql.Literal(PASSWORD), **names))
        with self.connect() as admin:
            for script in sorted(TOP.glob("migrations/*/migration.sql")):
                admin.execute(script.read_bytes())
            for text in (
                "CREATE SCHEMA IF NOT EXISTS {schema}",
                "ALTER SCHEMA {schema} OWNER TO {owner}",
                "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
                "GRANT USAGE ON SCHEMA litellm_operator TO {owner}",
                "GRANT SELECT, INSERT, UPDATE ON litellm_operator.migration_runs TO {owner}",
            ):
                admin.execute(sql.SQL(text).format(**names))

    def connect(self) -> psycopg.Connection:
        """Open a superuser's session in the database, where the schema comes first."""
        session = self.server.connect(self.database)
        session.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(self.schema)))
        return session

    def connect_as_migrator(self) -> psycopg.Connection:
        """Open a session as the Job does."""
        return self.server.connect(self.database, Login(user=f"{self.database}_migrator", password=PASSWORD))

    def fetch(self, query: sql.SQL | sql.Composed) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.connect() as session:
            return session.execute(query).fetchall()

    def ledger(self) -> list[tuple[Any, ...]]:
        """Return name, whether finished, whether rolled back, steps, logs, of each row in order."""
        return self.fetch(
            sql.SQL(
                "SELECT migration_name, finished_at IS NOT NULL, rolled_back_at IS NOT NULL, applied_steps_count, logs "
                "FROM _prisma_migrations ORDER BY started_at"
            )
        )

    def applied(self) -> list[str]:
        """Return the names that the ledger holds for applied, in order."""
        return [name for name, finished, rolled_back, *_ in self.ledger() if finished and not rolled_back]

    def history(self) -> list[tuple[Any, ...]]:
        """Return outcome, applied, total, verified, and the failure's reason, of each run in order."""
        return self.fetch(
            sql.SQL(
                "SELECT outcome, applied, total, verified, failure ->> 'reason' "
                "FROM litellm_operator.migration_runs ORDER BY started_at"
            )
        )

    def start(self, library: Path, bundle: str, **environment: str) -> Running:
        """Start a Job."""
        report = self.folder / "termination-log"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "litellm_database_operator.migrator"]
        process = subprocess.Popen(
            command,
            env=self._environment(library, bundle) | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            process_group=0,
        )
        return Running(process, report)

    def run(self, library: Path, bundle: str, **environment: str) -> Ended:
        """Run a Job to its end."""
        return self.start(library, bundle, **environment).end()

    def _environment(self, library: Path, bundle: str) -> dict[str, str]:
        credentials = self._mount()
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LITELLMDB_JOB": "gateway-migrate-1",
            "LITELLMDB_BUNDLE": bundle,
            "LITELLMDB_TARGET": json.loads((library / f"{bundle}.json").read_text())["digest"],
            "LITELLMDB_DEADLINE": str(_DEADLINE),
            "LITELLMDB_LIBRARY": str(library),
            "LITELLMDB_ENGINE": str(TOP / "engine/main.js"),
            "LITELLMDB_CREDENTIALS": str(credentials),
            "LITELLMDB_REPORT": str(self.folder / "termination-log"),
        }

    def _mount(self) -> Path:
        mount = self.folder / "credentials"
        mount.mkdir(exist_ok=True)
        files = {
            "host": self.server.host,
            "port": str(self.server.port),
            "database": self.database,
            "schema": self.schema,
            "username": f"{self.database}_migrator",
            "password": PASSWORD,
            "app": f"{self.database}_app",
            "tls": "disable",
        }
        for name, text in (files | self.changes).items():
            (mount / name).write_text(text)
        return mount


DATAMODEL: Final = """
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
model LiteLLM_Key {
  token String @id
  alias String
  spend Float  @default(0)
}
"""
MIGRATIONS: Final = {
    "20250101000000_keys": 'CREATE TABLE "LiteLLM_Key" (token TEXT NOT NULL, CONSTRAINT "LiteLLM_Key_pkey" '
    "PRIMARY KEY (token))",
    "20250102000000_alias it": '-- AlterTable\nALTER TABLE "LiteLLM_Key" ADD COLUMN alias TEXT NOT NULL '
    "DEFAULT 'ä';\n"
    'ALTER TABLE "LiteLLM_Key" ALTER COLUMN alias DROP DEFAULT; -- no line ends here',
    "20250103000000_spend": 'ALTER TABLE "LiteLLM_Key" ADD COLUMN spend DOUBLE PRECISION NOT NULL DEFAULT 0;\n',
}
"""A bundle of three files that bring an empty schema to DATAMODEL."""


def make_bundle(
    library: Path,
    version: str,
    *,
    migrations: Mapping[str, str] = MIGRATIONS,
    indexes: Sequence[Mapping[str, str]] = (),
    views: Sequence[Mapping[str, str]] = (),
) -> Path:
    """Write a small bundle into a library, and return the library."""
    objects = library / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    for text in (DATAMODEL, *migrations.values()):
        (objects / _sha256(text)).write_text(text)
    facts = {
        "version": version,
        "digest": f"sha256:{version}",
        "litellm": [],
        "schema": _sha256(DATAMODEL),
        "migrations": [{"name": name, "checksum": _sha256(script)} for name, script in sorted(migrations.items())],
        "indexes": indexes,
        "views": views,
    }
    (library / f"{version}.json").write_text(json.dumps(facts))
    return library


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def holding(place: Place, statement: sql.SQL | sql.Composed) -> Generator[None]:
    """Hold what a statement locks until the end of the block."""
    with place.connect() as holder, holder.transaction():
        holder.execute(statement)
        yield
