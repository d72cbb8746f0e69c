"""Runs in a pod that stands for a proxy: which variables arrived, and what can be done with them. One line of JSON.

Of a variable's text only a hash is told, since some hold the password.
"""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import psycopg

WRITTEN = (
    "INSERT INTO \"LiteLLM_BudgetTable\" (budget_id, max_budget, created_by, updated_by) VALUES (%s, 12.5, '', '')"
)


def hash_of(text: str) -> str:
    """Return what is told of a variable."""
    return hashlib.sha256(text.encode()).hexdigest()


def by_libpq(uri: str) -> Any:
    """Write, read and delete a row."""
    budget = [f"libpq-{os.environ['HOSTNAME']}"]
    try:
        with psycopg.connect(uri) as session:
            where = session.execute(
                "SELECT current_user, current_schema(), (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"
            ).fetchone()
            session.execute(WRITTEN, budget)
            read = 'SELECT max_budget FROM "LiteLLM_BudgetTable" WHERE budget_id = %s'
            found = session.execute(read, budget).fetchone()
            session.execute('DELETE FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', budget)
    except psycopg.OperationalError as error:
        return {"failed": str(error)}
    return {"session": where, "max_budget": found[0] if found else None}


def by_prisma() -> Any:
    """Ask Node, whose module lies beside this file."""
    script = f"{os.path.dirname(__file__)}/probe.js"  # noqa: PTH120 - as short as it is
    done = subprocess.run(["node", script], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Tell all of it."""
    told = {
        "variables": {name: hash_of(text) for name, text in os.environ.items()},
        "prisma": by_prisma(),
        "libpq": by_libpq(os.environ["uri"]),  # noqa: SIM112 - Service Binding's name
    }
    sys.stdout.write(f"{json.dumps(told)}\n")


if __name__ == "__main__":
    main()
