"""The queries that look, and the rows they give as model/observed.py's facts; server.py sends them.

Catalogues by their full names: what a tenant planted in another schema is never found first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import sql

from litellm_database_operator.model.names import (
    LEDGER_TABLE,
    DatabaseName,
    RoleName,
    RoleNames,
    SchemaName,
    role_names,
)
from litellm_database_operator.model.observed import (
    CatalogFacts,
    Change,
    DatabaseFacts,
    InsideFacts,
    Judged,
    ServerFacts,
)
from litellm_database_operator.model.roles import Grant, Membership, Role, parse_mark
from litellm_database_operator.postgres.statements import HISTORY_LEDGER, MIGRATION_RUNS

Row = Mapping[str, Any]

SERVER: Final[LiteralString] = """
    SELECT pg_catalog.current_setting('server_version_num')::integer AS version_num,
           pg_catalog.current_setting('server_version') AS version,
           (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier,
           pg_catalog.pg_is_in_recovery() AS in_recovery,
           rolname AS admin, rolsuper AS superuser, rolcreatedb AS createdb, rolcreaterole AS createrole
      FROM pg_catalog.pg_roles
     WHERE rolname = current_user
"""


def server_facts(row: Row) -> ServerFacts:
    """Read the row of SERVER."""
    missing = [name for name in ("CREATEDB", "CREATEROLE") if not (row["superuser"] or row[name.lower()])]
    return ServerFacts(
        version_num=row["version_num"],
        version=row["version"],
        system_identifier=row["system_identifier"],
        in_recovery=row["in_recovery"],
        admin=RoleName(row["admin"]),
        superuser=row["superuser"],
        missing_privileges=tuple(missing),
    )


# A membership without SET counts as none: on 16 a CREATEROLE admin is given one of that kind with each role
# it makes. Before 16 memberships have no options; there inheritance is the member's attribute, and the admin's
# own is not ours to change.
CATALOG: Final[LiteralString] = """
    WITH ours AS (
        SELECT oid, rolname, rolcanlogin, rolconnlimit, rolconfig,
               rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls
          FROM pg_catalog.pg_roles
         WHERE rolname = ANY (%(roles)s)
    ), granted AS (
        SELECT ours.rolname AS "group", member.rolname AS member,
               pg_catalog.bool_or(COALESCE(
                   (pg_catalog.to_jsonb(auth) ->> 'inherit_option')::boolean,
                   member.rolinherit OR member.rolname = current_user
               )) AS inherit
          FROM ours
          JOIN pg_catalog.pg_auth_members AS auth ON auth.roleid = ours.oid
          JOIN pg_catalog.pg_roles AS member ON member.oid = auth.member
         WHERE COALESCE((pg_catalog.to_jsonb(auth) ->> 'set_option')::boolean, true)
         GROUP BY ours.rolname, member.rolname
    ), given AS (
        SELECT part.rolname AS "group", ours.rolname AS member, part.rolsuper AS of_superuser,
               pg_catalog.pg_get_userbyid(auth.grantor) AS grantor
          FROM ours
          JOIN pg_catalog.pg_auth_members AS auth ON auth.member = ours.oid
          JOIN pg_catalog.pg_roles AS part ON part.oid = auth.roleid
    ), rights AS (
        SELECT acl.grantee, acl.privilege_type, datdba
          FROM pg_catalog.pg_database,
               pg_catalog.aclexplode(COALESCE(datacl, pg_catalog.acldefault('d', datdba))) AS acl
         WHERE datname = %(database)s
    )
    SELECT (SELECT pg_catalog.json_agg(ours) FROM ours) AS roles,
           (SELECT pg_catalog.shobj_description(oid, 'pg_authid') FROM ours WHERE rolname = %(owner)s) AS mark,
           (SELECT pg_catalog.json_agg(granted) FROM granted) AS memberships,
           (SELECT pg_catalog.json_agg(given) FROM given) AS grants,
           (SELECT pg_catalog.json_build_object(
                       'owner', pg_catalog.pg_get_userbyid(datdba),
                       'valid', datconnlimit <> -2,
                       'accepts_connections', datallowconn)
              FROM pg_catalog.pg_database WHERE datname = %(database)s) AS database,
           ARRAY(SELECT privilege_type FROM rights WHERE grantee = 0) AS public_rights,
           ARRAY(SELECT pg_catalog.pg_get_userbyid(grantee)::text FROM rights
                  WHERE privilege_type = 'CONNECT' AND grantee NOT IN (0, datdba)) AS connecting
"""


def catalog_parameters(database: DatabaseName) -> Row:
    """Return what CATALOG asks for."""
    roles = role_names(database)
    return {"database": database, "roles": list(roles.all()), "owner": roles.owner}


def catalog_facts(row: Row, names: RoleNames) -> CatalogFacts:
    """Read the row of CATALOG."""
    roles = {role.name: role for role in map(_role, row["roles"] or ())}
    return CatalogFacts(
        roles=roles,
        migrator_unlocked=names.migrator in roles and roles[names.migrator].login,
        memberships=frozenset(Membership(**found) for found in row["memberships"] or ()),
        grants=frozenset(Grant(**found) for found in row["grants"] or ()),
        mark=parse_mark(row["mark"]),
        database=_database(row) if row["database"] else None,
    )


_ACTS_AS: Final = "role="
_ATTRIBUTES: Final = {
    "SUPERUSER": "rolsuper",
    "CREATEDB": "rolcreatedb",
    "CREATEROLE": "rolcreaterole",
    "REPLICATION": "rolreplication",
    "BYPASSRLS": "rolbypassrls",
}


def _role(found: Row) -> Role:
    settings: Sequence[str] = found["rolconfig"] or ()
    acts_as = [setting.removeprefix(_ACTS_AS) for setting in settings if setting.startswith(_ACTS_AS)]
    return Role(
        name=RoleName(found["rolname"]),
        login=found["rolcanlogin"],
        connection_limit=found["rolconnlimit"],
        acts_as=RoleName(acts_as[0]) if acts_as else None,
        attributes=frozenset(name for name, column in _ATTRIBUTES.items() if found[column]),
    )


def _database(row: Row) -> DatabaseFacts:
    return DatabaseFacts(
        owner=RoleName(row["database"]["owner"]),
        public_rights=frozenset(row["public_rights"]),
        connecting=frozenset(map(RoleName, row["connecting"])),
        valid=row["database"]["valid"],
        accepts_connections=row["database"]["accepts_connections"],
    )


EXISTING_ROLES: Final[LiteralString] = """
    SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE rolname = ANY (%(roles)s)
"""

# Ends each, and waits until it is gone, at most so many milliseconds; a row for each that was there.
END_SESSIONS: Final[LiteralString] = """
    SELECT pg_catalog.pg_terminate_backend(pid, %(wait)s)
      FROM pg_catalog.pg_stat_activity
     WHERE usename = ANY (%(logins)s)
"""

PREPARATION: Final[LiteralString] = """
    SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s) AS schema_exists,
           pg_catalog.to_regclass('litellm_operator._prisma_migrations') IS NOT NULL AS has_ledger
"""

HISTORY_APPLIED: Final[LiteralString] = """
    SELECT migration_name AS name FROM litellm_operator._prisma_migrations WHERE finished_at IS NOT NULL
"""


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
