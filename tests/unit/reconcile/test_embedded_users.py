"""Whom an embedded server's NetworkPolicy lets in over its life: nobody who has data there is cut off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.embedded import users_let_in
from litellm_database_operator.model.roles import Mark
from tests.support.fake_api import FakeApi
from tests.support.fake_api import Place as At
from tests.support.marked_server import Marked, Reached, mark, reconciler

NOTHING: dict[str, Any] = {}
SELECTOR: dict[str, Any] = {"from": "Selector", "selector": {"matchLabels": {"team": "a"}}}
EVERYBODY: dict[str, Any] = {"from": "All"}


class Place:
    """An embedded server that runs, and the operator's passes over it."""

    def __init__(self) -> None:
        self.api = FakeApi()
        for name in ("ops", "databases"):
            self.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.gateway = Marked()
        self.servers = Reached(self.api, self.gateway)
        self.reconcile = reconciler(self.api, self.servers)

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
