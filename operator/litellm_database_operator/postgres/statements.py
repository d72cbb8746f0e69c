"""The statements that change something, one function each and no connection; server.py sends them.

DDL takes no bound parameters, hence Identifier and Literal, and never a string put together by hand.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, LiteralString, cast

from psycopg import sql

from litellm_database_operator.model.names import (
    LEDGER_TABLE,
    OPERATOR_SCHEMA,
    DatabaseName,
    RoleName,
    RoleNames,
    SchemaName,
)
from litellm_database_operator.model.roles import ATTRIBUTES, Grant, Mark, Membership, Role
from litellm_database_operator.postgres.history import HistoryMigration
from litellm_database_operator.postgres.scram import ScramVerifier

Statement = sql.SQL | sql.Composed

GRANT_OPTIONS_SINCE: Final = 16
"""The major version whose memberships have INHERIT and SET of their own.

https://www.postgresql.org/docs/16/release-16.html#RELEASE-16-PRIVILEGES
"""


def script(statements: Iterable[Statement]) -> sql.Composed:
    """Join statements into one simple query: one round trip, and one transaction of its own.

    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
    """
    # on a line of its own: a file of history may end in a comment
    return sql.SQL("\n;\n").join(statements)


def create_role(role: Role) -> sql.Composed:
    """Create a role without a password; every attribute that is not named is off by default."""
    return _format(
        "CREATE ROLE {name} {login} CONNECTION LIMIT {limit}",
        name=sql.Identifier(role.name),
        login=_login(role),
        limit=sql.Literal(role.connection_limit),
    )


def alter_role(role: Role) -> sql.Composed:
    """Bring a role's login and limit to what they should be.

    The dangerous attributes are not named: only a superuser may, even where nothing would change. `deprive` takes them.
    """
    return _format(
        "ALTER ROLE {name} {login} CONNECTION LIMIT {limit}",
        name=sql.Identifier(role.name),
        login=_login(role),
        limit=sql.Literal(role.connection_limit),
    )


def deprive(role: Role) -> sql.Composed:
    """Take the attributes from a role that it is given with, and name no other."""
    taken: list[LiteralString] = [f"NO{name}" for name in ATTRIBUTES if name in role.attributes]
    return _format("ALTER ROLE {name} ", name=sql.Identifier(role.name)) + sql.SQL(" ").join(map(sql.SQL, taken))


def revoke_membership(grant: Grant, *, major: int) -> sql.Composed:
    """Take a role of ours out of a group, with whomever it has put there itself.

    Since 16 each grantor's grant is one of its own. https://www.postgresql.org/docs/16/sql-revoke.html
    """
    names = {"group": sql.Identifier(grant.group), "member": sql.Identifier(grant.member)}
    if major < GRANT_OPTIONS_SINCE:
        return _format("REVOKE {group} FROM {member} CASCADE", **names)
    grantor = sql.Identifier(grant.grantor)
    return _format("REVOKE {group} FROM {member} GRANTED BY {grantor} CASCADE", grantor=grantor, **names)


def act_as(role: Role) -> sql.Composed:
    """Let every session of a role begin as another, or as itself; the grant to it must be there already."""
    name = sql.Identifier(role.name)
    if role.acts_as is None:
        return _format("ALTER ROLE {name} RESET role", name=name)
    return _format("ALTER ROLE {name} SET role = {acts_as}", name=name, acts_as=sql.Literal(role.acts_as))


def grant_memberships(memberships: Iterable[Membership], *, major: int) -> list[sql.Composed]:
    """Grant memberships, those of one member in one statement.

    Before 16 whether rights are inherited is an attribute of the member.
    """
    ordered = sorted(memberships, key=lambda one: (one.member, one.inherit, one.group))
    statements: list[sql.Composed] = []
    for (member, inherit), same in groupby(ordered, key=lambda one: (one.member, one.inherit)):
        statements += _grant([one.group for one in same], member, inherit=inherit, major=major)
    return statements


def _grant(groups: Sequence[RoleName], member: RoleName, *, inherit: bool, major: int) -> list[sql.Composed]:
    grant = _format("GRANT {groups} TO {member}", groups=_names(groups), member=sql.Identifier(member))
    if major >= GRANT_OPTIONS_SINCE:
        options: LiteralString = "TRUE" if inherit else "FALSE"
        return [grant + sql.SQL(" WITH INHERIT ") + sql.SQL(options) + sql.SQL(", SET TRUE")]
    alone = [] if inherit else [_format("ALTER ROLE {member} NOINHERIT", member=sql.Identifier(member))]
    return [grant, *alone]


def mark_owner(owner: RoleName, mark: Mark) -> sql.Composed:
    """Write the mark on the owner role."""
    return _format("COMMENT ON ROLE {owner} IS {mark}", owner=sql.Identifier(owner), mark=sql.Literal(mark.dump()))


def create_database(database: DatabaseName) -> sql.Composed:
    """Create a database owned by the admin; from template0, which nobody can have put anything into."""
    return _format("CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'", database=sql.Identifier(database))


def revoke_from_public(database: DatabaseName) -> sql.Composed:
    """Take CONNECT, TEMPORARY and CREATE from everybody who was not granted them by name."""
    return _format("REVOKE ALL ON DATABASE {database} FROM PUBLIC", database=sql.Identifier(database))


def allow_connect(database: DatabaseName, roles: RoleNames) -> sql.Composed:
    """Open a database to the proxy and to the migrator, who does not inherit the owner's rights."""
    return _format(
        "GRANT CONNECT ON DATABASE {database} TO {logins}",
        database=sql.Identifier(database),
        logins=_names([roles.migrator, roles.app]),
    )


