"""From a LiteLLMDatabase to the PostgreSQL that it lives on: which server, whether it may, how it is reached.

One gateway with its small pool is kept for each PostgresServer and shared by all passes.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from litellm_database_operator.errors import InvalidSpecError, OperatorError, UnavailableError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.kinds import SERVER
from litellm_database_operator.kube.reading import items, part
from litellm_database_operator.model.observed import ServerFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import (
    LiteLLMDatabase,
    PostgresServer,
)
from litellm_database_operator.model.secret import Endpoint
from litellm_database_operator.planning.namespaces import lets_in
from litellm_database_operator.planning.parse import parse_server
from litellm_database_operator.postgres.server import AdminLogin, Server
from litellm_database_operator.reconcile.admin_logins import AdminLogins
from litellm_database_operator.reconcile.home import Home
from litellm_database_operator.settings import Settings

_LOGIN_IS_FRESH: Final = 10.0
"""Seconds for which an admin Secret is not read again, unless its password is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A PostgresServer that answers, and what it says of itself."""

    resource: PostgresServer
    gateway: Server
    facts: ServerFacts
    endpoint: Endpoint
    ca: str | None

    @property
    def key(self) -> str:
        """namespace/name."""
        return self.resource.key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A gateway, and what it was opened for."""

    asked: tuple[str, int]
    """uid and generation of the PostgresServer."""
    login: AdminLogin
    gateway: Server
    read_at: float
    """When the Secret was read, on the monotonic clock."""


