"""The fastest honest way to make databases by SQL alone: what provisioning is compared with.

It makes what the operator makes, out of the same statements: roles, memberships, the mark, a database, and its
inside. It looks at nothing before, has every text ready before the clock starts, and needs three round trips
and one login for each database.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import mint_password
from litellm_database_operator.planning.parse import parse_database
from litellm_database_operator.planning.roles import wanted_memberships, wanted_roles
from litellm_database_operator.postgres import statements
from litellm_database_operator.postgres.history import read_history
from litellm_database_operator.postgres.scram import make_verifier
from tests.support.postgres_server import Login, PostgresServer

_MAJOR: Final = 16
_HISTORY: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All that makes one database, as text."""

    database: str
    roles: str
    create: str
    inside: str


def write_script(body: Mapping[str, Any], admin: str, context: psycopg.Connection) -> Script:
    """Write what makes the database of a LiteLLMDatabase."""
    resource = parse_database(body)
    return Script(
        database=resource.database,
        roles=_roles(resource, RoleName(admin)).as_string(context),
        create=statements.create_database(resource.database).as_string(context),
        inside=_inside(resource).as_string(context),
    )


def _roles(resource: LiteLLMDatabase, admin: RoleName) -> sql.Composed:
    roles, meta = wanted_roles(resource, connections=resource.spec.credentials.connection_limit), resource.metadata
    mark = Mark(identity="bench", namespace=meta.namespace, namespace_uid="-", name=meta.name, uid=meta.uid)
    return statements.script(
        [
            *map(statements.create_role, roles),
            *statements.grant_memberships(wanted_memberships(resource.roles, admin), major=_MAJOR),
            *(statements.act_as(role) for role in roles if role.acts_as),
            statements.mark_owner(resource.roles.owner, mark),
            statements.set_password(resource.roles.app_a, make_verifier(mint_password())),
        ]
    )


def _inside(resource: LiteLLMDatabase) -> sql.Composed:
    schema, roles = resource.spec.schema_, resource.roles
    history = (each for one in read_history(_HISTORY).migrations for each in statements.apply_history(one))
    return statements.script(
        [
            statements.revoke_from_public(resource.database),
            *statements.create_history_ledger(),
            *history,
            *statements.share_history(roles),
            *statements.hand_over_schema(schema, roles, exists=True),
            *statements.default_privileges(schema, roles),
            statements.allow_connect(resource.database, roles),
        ]
    )


def run(server: PostgresServer, admin: Login, scripts: Sequence[Script], *, sessions: int) -> float:
    """Make all databases in so many sessions at once, and return the seconds that it took."""
    queues = [list(scripts[first::sessions]) for first in range(sessions)]
    begun = time.monotonic()
    with ThreadPoolExecutor(sessions) as pool:
        for done in [pool.submit(_run_one_after_the_other, server, admin, queue) for queue in queues]:
            done.result()
    return time.monotonic() - begun


def _run_one_after_the_other(server: PostgresServer, admin: Login, scripts: Sequence[Script]) -> None:
    with server.connect(login=admin) as session:
        for script in scripts:
            session.execute(script.roles.encode())
            session.execute(script.create.encode())
            with server.connect(script.database, admin) as inside:
                inside.execute(script.inside.encode())
