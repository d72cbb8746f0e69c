"""Prisma's ledger, `_prisma_migrations`: its statements, in the words that Prisma itself uses.

Each returns SQL and touches nothing. The schema is always named, since a migration may move search_path.
"""

import uuid
from typing import Final, LiteralString

from psycopg import sql

from litellm_database_operator.migrator.content import Migration
from litellm_database_operator.model.names import LEDGER_TABLE, RoleName, SchemaName

LOCK_KEY: Final = 72707369
"""Prisma's advisory lock: https://pris.ly/d/migrate-advisory-locking"""


def lock() -> sql.Composed:
    """Take Prisma's lock for the session, if nobody has it."""
    return sql.SQL("SELECT pg_catalog.pg_try_advisory_lock({key}) AS value").format(key=LOCK_KEY)


def create(schema: SchemaName, *, app: RoleName) -> tuple[sql.Composed, ...]:
    """Create the ledger as Prisma does, and keep the proxy from writing it: default privileges would let it."""
    create_table: LiteralString = (
        "CREATE TABLE IF NOT EXISTS {ledger} ("
        "id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, "
        "migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ, "
        "started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)"
    )
    return (
        _of(schema, create_table),
        _of(schema, "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {ledger} FROM {app}", app=sql.Identifier(app)),
    )


def rows(schema: SchemaName) -> sql.Composed:
    """Read it; columns as look.LedgerRow."""
    return _of(
        schema,
        "SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, "
        'rolled_back_at IS NOT NULL AS rolled_back FROM {ledger} ORDER BY started_at, migration_name COLLATE "C"',
    )


def new_id() -> str:
    """Return the id of a new row."""
    return str(uuid.uuid4())


def begin(schema: SchemaName, migration: Migration, *, row_id: str) -> sql.Composed:
    """Say that a migration begins."""
    return _of(
        schema,
        "INSERT INTO {ledger} (id, checksum, migration_name, started_at) "
        "VALUES ({id}, {checksum}, {name}, pg_catalog.clock_timestamp())",
        id=sql.Literal(row_id),
        checksum=sql.Literal(migration.checksum),
        name=sql.Literal(migration.name),
    )


def finish(schema: SchemaName, *, row_id: str) -> sql.Composed:
    """Say that it is applied."""
    return _of(
        schema,
        "UPDATE {ledger} SET finished_at = pg_catalog.clock_timestamp(), applied_steps_count = 1 WHERE id = {id}",
        id=sql.Literal(row_id),
    )


def record(schema: SchemaName, migration: Migration) -> sql.Composed:
    """Say that a migration is applied, in the transaction that applied it: begun when that began."""
    return _of(
        schema,
        "INSERT INTO {ledger} (id, checksum, migration_name, started_at, finished_at, applied_steps_count) "
        "VALUES ({id}, {checksum}, {name}, pg_catalog.now(), pg_catalog.clock_timestamp(), 1)",
        id=sql.Literal(new_id()),
        checksum=sql.Literal(migration.checksum),
        name=sql.Literal(migration.name),
    )


def explain(schema: SchemaName, *, row_id: str, logs: str) -> sql.Composed:
    """Leave in an unfinished row why it is, where Prisma leaves its error."""
    return _of(
        schema, "UPDATE {ledger} SET logs = {logs} WHERE id = {id}", id=sql.Literal(row_id), logs=sql.Literal(logs)
    )


def roll_back(schema: SchemaName, *, name: str) -> sql.Composed:
    """Say of an unfinished migration that nothing of it remained, as `prisma migrate resolve --rolled-back` does."""
    return _of(
        schema,
        "UPDATE {ledger} SET rolled_back_at = pg_catalog.clock_timestamp() "
        "WHERE migration_name = {name} AND finished_at IS NULL AND rolled_back_at IS NULL",
        name=sql.Literal(name),
    )


def _of(schema: SchemaName, text: LiteralString, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(text).format(ledger=sql.Identifier(schema, LEDGER_TABLE), **parts)
