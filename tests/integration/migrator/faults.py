"""What tests of faults share: a bundle whose files can be changed, a gate that a migration waits at, who waits."""

from __future__ import annotations

import time
from typing import Final

from psycopg import sql

from litellm_database_operator.model.report import Failure, Outcome
from tests.integration.migrator.place import MIGRATIONS, Ended, Place

KEYS, ALIAS, SPEND = sorted(MIGRATIONS)
BUNDLE: Final = "1.0.0"
GATE: Final = 4711
"""An advisory lock at which a migration waits for the test."""
LOCK_GATE: Final = sql.SQL("SELECT pg_advisory_xact_lock({})").format(GATE)
AT_THE_GATE: Final = f"SELECT pg_advisory_xact_lock({GATE})"


def failure(ended: Ended) -> Failure:
    """Return why a run failed."""
    assert ended.code == 1
    assert ended.report.outcome is Outcome.FAILED
    assert ended.report.failure is not None
    return ended.report.failure


def changed(**scripts: str) -> dict[str, str]:
    """Give the three migrations with other texts: `alias` and `spend`."""
    names = {"keys": KEYS, "alias": ALIAS, "spend": SPEND}
    return MIGRATIONS | {names[key]: script for key, script in scripts.items()}


def wait_for_session(place: Place, condition: str) -> int:
    """Return the pid of the migrator's session once it is as the condition says."""
    query = sql.SQL(
        "SELECT pid FROM pg_stat_activity WHERE datname = {} AND application_name LIKE 'litellm-migrator%%' AND "
    ).format(place.database) + sql.SQL(condition)  # pyright: ignore[reportArgumentType] # the test's own text
    patience = time.monotonic() + 30
    with place.connect() as session:
        while time.monotonic() < patience:
            if found := session.execute(query).fetchone():
                return int(found[0])
    raise AssertionError(f"no session of the migrator came to {condition}")


def wait_for(place: Place, condition: str) -> None:
    """Return when another session of the database is as the condition says."""
    patience = time.monotonic() + 30
    query = b"SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND "
    with place.connect() as session:
        while time.monotonic() < patience:
            if session.execute(query + condition.encode()).fetchone() is not None:
                return
    raise AssertionError(f"no session came to {condition}")
