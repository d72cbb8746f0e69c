"""Places of limits.databasesPerNamespace while databases are being made: nobody counts past another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.kube.kinds import DATABASE
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource_key import key_of
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import Endpoint
from litellm_database_operator.planning.parse import parse_server
from litellm_database_operator.postgres.server import Server
from litellm_database_operator.reconcile.places import Places
from litellm_database_operator.reconcile.servers import Connected
from tests.support.fake_api import FakeApi
from tests.support.planning import server_of

DEFAULT: Final = ("databases", "shared")
SECOND: Final = "2026-03-01T12:00:00Z"


class Counted(Server):
    """A server that knows its marks, and answers after a moment: others come in between."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.asked = 0

    async def fetch_marks(self, *, namespace_uid: str | None = None) -> tuple[Mark, ...]:
        """Return the marks of a namespace as they are when it is asked."""
        self.asked += 1
        found = tuple(mark for mark in self.marks if mark.namespace_uid == namespace_uid)
        await asyncio.sleep(0)
        return found


class Room:
    """A server with so many places, and the resources of a namespace."""

    def __init__(self, limit: int | None) -> None:
        self.api = FakeApi()
        self.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}})
        self.gateway = Counted()
        meta = {"name": "shared", "namespace": "databases", "uid": "s"}
        limits = {"databasesPerNamespace": limit} if limit else {}
        server = parse_server({"metadata": meta, "spec": {"embedded": {}, "limits": limits}})
        endpoint = Endpoint(host="h", port=1, tls="disable")
        self.server = Connected(resource=server, gateway=self.gateway, facts=server_of(), endpoint=endpoint, ca=None)
        self.places = Places(Resources(self.api, instance="operator-1"), DEFAULT)
        self.woken: list[str] = []
        self.places.wake = lambda key: self.woken.append(key.name)

    def ask(self, name: str, created: str = SECOND, **spec: Any) -> dict[str, Any]:
        """Create a LiteLLMDatabase."""
        meta = {"name": name, "namespace": "team-a"}
        body = {"kind": DATABASE.name, "metadata": meta, "spec": {"litellm": {"version": "1.81.12"}} | spec}
        self.api.put(body)
        place = next(place for place in self.api.objects if place.name == name)
        self.api.objects[place]["metadata"]["creationTimestamp"] = created
        return dict(self.api.objects[place])

    def mark(self, body: Mapping[str, Any], **changes: Any) -> Mark:
        """Return the mark of a resource's database."""
        meta = body["metadata"]
        made = Mark(identity="i", namespace="team-a", namespace_uid="n", name=meta["name"], uid=meta["uid"])
        return replace(made, **changes)

    async def make(self, body: Mapping[str, Any]) -> bool:
        """Make a database, and tell whether there was a place for it."""
        try:
            async with self.places.taken(body, self.server, self.mark(body)):
                await asyncio.sleep(0)
                self.gateway.marks.append(self.mark(body))
        except InvalidSpecError as error:
            return error.reason is not Reason.LIMIT_EXCEEDED
        return True


async def test_one_that_is_being_made_is_counted_before_its_mark_is_there() -> None:
    room = Room(1)
    first = room.ask("b")
    async with room.places.taken(first, room.server, room.mark(first)):
        assert not await room.make(room.ask("a")), "of the same second, and earlier by name"
    assert await room.make(room.ask("a")), "nothing was made of the first, so that its place is free"


async def test_what_is_marked_is_counted_whatever_its_age_and_whether_its_resource_is_there() -> None:
    room = Room(2)
    room.gateway.marks.append(room.mark({"metadata": {"name": "gone", "uid": "gone"}}))
    assert await room.make(room.ask("young", "2026-03-01T12:00:09Z"))
    assert not await room.make(room.ask("old", "2026-03-01T12:00:01Z"))


@pytest.mark.parametrize("order", [range(6), range(5, -1, -1)])
async def test_of_those_that_come_at_once_the_oldest_get_in(order: range) -> None:
    room = Room(3)
    bodies = [room.ask(f"d{number}", f"2026-03-01T12:00:0{number}Z") for number in range(6)]
    got_in = await asyncio.gather(*(room.make(bodies[number]) for number in order))
    assert [number for number, was_let_in in zip(order, got_in, strict=True) if was_let_in] == [
        number for number in order if number < 3
    ]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"released": True}, id="released"),
        pytest.param({"namespace_uid": "another"}, id="of a namesake"),
        pytest.param({"identity": "another"}, id="of another installation"),
    ],
)
async def test_what_is_not_counted(changes: dict[str, Any]) -> None:
    room = Room(1)
    room.gateway.marks.append(room.mark({"metadata": {"name": "old", "uid": "old"}}, **changes))
    assert await room.make(room.ask("a"))


async def test_resources_for_other_servers_and_those_that_go_have_no_place() -> None:
    room = Room(1)
    room.ask("a", serverRef={"name": "own"})
    going = room.ask("b")
    going["metadata"] |= {"finalizers": ["litellmdb.dev/database"]}
    room.api.put(going)
    room.api.remove(DATABASE, "team-a", "b")
    assert await room.make(room.ask("c"))


async def test_who_waits_is_woken_when_one_of_his_namespace_goes() -> None:
    room = Room(1)
    first, second = room.ask("a"), room.ask("b")
    assert await room.make(first)
    assert not await room.make(second)
    room.places.leave(key_of(first)._replace(namespace="team-b"))
    assert room.woken == []
    room.gateway.marks.clear()
    room.api.remove(DATABASE, "team-a", "a")
    room.places.leave(key_of(first))
    assert room.woken == ["b"]
    assert await room.make(second)
    room.places.leave(key_of(first))
    assert room.woken == ["b"], "it waits no more"


async def test_without_a_limit_nothing_is_asked() -> None:
    room = Room(None)
    assert await room.make(room.ask("a"))
    assert room.gateway.asked == 0
