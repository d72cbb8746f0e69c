"""What the proxy's login reads of its database, in two queries; inside.py sends them.

Whatever an owner has put in place of a table, and whatever rows it has written: a look ends with facts or with an error
of the server, and what it brings back is bounded at the server.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import sql

from litellm_database_operator.model.names import LEDGER_TABLE, SchemaName
from litellm_database_operator.model.observed import Change, InsideFacts, Judged
from litellm_database_operator.postgres.statements import HISTORY_LEDGER, MIGRATION_RUNS

Row = Mapping[str, Any]

# What there is to look at, as the app sees it. A member of an extension is nobody's table.
INSIDE: Final[LiteralString] = """
    WITH relations AS (
        SELECT pg_class.oid, nspname, relname, relkind, relispartition
          FROM pg_catalog.pg_class
          JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
         WHERE nspname IN (%(schema)s, %(operator_schema)s)
    ), runs AS (
        SELECT oid FROM relations WHERE nspname = %(operator_schema)s AND relname = 'migration_runs'
    )
    SELECT EXISTS (SELECT FROM relations WHERE nspname = %(schema)s AND relname = %(ledger)s) AS has_ledger,
           EXISTS (SELECT FROM runs) AS has_runs,
           EXISTS (SELECT FROM pg_catalog.pg_attribute JOIN runs ON attrelid = oid
                    WHERE attname = 'missing' AND NOT attisdropped) AS has_plans,
           EXISTS (SELECT FROM relations
                    WHERE nspname = %(operator_schema)s AND relname = %(ledger)s
                      AND pg_catalog.has_table_privilege(oid, 'SELECT')) AS reads_history,
           ARRAY(SELECT relname::text FROM relations
                  WHERE nspname = %(schema)s AND relkind IN ('v', 'm') LIMIT 1000) AS views,
           ARRAY(SELECT relname::text FROM relations
                  WHERE nspname = %(schema)s AND relkind IN ('r', 'p') AND NOT relispartition
                    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend
                                     WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = relations.oid
                                       AND deptype = 'e')
                  LIMIT 1000) AS tables
"""

# An owner can put anything in place of the ledger, and write any row of the runs: rows, lengths and times have a bound.
# Prisma's ledger in LiteLLM's schema; rows that were rolled back say nothing.
_LEDGER: Final[LiteralString] = """
    ARRAY(SELECT pg_catalog.left(migration_name::text, 255) FROM {ledger}
           WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL AND migration_name IS NOT NULL
           LIMIT 10000) AS finished,
    ARRAY(SELECT pg_catalog.left(migration_name::text, 255) FROM {ledger}
           WHERE rolled_back_at IS NULL AND finished_at IS NULL AND migration_name IS NOT NULL
           LIMIT 10000) AS unfinished,
    (SELECT LEAST(GREATEST(pg_catalog.max(finished_at), 'epoch'), pg_catalog.now()) FROM {ledger}
      WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL HAVING pg_catalog.count(*) > 0) AS last_finished
"""
# The last comparison with each bundle. Elements of any depth and none come out of unnest as they are counted.
_JUDGED: Final[LiteralString] = """
    (SELECT pg_catalog.json_agg(judged) FROM (
        SELECT DISTINCT ON (digest) pg_catalog.left(digest, 100) AS digest,
               LEAST(GREATEST(finished_at, 'epoch'), pg_catalog.now()) AS at,
               ARRAY(SELECT COALESCE(pg_catalog.left(each, 200), '') FROM pg_catalog.unnest(missing) AS each
                      LIMIT 20) AS missing
          FROM {runs}
         WHERE finished_at IS NOT NULL AND (verified OR pg_catalog.cardinality(missing) > 0)
         ORDER BY digest, finished_at DESC LIMIT 1000) AS judged) AS judged
"""
# Before file 2 of our history a run said no more of its comparison than that it found nothing missing.
_JUDGED_BEFORE_PLANS: Final[LiteralString] = """
    (SELECT pg_catalog.json_agg(judged) FROM (
        SELECT pg_catalog.left(digest, 100) AS digest, ARRAY[]::text[] AS missing,
               LEAST(GREATEST(pg_catalog.max(finished_at), 'epoch'), pg_catalog.now()) AS at
          FROM {runs} WHERE finished_at IS NOT NULL AND verified GROUP BY 1 LIMIT 1000) AS judged) AS judged
"""
# What was applied after the first comparison: before it there is nothing to go back to. Where there is too much of
# it, what breaks stays.
_CHANGES: Final[LiteralString] = """
    (SELECT pg_catalog.json_agg(changes ORDER BY at) FROM (
        SELECT LEAST(GREATEST(started_at, 'epoch'), pg_catalog.now()) AS at, COALESCE(breaks, true) AS breaks,
               ARRAY(SELECT pg_catalog.left(each, 255) FROM pg_catalog.unnest(pending) AS each
                      WHERE each IS NOT NULL LIMIT 300) AS names
          FROM {runs}
         WHERE mode = 'Migrate'
           AND (applied > 0 OR (outcome IN ('Running', 'Failed') AND pg_catalog.cardinality(pending) > 0))
           AND started_at >= (SELECT pg_catalog.min(finished_at) FROM {runs} WHERE verified)
         ORDER BY COALESCE(breaks, true) DESC, started_at DESC LIMIT 100) AS changes) AS changes
"""
_HISTORY: Final[LiteralString] = """
    ARRAY(SELECT pg_catalog.left(migration_name, 255) FROM {history} WHERE finished_at IS NOT NULL) AS history
"""


def inside(schema: SchemaName, found: Row) -> sql.Composed:
    """Return the query for all that INSIDE found: one, whose row lacks what is not there to be read."""
    parts: dict[LiteralString, bool] = {
        "SELECT pg_catalog.now() AS looked_at": True,
        _LEDGER: found["has_ledger"],
        _JUDGED: found["has_plans"],
        _CHANGES: found["has_plans"],
        _JUDGED_BEFORE_PLANS: found["has_runs"] and not found["has_plans"],
        _HISTORY: found["reads_history"],
    }
    names = {"ledger": sql.Identifier(schema, LEDGER_TABLE), "runs": MIGRATION_RUNS, "history": HISTORY_LEDGER}
    return sql.SQL(", ").join(sql.SQL(part).format(**names) for part, is_there in parts.items() if is_there)


def inside_facts(found: Row, told: Row) -> InsideFacts:
    """Put together the rows of INSIDE and `inside`; a table that is not there has no rows."""
    return InsideFacts(
        finished=frozenset(told.get("finished", ())),
        unfinished=frozenset(told.get("unfinished", ())),
        last_finished=told.get("last_finished"),
        views=frozenset(found["views"]),
        tables=frozenset(found["tables"]),
        judged={row["digest"]: _judged(row) for row in told.get("judged") or ()},
        changes=tuple(_change(row) for row in told.get("changes") or ()),
        history=frozenset(told.get("history", ())),
    )


def _judged(row: Row) -> Judged:
    return Judged(at=datetime.fromisoformat(row["at"]), missing=tuple(row["missing"]))


def _change(row: Row) -> Change:
    return Change(at=datetime.fromisoformat(row["at"]), names=frozenset(row["names"]), breaks=row["breaks"])
