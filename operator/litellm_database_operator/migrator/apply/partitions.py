"""An index on a partitioned table, which cannot be built CONCURRENTLY: on each partition, and attached.

LiteLLM's db_scripts partition the spend log. The names of the parts are those that LiteLLM's own Job gives, so that
neither builds what the other has built. Whatever was interrupted goes on where it stopped.
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import sql

from litellm_database_operator.migrator.content import Index
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Flag
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName

_MAX_BYTES: Final = 63
_DIGITS: Final = 8
_PARTITIONED: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass({table}) AND relkind = 'p') AS value
"""
_CHILDREN: Final[LiteralString] = """
SELECT namespace.nspname AS schema, child.relname AS name
FROM pg_catalog.pg_inherits
JOIN pg_catalog.pg_class child ON child.oid = inhrelid
JOIN pg_catalog.pg_namespace namespace ON namespace.oid = child.relnamespace
WHERE inhparent = pg_catalog.to_regclass({table}) AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_inherits attached JOIN pg_catalog.pg_index part ON part.indexrelid = attached.inhrelid
  WHERE attached.inhparent = pg_catalog.to_regclass({index}) AND part.indrelid = child.oid)
ORDER BY child.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A partition whose part of an index is not attached."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """What building by partitions needs."""

    session: Session
    index: Index
    build: Callable[[SchemaName, Index], None]
    """Builds an index on any table: a partition can be partitioned itself."""

    def build_on_partitions(self, schema: SchemaName) -> None:
        """Build the index on its partitioned table; QueryError as the server says."""
        index = self.index
        definition = sql.SQL(index.definition)  # pyright: ignore[reportArgumentType] # read from a file of the image
        self.session.execute(
            sql.SQL("CREATE INDEX IF NOT EXISTS {} ON ONLY {} {}").format(
                sql.Identifier(index.name), sql.Identifier(schema, index.table), definition
            )
        )
        for child in fetch_children(self.session, schema, index.table, index=index.name):
            self._attach(schema, child)

    def _attach(self, schema: SchemaName, child: Child) -> None:
        parent = self.index.name
        name, place = part_name(self.index, child.name), SchemaName(child.schema)
        self.build(place, Index(name=name, table=child.name, definition=self.index.definition))
        self.session.execute(
            sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(
                sql.Identifier(schema, parent), sql.Identifier(place, name)
            )
        )
        log("attached index", index=parent, partition=child.name)


def is_partitioned(session: Session, schema: SchemaName, table: str) -> bool:
    """Tell whether a table is partitioned."""
    name = _literal(session, schema, table)
    return session.fetch(Flag, sql.SQL(_PARTITIONED).format(table=name))[0].value


def fetch_children(session: Session, schema: SchemaName, table: str, *, index: str) -> Sequence[Child]:
    """Return the partitions of a table whose part of an index is missing."""
    names = {"table": _literal(session, schema, table), "index": _literal(session, schema, index)}
    return session.fetch(Child, sql.SQL(_CHILDREN).format(**names))


def part_name(index: Index, partition: str) -> str:
    """Name an index's part as PostgreSQL and LiteLLM do, and within PostgreSQL's bound as LiteLLM does."""
    name = f"{partition}_{index.name.removeprefix(f'{index.table}_')}"
    if len(name.encode()) <= _MAX_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    kept = name.encode()[: _MAX_BYTES - _DIGITS - 1].decode(errors="ignore")
    return f"{kept}_{digest}"


def _literal(session: Session, schema: str, name: str) -> sql.Literal:
    """Give a name as to_regclass reads it."""
    return sql.Literal(session.quote(sql.Identifier(schema, name)))