class Servers:
    """The PostgresServers in use."""

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        """Connect to nothing yet."""
        self._cluster = cluster
        self._settings = settings
        self._admins = AdminLogins(cluster, settings.allowed_servers)
        self._known: dict[str, _Known] = {}
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find_to_leave(self, resource: LiteLLMDatabase, status: Mapping[str, Any]) -> PostgresServer | None:
        """Return the PostgresServer that a database was made on, whomever it lets in; None when it is not there.

        Without a serverRef the one that was used counts, for the operator's default may have moved since.
        """
        where = self.reference_to_leave(resource, status)
        body = await self._cluster.fetch(SERVER, *where) if where else None
        return parse_server(body) if body else None

    def reference_to_leave(self, resource: LiteLLMDatabase, status: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return namespace and name of the server that a database was made on; None when it names none."""
        used = part(status, "server")
        if resource.spec.server_ref is None and used:
            return str(used.get("namespace")), str(used.get("name"))
        try:
            return self.reference(resource)
        except InvalidSpecError:
            return None

    async def connect_to_leave(self, resource: LiteLLMDatabase, server: PostgresServer) -> Connected:
        """Log in to undo what was made; allowed or not, for it was allowed once."""
        try:
            return await self.connect(server)
        except OperatorError as error:
            raise self._for_tenants(error, resource, server) from error

    async def connect_for(self, resource: LiteLLMDatabase, home: Home) -> Connected:
        """Return the server of a database, in `home`, that may use it.

        A server that is missing and one that does not allow the namespace give the same error, so that nothing is
        revealed of other namespaces. For the same reason a namespace that cannot be read is told of before any server.
        """
        await home.facts()
        body = await self._fetch(resource)
        server = parse_server(body) if body else None
        if server is None or not await self.lets_in(server, home):
            raise UnavailableError(
                Reason.SERVER_NOT_AVAILABLE,
                f"cannot use PostgresServer {self._named(resource)}: it does not exist, or its spec.allowedNamespaces "
                f"does not let namespace {resource.metadata.namespace} in",
            )
        if body and _is_starting(server, body):
            raise UnavailableError(
                Reason.SERVER_NOT_READY, f"waiting for PostgresServer {self._named(resource)}, which is starting"
            )
        try:
            return await self.connect(server)
        except OperatorError as error:
            raise self._for_tenants(error, resource, server) from error

    async def connect(self, server: PostgresServer) -> Connected:
        """Log in as the admin and ask the server what it is.

        A password that is refused is read from its Secret once more: managed services rotate it.
        """
        known = await self._open(server)
        try:
            facts = await known.gateway.fetch_facts()
        except OperatorError as error:
            if self._known.get(server.key) is known:  # or another pass has opened a newer one meanwhile
                self._known[server.key] = replace(known, read_at=-_LOGIN_IS_FRESH)
            if error.reason is not Reason.ADMIN_LOGIN_REFUSED:
                raise
            fresh = await self._open(server)
            if fresh.login == known.login:
                raise
            known, facts = fresh, await fresh.gateway.fetch_facts()
        login = known.login
        return Connected(resource=server, gateway=known.gateway, facts=facts, endpoint=login.endpoint, ca=login.ca)

    async def _open(self, server: PostgresServer) -> _Known:
        async with self._opening[server.key]:  # or passes that come together would open a pool each
            return await self._open_alone(server)

    async def _open_alone(self, server: PostgresServer) -> _Known:
        key, now = server.key, time.monotonic()
        known = self._known.get(key)
        asked = (server.metadata.uid, server.metadata.generation)
        if known and known.asked == asked and now - known.read_at < _LOGIN_IS_FRESH:
            return known
        login = await self._admins.fetch(server)
        if known and known.login == login:
            fresh = replace(known, asked=asked, read_at=now)
        else:
            await self.forget(key)
            fresh = _Known(asked=asked, login=login, gateway=Server(login), read_at=now)
        self._known[key] = fresh
        return fresh

    async def forget(self, key: str) -> None:
        """Close the pool of a PostgresServer (namespace/name)."""
        if known := self._known.pop(key, None):
            await known.gateway.close()

    async def close(self) -> None:
        """Close every pool."""
        for key in tuple(self._known):
            await self.forget(key)

    async def lets_in(self, server: PostgresServer, home: Home) -> bool:
        """Tell whether a server lets a namespace in; UnavailableError when that is gone, or cannot be read."""
        return lets_in(server, home.name, (await home.facts()).labels)

    async def _fetch(self, resource: LiteLLMDatabase) -> Mapping[str, Any] | None:
        namespace, name = self.reference(resource)
        return await self._cluster.fetch(SERVER, namespace, name)

    def reference(self, resource: LiteLLMDatabase) -> tuple[str, str]:
        """Return namespace and name of the server that a database refers to, by itself or by the operator's default."""
        ref = resource.spec.server_ref
        if ref is not None:
            return ref.namespace or resource.metadata.namespace, ref.name
        if self._settings.default_server is None:
            raise InvalidSpecError(
                Reason.INVALID_SPEC,
                "cannot choose a server: spec.serverRef is not set, and the operator has no default server "
                "(its setting LITELLMDB_DEFAULT_SERVER)",
            )
        return self._settings.default_server

    def _for_tenants(self, error: OperatorError, resource: LiteLLMDatabase, server: PostgresServer) -> OperatorError:
        """Return the error as another namespace may read it: Secrets and hosts of the server's are not named."""
        if server.metadata.namespace == resource.metadata.namespace:
            return error
        meta = server.metadata
        told = (
            f"cannot use PostgresServer {self._named(resource)} ({error.reason}); ask its owner, who finds more by: "
            f"kubectl -n {meta.namespace} describe pgs {meta.name}"
        )
        return type(error)(error.reason, told)

    def _named(self, resource: LiteLLMDatabase) -> str:
        namespace, name = self.reference(resource)
        return f"{namespace}/{name}"


def uses(database: Mapping[str, Any], server: PostgresServer) -> bool:
    """Tell whether a LiteLLMDatabase, as the API server sent it, has something on a server."""
    used = part(database, "status", "server")
    return (used.get("namespace"), used.get("name")) == (server.metadata.namespace, server.metadata.name)


def names_server(database: Mapping[str, Any], server: PostgresServer, default: tuple[str, str] | None) -> bool:
    """Tell whether a LiteLLMDatabase names a server, itself or by the operator's default."""
    asked = part(database, "spec", "serverRef")
    named = (asked.get("namespace") or database["metadata"]["namespace"], asked.get("name")) if asked else default
    return named == (server.metadata.namespace, server.metadata.name)


def _is_starting(server: PostgresServer, body: Mapping[str, Any]) -> bool:
    """Tell whether an embedded server has yet to come up; its own pass says when it has, which wakes us."""
    conditions = items(part(body, "status"), "conditions")
    ready = next((each for each in conditions if each["type"] == "Ready"), None)
    return server.spec.embedded is not None and (ready is None or ready["reason"] == Reason.STARTING)
