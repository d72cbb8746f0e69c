"""Who holds the deletion of a PostgresServer: its LiteLLMDatabases, and the marks of those that cannot be seen."""

from collections.abc import Mapping
from typing import Any

from litellm_database_operator.errors import OperatorError, UnavailableError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.kinds import DATABASE
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model import names
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import PostgresServer
from litellm_database_operator.model.resource_key import ResourceKey, key_of
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.reconcile.home import Home
from litellm_database_operator.reconcile.servers import Servers, names_server, uses
from litellm_database_operator.settings import Settings


class ServerUsers:
    """Asks anew each time, for what is known may not be all."""

    def __init__(
        self, *, cluster: Cluster, resources: Resources, servers: Servers, settings: Settings, identity: str
    ) -> None:
        """Look through these; `identity` is the installation's, as marks bear it."""
        self._cluster = cluster
        self._resources = resources
        self._servers = servers
        self._settings = settings
        self._identity = identity

    async def seen(self, server: PostgresServer) -> tuple[list[ResourceKey], frozenset[str] | None]:
        """Return the LiteLLMDatabases that live on a server, and the namespaces that were looked into, None for all.

        A namespace that is gone, or refuses to be listed, is left out: it must not hold what it does not use.
        """
        if not self._settings.watch_namespaces:
            return await self._of(server, None), None
        users: list[ResourceKey] = []
        looked_into: set[str] = set()
        for namespace in self._settings.watch_namespaces:
            try:
                users += await self._of(server, namespace)
            except UnavailableError as error:
                if error.reason is not Reason.OBJECT_REFUSED:
                    raise
            else:
                looked_into.add(namespace)
        return users, frozenset(looked_into)

    async def unseen(self, server: PostgresServer, looked_into: frozenset[str] | None) -> list[ResourceKey]:
        """Return whose databases are on a server, by its marks, in the namespaces that were not looked into.

        The annotation litellmdb.dev/abandon lets the server go without them. One that cannot be reached is held by what
        should have been looked into, and was not: UnavailableError.
        """
        if looked_into is None or server.metadata.annotations.get(names.ABANDON_ANNOTATION) == "true":
            return []
        try:
            marks = await (await self._servers.connect(server)).gateway.fetch_marks()
        except OperatorError as error:
            if refused := sorted(set(self._settings.watch_namespaces) - looked_into):
                raise UnavailableError(error.reason, _untold(server, refused, error)) from error
            return []
        return [_user(mark) for mark in marks if self._serves(mark) and mark.namespace not in looked_into]

    def _serves(self, mark: Mark) -> bool:
        return mark.identity == self._identity and not mark.released

    async def _of(self, server: PostgresServer, namespace: str | None) -> list[ResourceKey]:
        bodies, _ = await self._resources.list_all(DATABASE, namespace)
        homes: dict[str, Home] = {}
        return [key_of(body) for body in bodies if await self._lives_on(body, server, homes)]

    async def _lives_on(self, body: Mapping[str, Any], server: PostgresServer, homes: dict[str, Home]) -> bool:
        """Tell whether a LiteLLMDatabase has something on a server, or may come to have.

        Who only names a server that does not let it in must not be able to hold its deletion; and who cannot be read
        is let in nowhere.
        """
        if uses(body, server) or not names_server(body, server, self._settings.default_server):
            return uses(body, server)
        namespace = body["metadata"]["namespace"]
        try:
            return await self._servers.lets_in(server, homes.setdefault(namespace, Home(self._cluster, namespace)))
        except UnavailableError as error:
            if error.reason not in {Reason.OBJECT_REFUSED, Reason.DELETING}:
                raise
            return False


def how_to_let_go(server: PostgresServer) -> str:
    """Return how a server is deleted although nobody can say who uses it."""
    meta = server.metadata
    return (
        "To let the server go without: "
        f"kubectl -n {meta.namespace} annotate postgresserver {meta.name} {names.ABANDON_ANNOTATION}=true"
    )


def _untold(server: PostgresServer, refused: list[str], error: OperatorError) -> str:
    return (
        f"cannot tell who uses the server: LiteLLMDatabases of namespace {', '.join(refused)} cannot be listed, and "
        f"its marks cannot be read: {error.message}. {how_to_let_go(server)}"
    )


def _user(mark: Mark) -> ResourceKey:
    return ResourceKey(names.DATABASE_KIND, mark.namespace, mark.name)
