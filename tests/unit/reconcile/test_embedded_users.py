"""Whom an embedded server's NetworkPolicy lets in over its life: nobody who has data there is cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.embedded import users_let_in
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import PostgresServer
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import Endpoint
from litellm_database_operator.postgres.server import Server
from litellm_database_operator.reconcile.server import ServerReconciler
from litellm_database_operator.reconcile.server_users import ServerUsers
from litellm_database_operator.reconcile.servers import Connected, Servers
from litellm_database_operator.settings import read_settings
from tests.support.fake_api import FakeApi
from tests.support.fake_api import Place as At
from tests.support.planning import server_of

SETTINGS = read_settings({"POD_NAMESPACE": "ops", "POD_NAME": "operator-1", "LITELLMDB_IMAGE": "operator:1"})
NOTHING: dict[str, Any] = {}
SELECTOR: dict[str, Any] = {"from": "Selector", "selector": {"matchLabels": {"team": "a"}}}
EVERYBODY: dict[str, Any] = {"from": "All"}


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

    def __init__(self, cluster: Cluster, gateway: Server) -> None:
        super().__init__(cluster, SETTINGS)
        self.gateway = gateway
        self.answers = True

    async def connect(self, server: PostgresServer) -> Connected:
        """Answer, or do not."""
        if not self.answers:
            raise UnavailableError(Reason.SERVER_UNREACHABLE, "cannot reach it")
        endpoint = Endpoint(host="main", port=5432, tls="disable")
        return Connected(resource=server, gateway=self.gateway, facts=server_of(), endpoint=endpoint, ca=None)


class Place:
    """An embedded server that runs, and the operator's passes over it."""

    def __init__(self) -> None:
        self.api = FakeApi()
        for name in ("ops", "databases"):
            self.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        cluster, self.gateway = Cluster(self.api), Marked()
        self.servers = Reached(cluster, self.gateway)
        users = ServerUsers(
            cluster=cluster,
            resources=Resources(self.api, instance="operator-1"),
            servers=self.servers,
            settings=SETTINGS,
            identity="i",
        )
        self.reconcile = ServerReconciler(cluster=cluster, users=users, servers=self.servers, settings=SETTINGS)

    async def look(self, allowed: Mapping[str, Any], *marks: Mark) -> frozenset[str]:
        """Run a pass, and return which users the policy lets in by name."""
        self.gateway.marks = marks
        meta = {"name": "main", "namespace": "databases", "uid": "u", "generation": 1}
        spec = {"embedded": NOTHING, "allowedNamespaces": allowed}
        body = {"kind": "PostgresServer", "metadata": meta, "spec": spec}
        await self.reconcile(body)
        if running := self.api.get(kinds.STATEFUL_SET, "databases", "main-postgres"):
            self.api.put(running | {"status": {"readyReplicas": 1}})
        return users_let_in(self.policy())

    def policy(self) -> dict[str, Any]:
        """Return the NetworkPolicy."""
        found = self.api.get(kinds.NETWORK_POLICY, "databases", "main-postgres")
        assert found is not None
        return found

    def peers(self) -> list[dict[str, Any]]:
        """Return whom the first rule lets in beside the operator."""
        return self.policy()["spec"]["ingress"][0]["from"][1:]


def mark(namespace: str, *, released: bool = False) -> Mark:
    """Return the mark of a database of a namespace."""
    return Mark(
        identity="i", namespace=namespace, namespace_uid=f"of-{namespace}", name="d", uid="u", released=released
    )


@pytest.fixture
def place() -> Place:
    """Give an embedded server."""
    return Place()


async def test_who_has_a_database_stays_let_in_when_others_are_chosen(place: Place) -> None:
    assert await place.look(SELECTOR) == frozenset()
    assert await place.look(SELECTOR, mark("team-a"), mark("databases")) == {"team-a"}
    assert await place.look({"from": "Same"}, mark("team-a"), mark("databases")) == {"team-a"}
    assert place.peers() == [{"podSelector": NOTHING}]
    assert await place.look({"from": "Same"}, mark("team-a", released=True)) == frozenset()


@pytest.mark.parametrize(
    ("allowed", "peers"),
    [
        pytest.param(SELECTOR, [{"podSelector": NOTHING}, {"namespaceSelector": SELECTOR["selector"]}], id="some"),
        pytest.param(EVERYBODY, [{"namespaceSelector": NOTHING}], id="all"),
    ],
)
async def test_a_server_that_does_not_answer_keeps_its_users(
    place: Place, allowed: dict[str, Any], peers: list[dict[str, Any]]
) -> None:
    await place.look(allowed)
    await place.look(allowed, mark("team-a"))
    assert place.peers() == peers
    place.servers.answers = False
    assert await place.look({"from": "Same"}) == {"team-a"}
    assert place.peers() == [{"podSelector": NOTHING}], "and yet lets in nobody else any more"


async def test_an_idle_server_is_written_no_more(place: Place) -> None:
    for _ in range(2):
        await place.look(SELECTOR, mark("team-b"), mark("team-a"))
    before = len(place.api.writes)
    await place.look(SELECTOR, mark("team-a"), mark("team-b"))
    assert place.api.writes[before:] == []


async def test_a_look_reads_policy_and_marks_once(place: Place) -> None:
    for _ in range(2):
        await place.look(SELECTOR, mark("team-a"))
    read: list[str] = []
    asked = place.gateway.asked

    def count(method: str, at: At) -> None:
        if method == "GET":
            read.append(at.plural)

    place.api.refuse = count
    await place.look(SELECTOR, mark("team-a"))
    assert read.count(kinds.NETWORK_POLICY.plural) == 1
    assert place.gateway.asked == asked + 1
