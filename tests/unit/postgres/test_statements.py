"""The statements as text; what they do is tried on real servers."""

from __future__ import annotations

from datetime import UTC, datetime

from litellm_database_operator.model.names import DatabaseName, RoleName
from litellm_database_operator.model.roles import Membership, Role
from litellm_database_operator.postgres import statements
from litellm_database_operator.postgres.scram import ScramVerifier

OWNER, MIGRATOR, ADMIN = RoleName("d_owner"), RoleName("d_migrator"), RoleName("admin")
GRANTS = (
    Membership(group=MIGRATOR, member=ADMIN, inherit=True),
    Membership(group=OWNER, member=MIGRATOR, inherit=False),
    Membership(group=OWNER, member=ADMIN, inherit=True),
)


def texts(composed: list[statements.Statement]) -> list[str]:
    return [each.as_string() for each in composed]


def test_names_are_quoted() -> None:
    assert statements.create_database(DatabaseName('a"b; --')).as_string() == (
        'CREATE DATABASE "a""b; --" TEMPLATE template0 ENCODING \'UTF8\''
    )


def test_grants_of_one_member_are_one_statement() -> None:
    assert texts([*statements.grant_memberships(GRANTS, major=16)]) == [
        'GRANT "d_migrator", "d_owner" TO "admin" WITH INHERIT TRUE, SET TRUE',
        'GRANT "d_owner" TO "d_migrator" WITH INHERIT FALSE, SET TRUE',
    ]


def test_before_16_a_member_that_does_not_inherit_is_made_so() -> None:
    assert texts([*statements.grant_memberships(GRANTS, major=15)]) == [
        'GRANT "d_migrator", "d_owner" TO "admin"',
        'GRANT "d_owner" TO "d_migrator"',
        'ALTER ROLE "d_migrator" NOINHERIT',
    ]


def test_only_a_superusers_attributes_are_never_named() -> None:
    role = Role(name=MIGRATOR, login=True, connection_limit=7)
    assert statements.alter_role(role).as_string() == 'ALTER ROLE "d_migrator" LOGIN CONNECTION LIMIT 7'


def test_a_password_without_an_end_says_so() -> None:
    verifier = ScramVerifier("SCRAM-SHA-256$x")
    endless = statements.set_password(MIGRATOR, verifier).as_string()
    assert endless == "ALTER ROLE \"d_migrator\" LOGIN PASSWORD 'SCRAM-SHA-256$x' VALID UNTIL 'infinity'"
    until = statements.set_password(MIGRATOR, verifier, valid_until=datetime(2026, 1, 2, tzinfo=UTC)).as_string()
    assert until.endswith("VALID UNTIL '2026-01-02T00:00:00+00:00'")
