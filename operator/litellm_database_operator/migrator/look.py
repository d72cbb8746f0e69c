"""Looks at the database, changes nothing: what is in the schema, and what Prisma's ledger says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import sql

from litellm_database_operator.migrator import ledger
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import LEDGER_TABLE, SchemaName

# Extensions that a managed server keeps in public are nobody's data: what belongs to one is left out.
_OBJECTS: Final[LiteralString] = """
SELECT relation.relname AS name, relation.relkind AS kind, relation.relispartition AS partition,
  coalesce(index.indisvalid, true) AS valid, indexed.relname AS table
FROM pg_catalog.pg_class relation
LEFT JOIN pg_catalog.pg_index index ON index.indexrelid = relation.oid
LEFT JOIN pg_catalog.pg_class indexed ON indexed.oid = index.indrelid
WHERE relation.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
AND relation.relkind <> 'c' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend
  WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = relation.oid AND deptype = 'e')
ORDER BY name
"""
_TABLES: Final = frozenset({"r", "p"})
_INDEXES: Final = frozenset({"i", "I"})
_VIEWS: Final = frozenset({"v", "m"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaObject:
    """Something in the schema; `kind` is pg_class.relkind."""

    name: str
    kind: str
    valid: bool
    """False for an index whose building was interrupted."""
    partition: bool = False
    table: str | None = None
    """Of an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """A row of Prisma's ledger; a migration can have several."""

    name: str
    checksum: str
    finished: bool
    rolled_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A row of one boolean."""

    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The database as it is now."""

    objects: tuple[SchemaObject, ...]
    rows: tuple[LedgerRow, ...]
    """Empty also where there is no ledger."""

    @property
    def has_ledger(self) -> bool:
        """Whether the ledger exists."""
        return any(thing.name == LEDGER_TABLE for thing in self.objects)

    @property
    def finished(self) -> frozenset[str]:
        """Names of migrations that are applied."""
        return frozenset(row.name for row in self.rows if row.finished and not row.rolled_back)

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Names that Prisma takes for failed: begun, and neither finished nor rolled back."""
        return tuple(dict.fromkeys(row.name for row in self.rows if not row.finished and not row.rolled_back))

    @property
    def tables(self) -> frozenset[str]:
        """Names of tables; a partition belongs to its table."""
        return frozenset(thing.name for thing in self.objects if thing.kind in _TABLES and not thing.partition)

    @property
    def invalid(self) -> tuple[SchemaObject, ...]:
        """Indexes whose building was interrupted; of a partitioned table's it is told by its partitions."""
        return tuple(thing for thing in self.objects if thing.kind == "i" and not thing.valid)

    @property
    def indexes(self) -> frozenset[str]:
        """Names of valid indexes."""
        return frozenset(thing.name for thing in self.objects if thing.kind in _INDEXES and thing.valid)

    @property
    def views(self) -> frozenset[str]:
        """Names of views."""
        return frozenset(thing.name for thing in self.objects if thing.kind in _VIEWS)


def look(session: Session, schema: SchemaName) -> Seen:
    """Read objects and ledger."""
    objects = fetch_objects(session, schema)
    seen = Seen(objects=tuple(objects), rows=())
    if not seen.has_ledger:
        return seen
    return Seen(objects=seen.objects, rows=tuple(session.fetch(LedgerRow, ledger.rows(schema))))


def fetch_objects(session: Session, schema: SchemaName) -> Sequence[SchemaObject]:
    """Read what is in the schema, in order of names."""
    return session.fetch(SchemaObject, sql.SQL(_OBJECTS).format(schema=sql.Literal(schema)))
