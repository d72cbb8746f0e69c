"""Makes a database by psql, one process for all files: what the migrator's work is compared with."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres_server import Login, PostgresServer
from tests.truth.bundle_files import BundleFiles, File


class PsqlMissingError(Exception):
    """There is no psql on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that PostgreSQL refused; the files behind it did not run."""

    migration: str
    message: str


def find_psql() -> str:
    """Return where psql is; PsqlMissingError says how to get it."""
    program = shutil.which("psql")
    if program is None:
        raise PsqlMissingError("psql is missing: make psql, or apt-get install postgresql-client (on Debian)")
    return program


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where psql works, and as whom."""

    server: PostgresServer
    database: str
    login: Login
    folder: Path
    """For a script of ours."""


def apply(target: Target, bundle: BundleFiles, files: Sequence[File]) -> Refused | None:
    """Run files of a bundle, then build its indexes and views, all in one psql."""
    extras = target.folder / "extras.sql"
    extras.write_text("\n".join(_extras(bundle)))
    command = [find_psql(), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    command += [f"--file={path}" for path in [*(file.path for file in files), extras]]
    environment = {
        "PATH": os.defpath,
        "PGHOST": target.server.host,
        "PGPORT": str(target.server.port),
        "PGUSER": target.login.user,
        "PGPASSWORD": target.login.password,
        "PGDATABASE": target.database,
        # Only what stops a file is wanted on stderr: it names the file.
        "PGOPTIONS": "-c client_min_messages=error",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode == 0:
        return None
    refused = next((file for file in files if f"{file.path}:" in done.stderr), None)
    return Refused(migration=refused.name if refused else "indexes and views", message=_first_error(done.stderr))


def _extras(bundle: BundleFiles) -> Iterator[str]:
    """Build the indexes that no migration builds, and those views that are absent, as LiteLLM does."""
    for index in bundle.indexes:
        yield (
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {_quoted(index['name'])} "
            f"ON {_quoted(index['table'])} {index['definition']};"
        )
    for view in bundle.views:
        literal = _quoted(view["name"]).replace("'", "''")
        yield f"SELECT to_regclass('{literal}') IS NULL AS absent \\gset"
        yield f"\\if :absent\n{view['sql']};\n\\endif"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _first_error(stderr: str) -> str:
    lines = (line.partition("ERROR: ")[2].strip() for line in stderr.splitlines() if "ERROR: " in line)
    return next(lines, stderr[-200:])
