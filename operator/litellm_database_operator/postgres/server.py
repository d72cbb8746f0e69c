"""A PostgreSQL server, as its admin works on it: one method for each step of a plan, and the looks before it.

reconcile/ calls it. Every method may be called again after a crash, and while another operator does the same:
who comes second gets an UnavailableError, and the next look finds what the first one did.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.model.names import DatabaseName, RoleName, RoleNames, role_names
from litellm_database_operator.model.observed import CatalogFacts, ServerFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.roles import Mark, parse_mark, told_by_marks
from litellm_database_operator.model.secret import Endpoint, Password
from litellm_database_operator.planning.steps import (
    AdmitLogins,
    DropDatabase,
    ExtendHistory,
    PrepareDatabase,
    ReleaseDatabase,
    ShapeRoles,
)
from litellm_database_operator.postgres import queries, statements
from litellm_database_operator.postgres.connection import PATIENT, Deadlines, Login, Session
from litellm_database_operator.postgres.history import History, read_history
from litellm_database_operator.postgres.pool import Pool
from litellm_database_operator.postgres.scram import ScramVerifier, make_verifier
from litellm_database_operator.postgres.statements import Statement

_CONCURRENCY: Final = 8
"""Sessions of the admin at once: CREATE DATABASE waits for the disk, and sessions share its commits.

