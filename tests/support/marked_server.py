"""A server of which nobody asks for more than its marks, and the reconciler that looks at it in a fake cluster."""

from __future__ import annotations

from collections.abc import Iterable

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import PostgresServer
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import Endpoint
from litellm_database_operator.postgres.server import Server
from litellm_database_operator.reconcile.server import ServerReconciler
from litellm_database_operator.reconcile.server_users import ServerUsers
from litellm_database_operator.reconcile.servers import Connected, Servers
from litellm_database_operator.settings import Settings, read_settings
from tests.support.fake_api import FakeApi
from tests.support.planning import server_of


class Marked(Server):
    """A server of which nobody asks for more than its marks."""

    def __init__(self) -> None:
        self.marks: tuple[Mark, ...] = ()
        self.asked = 0

    async def fetch_marks(self, *, namespace_uid: str | None = None) -> tuple[Mark, ...]:
        """Return those that the test has set."""
        self.asked += 1
        assert namespace_uid is None
        return self.marks


class Reached(Servers):
    """Servers that answer, or do not."""

    def __init__(self, api: FakeApi, gateway: Server) -> None:
        super().__init__(Cluster(api), _settings())
        self.gateway = gateway
        self.answers = True

    async def connect(self, server: PostgresServer) -> Connected:
        """Answer, or do not."""
        if not self.answers:
            raise UnavailableError(Reason.SERVER_UNREACHABLE, "cannot reach it")
        endpoint = Endpoint(host="main", port=5432, tls="disable")
        return Connected(resource=server, gateway=self.gateway, facts=server_of(), endpoint=endpoint, ca=None)


def mark(namespace: str, *, released: bool = False) -> Mark:
    """Return the mark of a database of a namespace."""
    return Mark(
        identity="i", namespace=namespace, namespace_uid=f"of-{namespace}", name="d", uid="u", released=released
    )


def reconciler(api: FakeApi, servers: Servers, *, watched: Iterable[str] = ()) -> ServerReconciler:
    """Return the passes over PostgresServers, of an operator that watches some namespaces, or all."""
    cluster, settings = Cluster(api), _settings(watched)
    resources = Resources(api, instance="operator-1")
    users = ServerUsers(cluster=cluster, resources=resources, servers=servers, settings=settings, identity="i")
    return ServerReconciler(cluster=cluster, users=users, servers=servers, settings=settings)


def _settings(watched: Iterable[str] = ()) -> Settings:
    environment = {"POD_NAMESPACE": "ops", "POD_NAME": "operator-1", "LITELLMDB_IMAGE": "operator:1"}
    return read_settings(environment | {"LITELLMDB_WATCH_NAMESPACES": ",".join(watched)})
