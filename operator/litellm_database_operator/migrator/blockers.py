"""Who holds what the migrator waits for, told in one line; watch.py and door.py ask.

A lock timeout's own message names neither the table nor the session. Of other roles' sessions PostgreSQL shows the
migrator role and application_name, and which locks they hold, but hides state and age: those are told where seen.
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import sql

from litellm_database_operator.migrator.ledger import LOCK_KEY
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.report import clean

_TOLD: Final = 2
"""How many sessions a line names."""
_LONGEST_NAME: Final = 40

_ACTIVITY: Final[LiteralString] = """
activity.usename AS role, activity.application_name AS application, activity.state,
pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - activity.xact_start)::int AS seconds
"""
# A session that itself waits in the queue before us holds no lock yet.
_BLOCKERS: Final[LiteralString] = """
SELECT blocker.pid, relation.relname::text AS held, {activity}, (
  SELECT pg_catalog.min(lock.mode) FROM pg_catalog.pg_locks lock WHERE lock.pid = blocker.pid AND lock.granted
  AND lock.relation = wanted.relation AND lock.database = wanted.database) AS mode
FROM (SELECT DISTINCT pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids({pid})) found(pid)) blocker
LEFT JOIN pg_catalog.pg_stat_activity activity ON activity.pid = blocker.pid
LEFT JOIN pg_catalog.pg_locks wanted ON wanted.pid = {pid} AND NOT wanted.granted
LEFT JOIN pg_catalog.pg_class relation ON relation.oid = wanted.relation
ORDER BY mode IS NULL, blocker.pid
"""
# The key of an advisory lock of one bigint: its halves, and 1.
_HOLDERS: Final[LiteralString] = """
SELECT lock.pid, NULL AS held, lock.mode, {activity} FROM pg_catalog.pg_locks lock
LEFT JOIN pg_catalog.pg_stat_activity activity ON activity.pid = lock.pid
WHERE lock.locktype = 'advisory' AND lock.granted AND lock.classid = 0 AND lock.objid = {key} AND lock.objsubid = 1
AND lock.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """A session that is in the way."""

    pid: int
    """0: a prepared transaction, which has no session."""
    role: str | None
    application: str | None
    state: str | None
    """None where the migrator may not see it, as is `seconds`."""
    seconds: int | None
    """Age of its transaction."""
    held: str | None
    """The table or index that is waited for, where it is one."""
    mode: str | None
    """Of the lock that it holds there; None where it waits for one itself."""


def blockers(session: Session, *, pid: int) -> str | None:
    """Name who blocks a session, looked at from another one; None when nobody does. Errors as Session.fetch."""
    return tell(session.fetch(Blocker, sql.SQL(_BLOCKERS).format(pid=pid, activity=sql.SQL(_ACTIVITY))))


def holders(session: Session) -> str | None:
    """Name who holds Prisma's lock in this database; None when nobody does."""
    return tell(session.fetch(Blocker, sql.SQL(_HOLDERS).format(key=LOCK_KEY, activity=sql.SQL(_ACTIVITY))))


def tell(found: Sequence[Blocker]) -> str | None:
    """Put sessions into one line; names are foreign text, and so cleaned, cut and quoted."""
    if not found:
        return None
    more = len(found) - _TOLD
    return "; ".join(map(_one, found[:_TOLD])) + (f"; and {more} more" if more > 0 else "")


def _one(blocker: Blocker) -> str:
    who = f"pid {blocker.pid}" if blocker.pid else "a prepared transaction (see pg_prepared_xacts)"
    parts = [who, *_named("role", blocker.role), *_named("application", blocker.application)]
    if blocker.state:
        parts.append(blocker.state + ("" if blocker.seconds is None else f" for {blocker.seconds} s"))
    if blocker.mode:
        parts.append(f"holds {blocker.mode}" + "".join(f" on {_quoted(name)}" for name in (blocker.held,) if name))
    return ", ".join(parts)


def _named(word: str, name: str | None) -> list[str]:
    return [f"{word} {_quoted(name)}"] if name else []


def _quoted(name: str) -> str:
    return '"' + clean(name, _LONGEST_NAME).replace('"', "'") + '"'
