"""What a schema holds, by PostgreSQL's catalogues alone: the witness's eyes.

Nothing here comes from the migrator or its judge. Definitions are PostgreSQL's own text, printed with the schema in
search_path, so that it stands in none of them: a database is compared with one whose schema has another name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql
from psycopg.rows import class_row

LEDGER: Final = "_prisma_migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing in a schema; two that are equal mean the same."""

    kind: str
    relation: str
    """The table or view that it belongs to; empty for what belongs to none."""
    name: str
    definition: str

    @property
    def told(self) -> str:
        """The thing in words: `column LiteLLM_TeamTable.blocked`."""
        place = f"{self.relation}." if self.relation not in {"", self.name} else ""
        return f"{self.kind} {place}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A valid index without a condition, whatever its name is."""

    table: str
    columns: tuple[str, ...]
    unique: bool


def read_keys(session: psycopg.Connection) -> frozenset[Key]:
    """Read the indexes of the schema that comes first in search_path."""
    return frozenset(
        Key(table=table, columns=tuple(columns), unique=unique)
        for table, columns, unique in session.execute(_KEYS).fetchall()
    )


def read_catalogue(session: psycopg.Connection, schema: str, *, roles: str) -> frozenset[Fact]:
    """Read everything in a schema but Prisma's ledger; `roles` begins the names of the database's roles."""
    session.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
    (oid,) = session.execute("SELECT oid FROM pg_namespace WHERE nspname = %s", [schema]).fetchall()[0]
    with session.cursor(row_factory=class_row(Fact)) as cursor:
        found = [fact for query in _QUERIES for fact in cursor.execute(query, {"schema": oid}).fetchall()]
    return frozenset(
        Fact(
            kind=fact.kind,
            relation=fact.relation,
            name=fact.name,
            definition=fact.definition.replace(f"{roles}_", ""),
        )
        for fact in found
        if fact.relation != LEDGER
    )


_KEYS: Final = """
SELECT relname, ARRAY(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS key (attnum, number)
                        JOIN pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = key.attnum
                       WHERE number <= indnkeyatts ORDER BY number), indisunique
  FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
 WHERE relnamespace = quote_ident(current_schema())::regnamespace AND indisvalid AND indpred IS NULL
"""

_QUERIES: Final = (
    """
    SELECT CASE WHEN relkind IN ('r', 'p') THEN 'table' WHEN relkind IN ('v', 'm') THEN 'view'
                WHEN relkind = 'S' THEN 'sequence' ELSE 'relation' END AS kind,
           relname AS relation, relname AS name,
           concat_ws(' ', relkind, relpersistence, 'owner', pg_get_userbyid(relowner),
                     'rls', relrowsecurity, 'options', reloptions, 'identity', relreplident,
                     'bound', pg_get_expr(relpartbound, pg_class.oid),
                     'of', (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = pg_class.oid LIMIT 1),
                     'grants', (SELECT string_agg(acl::text, ',' ORDER BY acl::text) FROM unnest(relacl) AS acl),
                     CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(pg_class.oid, true) END) AS definition
      FROM pg_class WHERE relnamespace = %(schema)s AND relkind NOT IN ('i', 'I', 'c', 't')
    """,
    """
    SELECT 'column' AS kind, relname AS relation, attname AS name,
           concat_ws(' ', format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' END,
                     'default', pg_get_expr(adbin, adrelid), 'identity', attidentity, 'generated', attgenerated,
                     'collation', (SELECT collname FROM pg_collation WHERE oid = attcollation)) AS definition
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relnamespace = %(schema)s AND relkind IN ('r', 'p', 'v', 'm') AND attnum > 0 AND NOT attisdropped
    """,
    """
    SELECT 'constraint' AS kind, relname AS relation, conname AS name,
           concat_ws(' ', contype, pg_get_constraintdef(pg_constraint.oid, true), 'valid', convalidated) AS definition
      FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE relnamespace = %(schema)s
    """,
    """
    SELECT 'index' AS kind, (SELECT relname FROM pg_class WHERE oid = indrelid) AS relation, relname AS name,
           concat_ws(' ', pg_get_indexdef(indexrelid, 0, true), 'valid', indisvalid, 'ready', indisready) AS definition
      FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = %(schema)s
    """,
    """
    SELECT CASE typtype WHEN 'e' THEN 'enum' ELSE 'type' END AS kind, '' AS relation, typname AS name,
           concat_ws(' ', typtype, 'owner', pg_get_userbyid(typowner), format_type(typbasetype, typtypmod),
                     (SELECT string_agg(quote_literal(enumlabel), ',' ORDER BY enumsortorder)
                        FROM pg_enum WHERE enumtypid = pg_type.oid)) AS definition
      FROM pg_type WHERE typnamespace = %(schema)s AND typtype IN ('e', 'd', 'r')
    """,
    """
    SELECT 'function' AS kind, '' AS relation, proname AS name,
           concat_ws(' ', prokind, pg_get_function_arguments(pg_proc.oid), pg_get_function_result(pg_proc.oid),
                     'owner', pg_get_userbyid(proowner), lanname, provolatile, prosecdef, proisstrict, proconfig, prosrc
                    ) AS definition
      FROM pg_proc JOIN pg_language ON pg_language.oid = prolang WHERE pronamespace = %(schema)s
    """,
    """
    SELECT 'trigger' AS kind, relname AS relation, tgname AS name,
           concat_ws(' ', pg_get_triggerdef(pg_trigger.oid, true), 'enabled', tgenabled) AS definition
      FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE relnamespace = %(schema)s AND NOT tgisinternal
    """,
    """
    SELECT 'sequence' AS kind, relname AS relation, 'range' AS name,
           concat_ws(' ', format_type(seqtypid, NULL), seqstart, seqincrement, seqmin, seqmax, seqcycle,
                     'of', (SELECT concat(refobjid::regclass, '.', refobjsubid) FROM pg_depend
                             WHERE objid = seqrelid AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i'))
                    ) AS definition
      FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid WHERE relnamespace = %(schema)s
    """,
    "SELECT 'extension' AS kind, '' AS relation, extname AS name, '' AS definition FROM pg_extension",
)
