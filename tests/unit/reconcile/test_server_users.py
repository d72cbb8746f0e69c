"""Who holds a server's deletion: by their resources where those can be seen, by the marks on the server elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api_errors import ApiStatusError
from litellm_database_operator.model.roles import Mark
from tests.support.fake_api import FakeApi, Place
from tests.support.marked_server import Marked, Reached, mark, reconciler

ABANDON = {"litellmdb.dev/abandon": "true"}
ANYTHING: dict[str, Any] = {}


class Deletion:
    """An embedded server that is being deleted, by an operator that watches `databases` and `team-a`."""

    def __init__(self, *watched: str) -> None:
        self.api = FakeApi()
        for name in ("ops", "databases", "team-a"):
            self.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.gateway = Marked()
        self.servers = Reached(self.api, self.gateway)
        self.reconcile = reconciler(self.api, self.servers, watched=watched)

    def refuse(self, namespace: str) -> None:
        """Let LiteLLMDatabases of a namespace be listed no more: its Role went with it."""

        def forbid(method: str, place: Place) -> ApiStatusError | None:
            if (method, place.plural, place.namespace) != ("GET", kinds.DATABASE.plural, namespace):
                return None
            return ApiStatusError(code=HTTPStatus.FORBIDDEN, reason="Forbidden", message="forbidden")

        self.api.refuse = forbid

    async def look(self, *marks: Mark, annotations: Mapping[str, str] | None = None) -> str | None:
        """Return what is said while the server is held, None where it goes."""
        self.gateway.marks = marks
        meta: dict[str, Any] = {"name": "main", "namespace": "databases", "uid": "u", "generation": 1}
        meta |= {"deletionTimestamp": "2026-03-01T12:00:00Z", "annotations": dict(annotations or {})}
        spec = {"embedded": ANYTHING, "deletionPolicy": "Delete"}
        outcome = await self.reconcile({"kind": "PostgresServer", "metadata": meta, "spec": spec})
        if outcome.left:
            return None
        assert outcome.status is not None
        ready = next(each for each in outcome.status["conditions"] if each["type"] == "Ready")
        return f"{ready['reason']}: {ready['message']}"


async def test_a_watched_namespace_that_is_gone_holds_nothing_that_it_does_not_use() -> None:
    deletion = Deletion("databases", "team-a")
    deletion.refuse("team-a")
    assert await deletion.look() is None


@pytest.mark.parametrize("watched", [("databases",), ("databases", "team-a")])
async def test_a_database_that_cannot_be_seen_holds_by_its_mark(watched: tuple[str, ...]) -> None:
    deletion = Deletion(*watched)
    deletion.refuse("team-a")
    told = await deletion.look(mark("team-a"))
    assert told is not None
    assert told.startswith("InUse: ")
    assert "team-a/d" in told
    command = "kubectl -n databases annotate postgresserver main litellmdb.dev/abandon=true"
    assert command in told
    assert await deletion.look(mark("team-a"), annotations=ABANDON) is None


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(mark("team-a", released=True), id="released"),
        pytest.param(replace(mark("team-a"), identity="another"), id="of another installation"),
        pytest.param(mark("databases"), id="where its resource would be seen"),
    ],
)
async def test_a_mark_that_holds_nothing(found: Mark) -> None:
    assert await Deletion("databases").look(found) is None


async def test_everywhere_a_mark_without_a_resource_holds_nothing() -> None:
    assert await Deletion().look(mark("team-a")) is None


async def test_a_server_that_is_silent_is_held_by_who_cannot_be_listed_and_told_of_with_the_way_out() -> None:
    deletion = Deletion("databases", "team-a")
    deletion.servers.answers = False
    deletion.refuse("team-a")
    told = await deletion.look()
    assert told is not None
    assert "namespace team-a" in told
    assert "litellmdb.dev/abandon=true" in told
    assert await deletion.look(annotations=ABANDON) is None
    assert await Deletion("databases").look() is None
