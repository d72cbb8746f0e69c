"""What is taken away from a complete database, and the word by which a verdict must name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampering:
    """One thing that somebody does by hand, to something that is chosen anew in each database."""

    name: str
    choose: LiteralString
    """Gives relation and name of all that it could be done to; which of them is drawn by a seed."""
    statement: LiteralString
    """{relation} and {name} are what was chosen, as identifiers; {literal} is the name as a text."""
    named: str
    """What a verdict that is not `complete` must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken away."""

    relation: str
    name: str
    named: str


def take_away(session: psycopg.Connection, tampering: Tampering, *, seed: str) -> Taken | None:
    """Do it, in the schema that comes first in search_path; None where the database has nothing of the kind."""
    session.execute(_CHOICES)
    draw = sql.SQL(
        "SELECT relation, name FROM ({}) AS choice (relation, name) "
        "ORDER BY pg_catalog.md5(concat({}::text, relation, '.', name)) LIMIT 1"
    )
    row = session.execute(draw.format(sql.SQL(tampering.choose), sql.Literal(seed))).fetchone()
    if row is None:
        return None
    relation, name = row
    parts = {"relation": sql.Identifier(relation), "name": sql.Identifier(name), "literal": sql.Literal(name)}
    session.execute(sql.SQL(tampering.statement).format(**parts))
    return Taken(relation=relation, name=name, named=tampering.named.format(relation=relation, name=name))


_CHOICES: Final = """
CREATE TEMPORARY VIEW its_tables AS
SELECT pg_class.oid AS relid, relname,
       EXISTS (SELECT FROM pg_depend WHERE refobjid = pg_class.oid AND classid = 'pg_rewrite'::regclass)
       OR EXISTS (SELECT FROM pg_constraint WHERE confrelid = pg_class.oid) AS needed
  FROM pg_class
 WHERE relkind = 'r' AND relname <> '_prisma_migrations'
   AND relnamespace = quote_ident(current_schema())::regnamespace;

CREATE TEMPORARY VIEW its_columns AS
SELECT relname, attname, atttypid, attnotnull, adbin
  FROM its_tables JOIN pg_attribute ON attrelid = relid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attnum > 0 AND NOT attisdropped
   AND NOT EXISTS (SELECT FROM pg_depend LEFT JOIN pg_constraint ON pg_constraint.oid = objid
                    WHERE refobjid = attrelid AND refobjsubid = attnum
                      AND (classid = 'pg_rewrite'::regclass OR contype <> 'n'));

CREATE TEMPORARY VIEW its_indexes AS
SELECT its_tables.relname, of_index.relname AS name, indisunique, indpred IS NOT NULL AS partial
  FROM its_tables JOIN pg_index ON indrelid = relid JOIN pg_class AS of_index ON of_index.oid = indexrelid
 WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid);

CREATE TEMPORARY VIEW its_constraints AS
SELECT relname, conname, contype FROM its_tables JOIN pg_constraint ON conrelid = relid
 WHERE NOT EXISTS (SELECT FROM pg_constraint AS other WHERE other.confrelid = relid)