On a disk with fsync 4 were a third slower, and 16 no faster.
"""
_LONG_SECONDS: Final = 300
"""CREATE and DROP DATABASE wait for the disk, on a busy server for minutes."""
_END_MILLISECONDS: Final = 5_000
_END_ROUNDS: Final = 3
_LOCK_MILLISECONDS: Final = 1_000
_FIRST_WITHOUT_PUBLIC_CREATE: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminLogin:
    """The admin of a server."""

    endpoint: Endpoint
    database: str
    """The maintenance database, where the admin works."""
    username: RoleName
    password: Password
    ca: str | None = field(default=None, repr=False)
    """PEM."""


class Server:
    """One server; made once for an AdminLogin, and again when that changes."""

    def __init__(self, login: AdminLogin, *, concurrency: int = _CONCURRENCY, deadlines: Deadlines = PATIENT) -> None:
        """Remember where; the first call connects."""
        self._pool = Pool(
            Login(
                endpoint=login.endpoint,
                database=DatabaseName(login.database),
                username=login.username,
                password=login.password,
                ca=login.ca,
            ),
            concurrency=concurrency,
            deadlines=deadlines,
        )

    async def close(self) -> None:
        """End the idle sessions; those at work end with their work."""
        self._pool.close()

    async def fetch_facts(self) -> ServerFacts:
        """Return what server it is and what its admin may do there."""
        async with self._pool.session() as session:
            (row,) = await session.fetch("look at the server", queries.SERVER)
        return queries.server_facts(row)

    async def fetch_catalog(self, database: DatabaseName) -> CatalogFacts:
        """Return what the shared catalogues say of a database, its roles and its mark."""
        async with self._pool.session() as session:
            (row,) = await session.fetch(
                f"look at database {database}", queries.CATALOG, queries.catalog_parameters(database)
            )
        return queries.catalog_facts(row, role_names(database))

    async def fetch_marks(self, *, namespace_uid: str | None = None) -> tuple[Mark, ...]:
        """Return the marks on the server, of one namespace or of all: a mark for each database, released or not."""
        told = {"told": told_by_marks(namespace_uid)}
        async with self._pool.session() as session:
            rows = await session.fetch("look at the marks", queries.MARKS, told)
        return tuple(mark for row in rows if (mark := parse_mark(row["mark"])))

    async def shape_roles(self, step: ShapeRoles, server: ServerFacts) -> None:
        """Make and mend roles, in one round trip that does all or nothing."""
        changes = [
            *map(statements.create_role, step.create),
            *statements.grant_memberships(step.grant, major=server.major),
            *map(statements.alter_role, step.alter),
            *map(statements.deprive, step.deprive),
            *(statements.revoke_membership(each, major=server.major) for each in step.revoke),
            # after the grants: PostgreSQL checks that the member may act as the group
            *(statements.act_as(role) for role in step.create if role.acts_as),
            *map(statements.act_as, step.alter),
            *([statements.mark_owner(step.owner, step.mark)] if step.mark else []),
        ]
        async with self._pool.session() as session:
            await session.run(f"make the roles of {step.owner}", statements.script(changes))

    async def create_database(self, database: DatabaseName) -> None:
        """Create a database that nobody may enter but the admin; it may take minutes on a busy disk."""
        doing = f"create database {database}"
        async with self._pool.session() as session:
            await self._run_long(session, doing, statements.create_database(database))
            await session.run(doing, statements.revoke_from_public(database))

    async def restrict_database(self, database: DatabaseName) -> None:
        """Take from PUBLIC what it has on the database."""
        async with self._pool.session() as session:
            await session.run(f"restrict database {database}", statements.revoke_from_public(database))

    async def prepare_database(self, step: PrepareDatabase, server: ServerFacts, history: Path) -> None:
        """Hand over the schema, make our own out of `history`, and let the logins in: all in one transaction."""
        doing = f"prepare database {step.database}"
        async with self._pool.session_in(step.database) as session:
            (found,) = await session.fetch(doing, queries.PREPARATION, {"schema": step.schema})
            applied = await session.fetch(doing, queries.HISTORY_APPLIED) if found["has_ledger"] else []
            closing = server.major < _FIRST_WITHOUT_PUBLIC_CREATE and server.superuser
            changes = [
                *([] if found["has_ledger"] else statements.create_history_ledger()),
                *_history_changes(read_history(history), {row["name"] for row in applied}, step.roles),
                *([statements.close_public_schema()] if closing else []),
                *statements.hand_over_schema(step.schema, step.roles, exists=found["schema_exists"]),
                *statements.default_privileges(step.schema, step.roles),
                statements.allow_connect(step.database, step.roles),
            ]
            await session.run(doing, statements.script(changes))

    async def extend_history(self, step: ExtendHistory, history: Path) -> None:
        """Bring our own schema in a database that is in use to all files of `history`, in one transaction.

        A tenant can hold a lock on the runs: it is waited for but a moment, as whoever reads them waits behind us.
        """
        doing = f"extend the history in database {step.database}"
        begin = [*statements.begin(lock_timeout=_LOCK_MILLISECONDS), *statements.create_history_ledger()]
        async with self._pool.session_in(step.database) as session:
            await session.run(doing, statements.script([*begin, statements.lock_history()]))
            # under the lock: another operator may just have done it
            applied = {row["name"] for row in await session.fetch(doing, queries.HISTORY_APPLIED)}
            changes = _history_changes(read_history(history), applied, step.roles)
            await session.run(doing, statements.script([*changes, statements.commit()]))

    async def admit_logins(self, step: AdmitLogins) -> None:
        """Let the logins of a database in again."""
        async with self._pool.session() as session:
            await session.run(f"let logins into {step.database}", statements.allow_connect(step.database, step.roles))

    async def set_password(self, login: RoleName, password: Password) -> None:
        """Let a role log in with a password, without an end."""
        change = statements.set_password(login, await _verifier(password))
        async with self._pool.session() as session:
            await session.run(f"set the password of {login}", change)

    async def unlock_migrator(self, migrator: RoleName, password: Password, *, valid_until: datetime) -> None:
        """Let the migrator log in with a password, by the server's clock until `valid_until`."""
        change = statements.set_password(migrator, await _verifier(password), valid_until=valid_until)
        async with self._pool.session() as session:
            await session.run(f"unlock {migrator}", change)

    async def lock_login(self, login: RoleName) -> None:
        """Let a role log in no more, and end its sessions: they would outlive the lock."""
        doing = f"lock {login}"
        async with self._pool.session() as session:
            await session.run(doing, statements.lock_login(login))
            await _end_sessions(session, doing, [login])

    async def end_sessions(self, logins: Sequence[RoleName]) -> None:
        """End every session of these logins, and return when they are gone."""
        async with self._pool.session() as session:
            await _end_sessions(session, "end sessions", logins)

    async def release(self, step: ReleaseDatabase) -> None:
        """Lock the logins, end their sessions, and mark the database as released; the mark says that it was done."""
        doing = f"release {step.roles.owner}"
        logins = [step.roles.migrator, *step.roles.logins()]
        async with self._pool.session() as session:
            found = {row["name"] for row in await session.fetch(doing, queries.EXISTING_ROLES, {"roles": logins})}
            locks = [statements.lock_login(login) for login in logins if login in found]
            await session.run(doing, statements.script(locks))
            await _end_sessions(session, doing, logins)
            await session.run(doing, statements.script([statements.mark_owner(step.roles.owner, step.mark)]))

    async def drop(self, step: DropDatabase) -> None:
        """Drop a database with whoever is connected, and then its roles, the mark with them."""
        doing = f"drop database {step.database}"
        async with self._pool.session() as session:
            await _end_sessions(session, doing, step.roles)
            if step.exists:
                await self._run_long(session, doing, statements.drop_database(step.database))
            if step.roles:
                await session.run(doing, statements.script(statements.drop_roles(step.roles)))

    async def _run_long(self, session: Session, doing: str, statement: Statement) -> None:
        # alone in its query: neither CREATE nor DROP DATABASE may be in a transaction
        await session.run(doing, statements.allow_time(_LONG_SECONDS * 1000))
        await session.run(doing, statement, seconds=_LONG_SECONDS + 10)
        await session.run(doing, statements.reset_time())


def _history_changes(history: History, applied: Collection[str], roles: RoleNames) -> Iterable[Statement]:
    for migration in history.pending(applied):
        yield from statements.apply_history(migration)
    yield from statements.share_history(roles)


async def _verifier(password: Password) -> ScramVerifier:
    return await asyncio.to_thread(make_verifier, password)


async def _end_sessions(session: Session, doing: str, logins: Sequence[RoleName]) -> None:
    """End sessions until a look finds none: one may have been about to begin, or have ended by itself."""
    parameters = {"logins": list(logins), "wait": _END_MILLISECONDS}
    for _ in range(_END_ROUNDS):
        if not await session.fetch(doing, queries.END_SESSIONS, parameters):
            return
    raise UnavailableError(Reason.SERVER_BUSY, f"cannot {doing}: a session did not end in time")