def hand_over_schema(schema: SchemaName, roles: RoleNames, *, exists: bool) -> list[sql.Composed]:
    """Give the schema to the owner role, and the proxy its use."""
    names = {"schema": sql.Identifier(schema), "owner": sql.Identifier(roles.owner), "app": sql.Identifier(roles.app)}
    own: LiteralString = (
        "ALTER SCHEMA {schema} OWNER TO {owner}" if exists else "CREATE SCHEMA {schema} AUTHORIZATION {owner}"
    )
    return [
        _format(own, **names),
        _format("REVOKE ALL ON SCHEMA {schema} FROM PUBLIC", **names),
        _format("GRANT USAGE ON SCHEMA {schema} TO {app}", **names),
    ]


def close_public_schema() -> sql.Composed:
    """Take CREATE in schema public from everybody; needed before 15, and only its owner can."""
    return _format("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def default_privileges(schema: SchemaName, roles: RoleNames) -> list[sql.Composed]:
    """Give the proxy its rights on everything that the owner role will make.

    https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
    """
    names = {"schema": sql.Identifier(schema), "owner": sql.Identifier(roles.owner), "app": sql.Identifier(roles.app)}
    head: LiteralString = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} "
    return [
        _format(head + "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}", **names),
        _format(head + "GRANT USAGE ON SEQUENCES TO {app}", **names),
    ]


def create_history_ledger() -> list[sql.Composed]:
    """Make our own schema, and in it the ledger table exactly as Prisma makes it."""
    return [
        _format("CREATE SCHEMA IF NOT EXISTS {schema}", schema=sql.Identifier(OPERATOR_SCHEMA)),
        _format(
            "CREATE TABLE IF NOT EXISTS {ledger} (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,"
            " finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,"
            " started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)",
            ledger=HISTORY_LEDGER,
        ),
    ]


