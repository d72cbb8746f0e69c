"""All that a schema holds, as PostgreSQL's catalogues have it: two that are equal were made by the same statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

Catalogue = Mapping[str, list[tuple[Any, ...]]]


def read_catalogue(session: psycopg.Connection, schema: str, prefix: str) -> Catalogue:
    """Read it; `prefix`, what the names of the database's roles begin with, is left out."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, query in _QUERIES.items():
        rows = session.execute(sql.SQL(query), {"schema": schema}).fetchall()
        found[name] = [
            tuple(each.replace(prefix, "…") if isinstance(each, str) else each for each in row) for row in rows
        ]
    return found


_QUERIES: Final[Mapping[str, LiteralString]] = {
    "relations": """
        SELECT relname::text, relkind::text, relpersistence::text, relowner::regrole::text,
               ARRAY(SELECT acl::text FROM unnest(relacl) acl ORDER BY 1)::text, reloptions::text
          FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) ORDER BY 1
    """,
    "columns": """
        SELECT relname::text, attnum, attname::text, format_type(atttypid, atttypmod), attnotnull, attisdropped,
               attidentity::text, attgenerated::text, pg_get_expr(adbin, adrelid)
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
          LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND attnum > 0
         ORDER BY relname, attnum
    """,
    "indexes": """
        SELECT pg_get_indexdef(indexrelid), indisvalid, indisunique, indisprimary
          FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
         WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) ORDER BY 1
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname::text, contype::text, convalidated, pg_get_constraintdef(oid)
          FROM pg_constraint
         WHERE connamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) ORDER BY 1, 2
    """,
    "enums": """
        SELECT typname::text, enumlabel::text, enumsortorder FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid
         WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) ORDER BY 1, 3
    """,
    "functions": """
        SELECT pg_get_functiondef(oid), proowner::regrole::text FROM pg_proc
         WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) ORDER BY 1
    """,
    "triggers": """
        SELECT pg_get_triggerdef(pg_trigger.oid), tgenabled::text
          FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
         WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND NOT tgisinternal ORDER BY 1
    """,
    "views": """
        SELECT relname::text, pg_get_viewdef(oid) FROM pg_class
         WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s) AND relkind = 'v' ORDER BY 1
    """,
    "ledger": """
        SELECT migration_name, checksum, finished_at IS NOT NULL, rolled_back_at IS NULL, applied_steps_count, logs
          FROM _prisma_migrations ORDER BY 1
    """,
}
