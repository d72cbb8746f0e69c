"""One tenant's database, made by the operator's own gateway: what tests of postgres/ begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from litellm_database_operator.model.names import DatabaseName, RoleName, RoleNames, SchemaName, role_names
from litellm_database_operator.model.observed import InsideFacts, LoginState, ServerFacts
from litellm_database_operator.model.roles import Mark, Membership, Role
from litellm_database_operator.model.secret import Endpoint, Password, mint_password
from litellm_database_operator.planning.steps import DropDatabase, PrepareDatabase, ReleaseDatabase, ShapeRoles
from litellm_database_operator.postgres.inside import look_inside
from litellm_database_operator.postgres.server import AdminLogin, Server
from tests.support.postgres_server import Login, PostgresServer

HISTORY: Final = Path(__file__).resolve().parents[2]


def make_mark(uid: str = "u-1") -> Mark:
    """Return a mark as planning makes it."""
    return Mark(identity="here", namespace="team-a", namespace_uid="n-1", name="gateway", uid=uid)


def gateway_to(server: PostgresServer, admin: Login, *, concurrency: int = 4, tls: str = "disable") -> Server:
    """Make the gateway under test; close it."""
    return Server(
        AdminLogin(
            endpoint=Endpoint(host=server.host, port=server.port, tls=tls),
            database="postgres",
            username=RoleName(admin.user),
            password=Password(admin.password),
            ca=None,
        ),
        concurrency=concurrency,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A database's names, and how it is made and entered."""

    server: PostgresServer
    gateway: Server
    facts: ServerFacts
    database: DatabaseName
    schema: SchemaName
    passwords: dict[RoleName, Password] = field(default_factory=dict[RoleName, Password], repr=False)

    @property
    def roles(self) -> RoleNames:
        """Its roles' names."""
        return role_names(self.database)

    @property
    def endpoint(self) -> Endpoint:
        """Where its server is."""
        return Endpoint(host=self.server.host, port=self.server.port, tls="disable")

    def shape(self) -> ShapeRoles:
        """Return the step that makes all its roles."""
        names = self.roles
        created = (
            Role(name=names.owner, login=False),
            Role(name=names.migrator, login=False, acts_as=names.owner),
            Role(name=names.app, login=False),
            *(Role(name=login, login=False, connection_limit=5) for login in names.logins()),
        )
        return ShapeRoles(
            create=created,
            alter=(),
            grant=(
                Membership(group=names.owner, member=names.migrator, inherit=False),
                *(Membership(group=names.app, member=login, inherit=True) for login in names.logins()),
                *(Membership(group=role, member=self.facts.admin, inherit=True) for role in names.all()),
            ),
            mark=make_mark(),
            owner=names.owner,
        )

    def preparation(self) -> PrepareDatabase:
        """Return the step that prepares it from inside."""
        return PrepareDatabase(database=self.database, schema=self.schema, roles=self.roles)

    def dropping(self) -> DropDatabase:
        """Return the step that drops all of it."""
        return DropDatabase(database=self.database, roles=self.roles.all(), exists=True)

    def releasing(self) -> ReleaseDatabase:
        """Return the step that lets it go and keeps it."""
        return ReleaseDatabase(roles=self.roles, mark=make_mark("released"))

    async def prepare(self, history: Path = HISTORY) -> None:
        """Make the inside of a database that exists."""
        await self.gateway.prepare_database(self.preparation(), self.facts, history)

    async def provision(self, history: Path = HISTORY) -> Tenant:
        """Make all of it, and let both logins and the migrator in."""
        await self.gateway.shape_roles(self.shape(), self.facts)
        await self.gateway.create_database(self.database)
        await self.prepare(history)
        for login in (*self.roles.logins(), self.roles.migrator):
            await self.set_password(login)
        return self

    async def set_password(self, login: RoleName) -> None:
        """Give a login a new password."""
        self.passwords[login] = mint_password()
        await self.gateway.set_password(login, self.passwords[login])

    def connect(self, login: RoleName, database: str | None = None) -> psycopg.Connection:
        """Open a session as one of its logins, with nothing pinned: as a tenant does."""
        who = Login(user=login, password=self.passwords[login].reveal())
        return self.server.connect(database or self.database, who)

    async def look(self, password: Password | None = None) -> tuple[LoginState, InsideFacts | None]:
        """Look inside as the proxy."""
        login = self.roles.app_a
        return await look_inside(
            self.endpoint,
            None,
            database=self.database,
            schema=self.schema,
            login=login,
            password=password or self.passwords[login],
        )