"""
"""What can be taken away by a plain statement: nothing else needs these tables, columns and constraints."""
_ROWS: Final = "SELECT '_prisma_migrations', migration_name FROM _prisma_migrations"
_DROP_INDEX: Final = "DROP INDEX {name}"
_COLUMN: Final = "{relation}.{name}"

TAMPERINGS: Final = (
    Tampering(
        name="a table",
        choose="SELECT relname, '' FROM its_tables WHERE NOT needed",
        statement="DROP TABLE {relation}",
        named="table {relation}",
    ),
    Tampering(
        name="a table's name",
        choose="SELECT relname, '' FROM its_tables WHERE NOT needed",
        statement="ALTER TABLE {relation} RENAME TO taken",
        named="taken",  # a table that LiteLLM never made, which is looked at first
    ),
    Tampering(
        name="a column",
        choose="SELECT relname, attname FROM its_columns",
        statement="ALTER TABLE {relation} DROP COLUMN {name}",
        named="column {relation}.{name}",
    ),
    Tampering(
        name="a column's name",
        choose="SELECT relname, attname FROM its_columns",
        statement="ALTER TABLE {relation} RENAME COLUMN {name} TO taken",
        named="column {relation}.{name}",
    ),
    Tampering(
        name="a column's type",
        choose="SELECT relname, attname FROM its_columns WHERE atttypid = 'integer'::regtype",
        statement="ALTER TABLE {relation} ALTER COLUMN {name} TYPE bigint",
        named=_COLUMN,
    ),
    Tampering(
        name="a column's NOT NULL",
        choose="SELECT relname, attname FROM its_columns WHERE attnotnull AND adbin IS NULL",
        statement="ALTER TABLE {relation} ALTER COLUMN {name} DROP NOT NULL",
        named=_COLUMN,
    ),
    Tampering(
        name="a column's default",
        choose="SELECT relname, attname FROM its_columns WHERE adbin IS NOT NULL",
        statement="ALTER TABLE {relation} ALTER COLUMN {name} DROP DEFAULT",
        named=_COLUMN,
    ),
    Tampering(
        name="an index",
        choose="SELECT relname, name FROM its_indexes WHERE NOT indisunique AND NOT partial",
        statement=_DROP_INDEX,
        named="index {relation}.{name}",
    ),
    Tampering(
        name="a unique index",
        choose="SELECT relname, name FROM its_indexes WHERE indisunique AND NOT partial",
        statement=_DROP_INDEX,
        named="index {relation}.{name}",
    ),
    Tampering(
        name="a partial index",
        choose="SELECT relname, name FROM its_indexes WHERE partial",
        statement=_DROP_INDEX,
        named="{name}",
    ),
    Tampering(
        name="an index that no migration builds",
        choose="SELECT relname, name FROM its_indexes WHERE name = 'LiteLLM_SpendLogs_api_key_startTime_idx'",
        statement=_DROP_INDEX,
        named="index {relation}.{name}",
    ),
    Tampering(
        name="an index's validity",
        choose="SELECT relname, name FROM its_indexes WHERE NOT indisunique AND NOT partial",
        statement="UPDATE pg_index SET indisvalid = false WHERE indexrelid = quote_ident({literal})::regclass",
        named="{name}",
    ),
    Tampering(
        name="a primary key",
        choose="SELECT relname, conname FROM its_constraints WHERE contype = 'p'",
        statement="ALTER TABLE {relation} DROP CONSTRAINT {name}",
        named="{relation}",
    ),
    Tampering(
        name="a foreign key",
        choose="SELECT relname, conname FROM its_constraints WHERE contype = 'f'",
        statement="ALTER TABLE {relation} DROP CONSTRAINT {name}",
        named="{name}",
    ),
    Tampering(
        name="a check",
        choose="SELECT relname, conname FROM its_constraints WHERE contype = 'c'",
        statement="ALTER TABLE {relation} DROP CONSTRAINT {name}",
        named="{name}",
    ),
    Tampering(
        name="an enum's value",
        choose="SELECT typname, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid",
        statement="ALTER TYPE {relation} RENAME VALUE {literal} TO 'taken'",
        named="{relation}",
    ),
    Tampering(
        name="a view",
        choose="""
            SELECT relname, '' FROM pg_class
             WHERE relkind = 'v' AND relnamespace = quote_ident(current_schema())::regnamespace
        """,
        statement="DROP VIEW {relation}",
        named="view {relation}",
    ),
    Tampering(
        name="a trigger",
        choose="SELECT relname, tgname FROM its_tables JOIN pg_trigger ON tgrelid = relid WHERE NOT tgisinternal",
        statement="DROP TRIGGER {name} ON {relation}",
        named="{name}",
    ),
    Tampering(
        name="a function",
        choose="SELECT proname, '' FROM pg_proc WHERE pronamespace = quote_ident(current_schema())::regnamespace",
        statement="DROP FUNCTION {relation} CASCADE",
        named="{relation}",
    ),
    Tampering(
        name="a row of the ledger",
        choose=_ROWS,
        statement="DELETE FROM {relation} WHERE migration_name = {literal}",
        named="{name}",
    ),
    Tampering(
        name="the newest row of the ledger",
        choose=f'{_ROWS} ORDER BY migration_name COLLATE "C" DESC LIMIT 1',
        statement="DELETE FROM {relation} WHERE migration_name = {literal}",
        named="{name}",
    ),
    Tampering(
        name="the end of a row of the ledger",
        choose=_ROWS,
        statement="UPDATE {relation} SET finished_at = NULL WHERE migration_name = {literal}",
        named="{name}",
    ),
    Tampering(
        name="a row of the ledger, said to be rolled back,",
        choose=_ROWS,
        statement="UPDATE {relation} SET rolled_back_at = now() WHERE migration_name = {literal}",
        named="{name}",
    ),
    Tampering(
        name="all rows of the ledger",
        choose="SELECT '_prisma_migrations', ''",
        statement="DELETE FROM {relation}",
        named="P3005",
    ),
    Tampering(
        name="the ledger",
        choose="SELECT '_prisma_migrations', ''",
        statement="DROP TABLE {relation}",
        named="P3005",
    ),
)
