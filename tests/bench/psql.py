"""psql with a bundle's own files: the yardstick for the migrator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from litellm_database_operator.model.bundle import read_library
from litellm_database_operator.model.secret import mint_password
from litellm_database_operator.planning.parse import parse_database
from litellm_database_operator.postgres import statements
from litellm_database_operator.postgres.scram import make_verifier
from tests.bench import sql_loop
from tests.bench.place import BenchError, Place, as_served
from tests.support.kubectl import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Psql:
    """One psql process for all files of a bundle, in their order."""

    program: str
    bundle: str
    digest: str
    files: tuple[Path, ...]

    def migrate(self, here: Place, name: str, *, relaxed: bool = False) -> float:
        """Make an empty database as the operator does, and return the seconds that its migration took.

        As the database's migrator, so that objects get the same owner and the same default privileges.
        """
        resource = parse_database(as_served(here.database(name)))
        password = mint_password()
        with here.postgres.connect(login=here.admin) as session:
            script = sql_loop.write_script(as_served(here.database(name)), here.admin.user, session)
            sql_loop.run(here.postgres, here.admin, [script], sessions=1)
            session.execute(statements.set_password(resource.roles.migrator, make_verifier(password)))
        environment = {
            "PATH": os.defpath,
            "PGHOST": here.host,
            "PGPORT": str(here.postgres.port),
            "PGUSER": resource.roles.migrator,
            "PGPASSWORD": password.reveal(),
            "PGDATABASE": resource.database,
        } | ({"PGOPTIONS": "-c synchronous_commit=off"} if relaxed else {})
        return self._run(environment)

    def _run(self, environment: dict[str, str]) -> float:
        command = [self.program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        command += [f"--file={file}" for file in self.files]
        before = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"psql failed: {done.stderr[-300:]}")
        return time.monotonic() - before


@contextmanager
def newest_bundle() -> Generator[Psql]:
    """Build the newest bundle's files, and find psql; BenchError when there is none."""
    program = shutil.which("psql")
    if program is None:
        raise BenchError("psql is needed to compare with: apt-get install postgresql-client")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "bundles", "build", "--to", folder], cwd=ROOT, check=True, capture_output=True
        )
        library = Path(folder)
        newest = read_library(library).bundles[-1]
        migrations = json.loads((library / f"{newest.version}.json").read_text())["migrations"]
        files = [library / "objects" / migration["checksum"] for migration in migrations]
        yield Psql(program=program, bundle=newest.version, digest=newest.digest, files=tuple(files))
