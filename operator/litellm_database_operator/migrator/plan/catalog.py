"""What PostgreSQL's catalogues say of the tables that a plan touches: types, sizes, what is unique. Waits for nobody.

Sizes come from pg_class, as the last VACUUM or ANALYZE left them: pg_relation_size() waits behind whoever holds an
ACCESS EXCLUSIVE lock, and a plan must not.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, LiteralString

from psycopg import sql

from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName

# A partitioned table holds nothing itself: hence the sum over its tree. TOASTed values are part of a table that is
# rewritten. reltuples is -1 before the first VACUUM or ANALYZE:
# https://www.postgresql.org/docs/current/catalog-pg-class.html
_TABLES: Final[LiteralString] = """
WITH RECURSIVE tree (root, oid) AS (
  SELECT oid, oid FROM pg_catalog.pg_class
  WHERE relkind IN ('r', 'p') AND NOT relispartition
  AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
  UNION ALL SELECT tree.root, inhrelid FROM tree JOIN pg_catalog.pg_inherits ON inhparent = tree.oid
), sizes AS (
  SELECT tree.root, bool_or(leaf.reltuples >= 0) AS known, sum(greatest(leaf.reltuples, 0))::bigint AS estimate,
    sum(pg_catalog.pg_stat_get_live_tuples(leaf.oid))::bigint AS alive,
    sum((leaf.relpages::bigint + coalesce(toast.relpages, 0)) * current_setting('block_size')::bigint)::bigint AS bytes
  FROM tree JOIN pg_catalog.pg_class leaf ON leaf.oid = tree.oid AND leaf.relkind = 'r'
  LEFT JOIN pg_catalog.pg_class toast ON toast.oid = leaf.reltoastrelid
  GROUP BY tree.root
)
SELECT relname AS name, CASE WHEN known THEN bytes END AS bytes,
  CASE WHEN known THEN estimate ELSE alive END AS estimate
FROM tree JOIN pg_catalog.pg_class relation ON relation.oid = tree.oid AND tree.oid = tree.root
LEFT JOIN sizes ON sizes.root = tree.root
"""
_COLUMNS: Final[LiteralString] = """
SELECT relname AS table, attname AS name, pg_catalog.format_type(atttypid, atttypmod) AS type, attnotnull AS not_null
FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_class relation ON relation.oid = attrelid
WHERE relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0 AND NOT attisdropped
AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
"""
# An index that stands for a constraint is told once, as an index: its constraint has the same name.
_KEYS: Final[LiteralString] = """
SELECT relation.relname AS table, index.relname AS name, indisunique AS unique
FROM pg_catalog.pg_index JOIN pg_catalog.pg_class index ON index.oid = indexrelid
JOIN pg_catalog.pg_class relation ON relation.oid = indrelid
WHERE NOT relation.relispartition
AND relation.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
UNION ALL
SELECT relname, conname, false
FROM pg_catalog.pg_constraint JOIN pg_catalog.pg_class relation ON relation.oid = conrelid
WHERE contype IN ('f', 'c') AND NOT relispartition
AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
"""

_OTHERS: Final[LiteralString] = """
SELECT relname AS name FROM pg_catalog.pg_class
WHERE (relkind IN ('v', 'm', 'f') OR relispartition)
AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
"""
_FUNCTIONS: Final[LiteralString] = """
SELECT DISTINCT proname AS name FROM pg_catalog.pg_proc
WHERE pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {schema})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    table: str
    name: str
    type: str
    """As format_type() spells it."""
    not_null: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How big a table was at its last VACUUM or ANALYZE."""

    name: str
    bytes: int | None
    """None: there was none yet."""
    estimate: int | None
    """Rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An index, or a constraint that is none: a foreign key, a check."""

    table: str
    name: str
    unique: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A view, a foreign table, or a partition: rows that a plan's tables do not tell of. Also a function."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of LiteLLM's schema."""

    size: Size
    columns: Mapping[str, Column]

    @property
    def name(self) -> str:
        """Its name."""
        return self.size.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Tables by name, and indexes and constraints by theirs; an index's name is unique in its schema."""

    tables: Mapping[str, Table] = field(default_factory=dict[str, Table])
    keys: Mapping[str, tuple[Key, ...]] = field(default_factory=dict[str, tuple[Key, ...]])
    others: frozenset[str] = frozenset()
    """Names of what has rows and is no table of its own."""
    functions: frozenset[str] = frozenset()


def fetch_catalog(session: Session, schema: SchemaName) -> Catalog:
    """Read it; QueryError and ConnectionLostError as of any query."""
    names = {"schema": sql.Literal(schema)}
    columns: dict[str, dict[str, Column]] = defaultdict(dict)
    for column in session.fetch(Column, sql.SQL(_COLUMNS).format(**names)):
        columns[column.table][column.name] = column
    sizes = session.fetch(Size, sql.SQL(_TABLES).format(**names))
    keys: dict[str, tuple[Key, ...]] = defaultdict(tuple)
    for key in session.fetch(Key, sql.SQL(_KEYS).format(**names)):
        keys[key.name] += (key,)
    others = frozenset(other.name for other in session.fetch(Other, sql.SQL(_OTHERS).format(**names)))
    functions = frozenset(other.name for other in session.fetch(Other, sql.SQL(_FUNCTIONS).format(**names)))
    tables = {size.name: Table(size=size, columns=columns[size.name]) for size in sizes}
    return Catalog(tables=tables, keys=dict(keys), others=others, functions=functions)
