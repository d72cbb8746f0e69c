"""Builds INVALID indexes again, whoever left them: a CREATE INDEX CONCURRENTLY that is interrupted leaves one behind.

It costs every write and serves no query, and IF NOT EXISTS is content with it. Called by run.py.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

import re
import time
from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg import sql

from litellm_database_operator.migrator.apply.extras import concurrently, drop_index
from litellm_database_operator.migrator.errors import QueryError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Flag, SchemaObject, fetch_objects
from litellm_database_operator.migrator.patience import patiently
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName

_LEFTOVER: Final = re.compile(r".*_cc(new|old)\d*")
"""How PostgreSQL names what an interrupted REINDEX CONCURRENTLY leaves, and says that it can be dropped.

https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
"""
# Of another role's session its table is hidden there, but not which locks it has.
_BEING_BUILT: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index builder
  JOIN pg_catalog.pg_locks lock ON lock.pid = builder.pid
  WHERE lock.granted AND lock.mode = 'ShareUpdateExclusiveLock'
  AND lock.relation = pg_catalog.to_regclass({table})::oid) AS value
"""
_UNBUILDABLE: Final = ("0A", "23", "54")
"""Classes of errors that lie in the index or its rows: the run goes on, and the comparison names what is missing."""


def mend_indexes(session: Session, schema: SchemaName, invalid: Sequence[SchemaObject], progress: Progress) -> None:
    """Build INVALID indexes again; one that cannot be built stays as it is."""
    for index in invalid:
        progress.phase = f"building index {index.name} again, which is INVALID"
        patiently(lambda index=index: _mend(session, schema, index, progress), progress)


def _mend(session: Session, schema: SchemaName, index: SchemaObject, progress: Progress) -> None:
    if not _is_invalid_still(session, schema, index):
        return
    if _LEFTOVER.fullmatch(index.name):
        _drop(session, schema, index.name)
    elif _rebuild(session, schema, index):
        progress.built += 1


def _is_invalid_still(session: Session, schema: SchemaName, index: SchemaObject) -> bool:
    """Look again; QueryError (55P03), which passes, while somebody builds an index of that table: just this, perhaps.

    To wait for the lock would be a deadlock: whoever builds waits in turn for all who have begun before its end.
    """
    table = sql.Literal(session.quote(sql.Identifier(schema, index.table or "")))
    if session.fetch(Flag, sql.SQL(_BEING_BUILT).format(table=table))[0].value:
        raise QueryError("another session builds an index of the table", sqlstate="55P03", position=None)
    return index.name in _invalid_of(session, schema, index.table)


def _rebuild(session: Session, schema: SchemaName, index: SchemaObject) -> bool:
    began = time.monotonic()
    try:
        with concurrently(session):
            session.execute(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(sql.Identifier(schema, index.name)))
    except QueryError as error:
        if not error.sqlstate.startswith(_UNBUILDABLE):
            raise
        session.execute(sql.SQL("RESET lock_timeout"))
        log("cannot build an INVALID index", index=index.name, sqlstate=error.sqlstate, text=error.message)
        _drop_leftovers(session, schema, index.table)
        return False
    log("built an INVALID index again", index=index.name, ms=round((time.monotonic() - began) * 1000))
    return True


def _drop_leftovers(session: Session, schema: SchemaName, table: str | None) -> None:
    for name in _invalid_of(session, schema, table):
        if _LEFTOVER.fullmatch(name):
            _drop(session, schema, name)


def _drop(session: Session, schema: SchemaName, name: str) -> None:
    log("drops an INVALID index", index=name)
    with concurrently(session):
        session.execute(drop_index(schema, name))


def _invalid_of(session: Session, schema: SchemaName, table: str | None) -> list[str]:
    things = fetch_objects(session, schema)
    return [thing.name for thing in things if thing.kind == "i" and not thing.valid and thing.table == table]
