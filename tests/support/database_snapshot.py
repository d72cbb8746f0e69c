"""What a PostgreSQL server holds of one namespace, as plain data: two snapshots that are equal are the same state.

Names and uids that belong to one run are replaced, so that a run in another namespace can be compared with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

import psycopg
from psycopg.rows import dict_row

from tests.support.postgres_server import PostgresServer

Snapshot = Mapping[str, Any]


def take_snapshot(server: PostgresServer, prefix: str, replaced: Mapping[str, str]) -> Snapshot:
    """Return all that begins with `prefix` on a server; each text of `replaced` is given as its value."""
    with server.connect() as session:
        found: dict[str, Any] = {name: _rows(session, query, prefix) for name, query in _SHARED.items()}
    for database in [each["datname"] for each in found["databases"] if each["datallowconn"]]:
        with server.connect(database) as session:
            found[database] = {name: _rows(session, query, prefix) for name, query in _INSIDE.items()}
    text = json.dumps(found, default=str, sort_keys=True)
    # the longest first: one uid may begin like another
    for name in sorted(replaced, key=len, reverse=True):
        text = text.replace(name, replaced[name])
    return _ordered(json.loads(text))


def _ordered(value: Any) -> Any:
    """Return lists in one order: that of the replaced names is chance."""
    if isinstance(value, dict):
        return {key: _ordered(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return sorted(map(_ordered, cast("list[Any]", value)), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def _rows(session: psycopg.Connection, query: str, prefix: str) -> list[dict[str, Any]]:
    with session.cursor(row_factory=dict_row) as cursor:
        if "_prisma_migrations" in query and not _exists(session, query):
            return []
        return cursor.execute(query.encode(), {"prefix": prefix}).fetchall()


def _exists(session: psycopg.Connection, query: str) -> bool:
    table = "public._prisma_migrations" if "public." in query else "litellm_operator._prisma_migrations"
    row = session.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])


_SHARED: Final = {
    "roles": """
        SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
               rolconnlimit, rolvaliduntil = 'infinity' AS forever, rolpassword IS NOT NULL AS has_password, setconfig,
               shobj_description(pg_authid.oid, 'pg_authid') AS mark
          FROM pg_authid LEFT JOIN pg_db_role_setting ON setrole = pg_authid.oid
         WHERE starts_with(rolname, %(prefix)s) ORDER BY rolname
    """,
    "memberships": """
        SELECT roleid::regrole::text, member::regrole::text, grantor::regrole::text,
               admin_option, inherit_option, set_option
          FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = roleid
         WHERE starts_with(rolname, %(prefix)s) ORDER BY 1, 2, 3
    """,
    "databases": """
        SELECT datname, datdba::regrole::text, datallowconn, datconnlimit, datistemplate,
               ARRAY(SELECT acl::text FROM unnest(datacl) AS acl ORDER BY 1) AS datacl
          FROM pg_database WHERE starts_with(datname, %(prefix)s) ORDER BY datname
    """,
}
_INSIDE: Final = {
    "default_acls": """
        SELECT defaclrole::regrole::text, defaclnamespace::regnamespace::text, defaclobjtype::text,
               ARRAY(SELECT acl::text FROM unnest(defaclacl) AS acl ORDER BY 1) AS acls
          FROM pg_default_acl ORDER BY 1, 2, 3
    """,
    "schemas": """
        SELECT nspname, nspowner::regrole::text, ARRAY(SELECT acl::text FROM unnest(nspacl) AS acl ORDER BY 1) AS acls
          FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$' ORDER BY 1
    """,
    "relations": """
        SELECT relnamespace::regnamespace::text, relname, relkind::text, relowner::regrole::text,
               ARRAY(SELECT acl::text FROM unnest(relacl) AS acl ORDER BY 1) AS acls
          FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_|^information_schema$' ORDER BY 1, 2
    """,
    "ledger": """
        SELECT migration_name, finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back
          FROM public._prisma_migrations ORDER BY 1, 2, 3
    """,
    "history_ledger": "SELECT migration_name FROM litellm_operator._prisma_migrations ORDER BY 1",
    "runs": """
        SELECT bundle, digest, outcome, applied, total, verified
          FROM litellm_operator.migration_runs
         WHERE EXISTS (SELECT FROM litellm_operator._prisma_migrations) ORDER BY started_at
    """,
}
