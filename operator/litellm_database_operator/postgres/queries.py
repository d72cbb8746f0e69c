"""The queries that look, and the rows they give as model/observed.py's facts; server.py sends them.

Catalogues by their full names: what a tenant planted in another schema is never found first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

from litellm_database_operator.model.names import DatabaseName, RoleName, RoleNames, role_names
from litellm_database_operator.model.observed import CatalogFacts, DatabaseFacts, ServerFacts
from litellm_database_operator.model.roles import Grant, Membership, Role, parse_mark

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


# Of every role that bears a comment like a mark's: one for each database that was ever made and not dropped.
MARKS: Final[LiteralString] = """
    SELECT description AS mark
      FROM pg_catalog.pg_shdescription
     WHERE classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
       AND pg_catalog.strpos(description, %(told)s) > 0
"""


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
