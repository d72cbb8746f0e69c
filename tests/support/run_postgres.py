"""A PostgreSQL to look at, or for one command: `python -m tests.support.run_postgres 16 [COMMAND…]`.

The command finds the server in libpq's PGHOST, PGPORT, PGUSER, PGPASSWORD and
PGDATABASE. Without one it is a shell. The server ends with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing

from tests.support.postgres_server import PostgresServer, PostgresServers


def main() -> int:
    """Run the command beside a server of the major version named first; its exit code is ours."""
    major, command = int(sys.argv[1]), sys.argv[2:] or [os.environ.get("SHELL", "sh")]
    with closing(PostgresServers()) as servers:
        environment = dict(os.environ) | _environment(servers.start(major))
        return subprocess.run(command, env=environment, check=False).returncode


def _environment(server: PostgresServer) -> dict[str, str]:
    return {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.superuser.user,
        "PGPASSWORD": server.superuser.password,
        "PGDATABASE": "postgres",
    }


if __name__ == "__main__":
    sys.exit(main())
