"""The pass over a LiteLLMDatabase that is being deleted: lock or drop, and then let go; and what being shut out closes.

It must end: for a namespace that goes with its server, for a server that nobody can reach any more, and for a
resource that was never any good.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from litellm_database_operator.errors import MustActError, OperatorError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.objects import owner_of
from litellm_database_operator.kube.reading import annotations, part
from litellm_database_operator.model import names
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import clean
from litellm_database_operator.model.resource import LiteLLMDatabase, PostgresServer
from litellm_database_operator.planning import deletion
from litellm_database_operator.planning.steps import CloseMigration
from litellm_database_operator.reconcile.apply import Applier
from litellm_database_operator.reconcile.claims import Claims
from litellm_database_operator.reconcile.home import Home
from litellm_database_operator.reconcile.observe import Observer
from litellm_database_operator.reconcile.servers import Connected, Servers

_log = logging.getLogger(__name__)


class Leaver:
    """Undoes what was made for a resource, as its deletionPolicy says."""

    def __init__(
        self, *, cluster: Cluster, servers: Servers, applier: Applier, observer: Observer, claims: Claims
    ) -> None:
        """Work through these."""
        self._cluster = cluster
        self._servers = servers
        self._applier = applier
        self._observer = observer
        self._claims = claims

    async def leave(self, resource: LiteLLMDatabase, body: Mapping[str, Any]) -> Outcome:
        """Run one pass of leaving; OperatorError where it has to wait."""
        home = Home(self._cluster, resource.metadata.namespace)
        try:
            server = await self._find_server(resource, part(body, "status"), home)
            if server is None:
                return _left("no PostgresServer is left to lock or drop anything on")
            return _left(await self._undo(resource, body, server, home))
        except OperatorError as error:
            return await self._let_go(resource, body, error)

    async def close_run(self, resource: LiteLLMDatabase, body: Mapping[str, Any], home: Home) -> bool:
        """Close the run of a database that its server lets in no more, and tell whether none is left.

        One that still runs may end its work, or it would leave a schema that is half made.
        """
        owner = owner_of(body)
        if not await self._applier.has_migrator_secret(owner):
            return True
        if any(not job.finished for job in await self._observer.jobs(resource)):
            return False
        try:
            await self._lock_migrator(resource, body, home)
        except OperatorError as error:
            _log.warning("%s is left to its VALID UNTIL: %s", resource.roles.migrator, error.message)
        await self._applier.delete_migrator_secret(owner)
        return True

    async def _lock_migrator(self, resource: LiteLLMDatabase, body: Mapping[str, Any], home: Home) -> None:
        server = await self._servers.find_to_leave(resource, part(body, "status"))
        if server is None:
            return
        connected = await self._servers.connect_to_leave(resource, server)
        catalog = await connected.gateway.fetch_catalog(resource.database)
        if catalog.migrator_unlocked and deletion.is_of(catalog, await self._claims.mark_of(resource, home)):
            await self._applier.apply([CloseMigration(migrator=resource.roles.migrator)], owner_of(body), connected)

    async def _find_server(
        self, resource: LiteLLMDatabase, status: Mapping[str, Any], home: Home
    ) -> PostgresServer | None:
        """Return the server that something may have been made on; by status, by who is let in, by the mark there.

        Any other is told like one that is not there.
        """
        server = await self._servers.find_to_leave(resource, status)
        if server is None or part(status, "connection") or await self._servers.lets_in(server, home):
            return server
        return server if await self._is_marked(resource, server, home) else None

    async def _is_marked(self, resource: LiteLLMDatabase, server: PostgresServer, home: Home) -> bool:
        mark = await self._claims.mark_of(resource, home)
        try:
            connected = await self._servers.connect_to_leave(resource, server)
            return deletion.is_of(await connected.gateway.fetch_catalog(resource.database), mark)
        except OperatorError:
            return False  # to wait for it would tell that it is there

    async def _undo(
        self, resource: LiteLLMDatabase, body: Mapping[str, Any], server: PostgresServer, home: Home
    ) -> str:
        connected = await self._servers.connect_to_leave(resource, server)
        _check_same_server(connected, part(body, "status"))
        catalog = await connected.gateway.fetch_catalog(resource.database)
        jobs = await self._observer.jobs(resource)
        mark = await self._claims.mark_of(resource, home)
        steps = deletion.plan_leaving(resource, catalog, jobs, mark)
        await self._applier.apply(steps, owner_of(body), connected)
        return deletion.farewell(resource, catalog, steps, mark)

    async def _let_go(self, resource: LiteLLMDatabase, body: Mapping[str, Any], error: OperatorError) -> Outcome:
        """Let a resource go that nothing could be done for, where nothing is left or waiting has no end."""
        as_it_is = "nothing is known to have been made for it"
        if part(body, "status", "connection"):
            as_it_is = f"database {resource.database} is left as it is, with its logins"
        where = self._servers.reference_to_leave(resource, part(body, "status"))
        going = where is not None and await self._cluster.is_namespace_going(where[0])
        if going or error.reason is Reason.ADMIN_SECRET_MISSING:
            return _left(f"{as_it_is}: the server's admin Secret or namespace is gone")
        if deletion.may_abandon(resource, now=datetime.now(UTC)):
            return _left(f"{as_it_is}: {error.message}")
        raise type(error)(error.reason, f"{error.message}. {deletion.how_to_let_go(resource)}") from error


def leave_unreadable(body: Mapping[str, Any], error: OperatorError) -> Outcome:
    """Let a resource go whose spec cannot be read: at once where nothing was ever made for it, or where told to.

    Another version of the CRD may have taken what this operator does not; then its operator should do it.
    """
    abandoned = annotations(body).get(names.ABANDON_ANNOTATION) == "true"
    if abandoned or not part(body, "status", "connection"):
        return _left(f"nothing was locked or dropped: {error.message}")
    raise error


def _check_same_server(connected: Connected, status: Mapping[str, Any]) -> None:
    recorded = part(status, "server").get("systemIdentifier")
    if recorded and recorded != connected.facts.system_identifier:
        raise MustActError(
            Reason.SERVER_CHANGED,
            "cannot lock or drop the database: it was made on the server with system identifier "
            f"{clean(str(recorded))}, and {connected.facts.system_identifier} answers in its place",
        )


def _left(message: str) -> Outcome:
    return Outcome(status=None, left=True, event=Event(type="Normal", reason=Reason.DELETING, message=message))