def apply_history(migration: HistoryMigration) -> list[Statement]:
    """Apply one migration of our own schema, and note it in its ledger."""
    return [
        sql.SQL(cast("LiteralString", migration.script.decode())),  # ours: a file of the image
        _format(
            "INSERT INTO {ledger} (id, checksum, finished_at, migration_name, applied_steps_count)"
            " VALUES (gen_random_uuid()::text, {checksum}, now(), {name}, 1)",
            ledger=HISTORY_LEDGER,
            checksum=sql.Literal(migration.checksum),
            name=sql.Literal(migration.name),
        ),
    ]


def begin(*, lock_timeout: int) -> list[Statement]:
    """Begin a transaction that waits at most so many milliseconds for a lock."""
    return [
        sql.SQL("BEGIN"),
        _format("SET LOCAL lock_timeout = {milliseconds}", milliseconds=sql.Literal(lock_timeout)),
    ]


def commit() -> sql.SQL:
    """End the transaction."""
    return sql.SQL("COMMIT")


def lock_history() -> sql.Composed:
    """Keep others from extending the history; nobody but the admin may take a lock that this one waits for.

    https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
    """
    return _format("LOCK TABLE {ledger} IN SHARE ROW EXCLUSIVE MODE", ledger=HISTORY_LEDGER)


def share_history(roles: RoleNames) -> list[sql.Composed]:
    """Let the owner role write runs and the proxy read all; nobody but the admin can take one away."""
    names = {
        "schema": sql.Identifier(OPERATOR_SCHEMA),
        "ledger": HISTORY_LEDGER,
        "runs": MIGRATION_RUNS,
        "owner": sql.Identifier(roles.owner),
        "app": sql.Identifier(roles.app),
    }
    return [
        _format("GRANT USAGE ON SCHEMA {schema} TO {owner}, {app}", **names),
        _format("GRANT SELECT, INSERT, UPDATE ON {runs} TO {owner}", **names),
        _format("GRANT SELECT ON {runs}, {ledger} TO {app}", **names),
    ]


def set_password(login: RoleName, verifier: ScramVerifier, *, valid_until: datetime | None = None) -> sql.Composed:
    """Let a role log in with a password; the server, and its log, see a verifier only."""
    until = "infinity" if valid_until is None else valid_until.isoformat()
    return _format(
        "ALTER ROLE {login} LOGIN PASSWORD {verifier} VALID UNTIL {until}",
        login=sql.Identifier(login),
        verifier=sql.Literal(verifier),
        until=sql.Literal(until),
    )


def lock_login(login: RoleName) -> sql.Composed:
    """Let a role log in no more; its open sessions stay."""
    return _format("ALTER ROLE {login} NOLOGIN PASSWORD NULL", login=sql.Identifier(login))


def allow_time(milliseconds: int) -> sql.Composed:
    """Let the session's statements take longer than its startup packet says."""
    return _format("SET statement_timeout = {milliseconds}", milliseconds=sql.Literal(milliseconds))


def reset_time() -> sql.Composed:
    """Go back to what the startup packet says."""
    return _format("RESET statement_timeout")


def drop_database(database: DatabaseName) -> sql.Composed:
    """Drop a database with whoever is connected."""
    return _format("DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=sql.Identifier(database))


def drop_roles(roles: Sequence[RoleName]) -> list[sql.Composed]:
    """Drop roles, and what they may have left in the maintenance database.

    Anybody who may connect there can leave a large object, which would keep the role alive.
    """
    return [
        _format("DROP OWNED BY {roles}", roles=_names(roles)),
        _format("DROP ROLE IF EXISTS {roles}", roles=_names(roles)),
    ]


HISTORY_LEDGER: Final = sql.Identifier(OPERATOR_SCHEMA, LEDGER_TABLE)
MIGRATION_RUNS: Final = sql.Identifier(OPERATOR_SCHEMA, "migration_runs")


def _format(text: LiteralString, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(text).format(**parts)


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _login(role: Role) -> sql.SQL:
    return sql.SQL("LOGIN") if role.login else sql.SQL("NOLOGIN")
