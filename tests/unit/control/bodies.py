"""Bodies of resources, and a gateway that only remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube.kinds import Body, Kind
from litellm_database_operator.model import names
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource_key import ResourceKey

KEY = ResourceKey(names.DATABASE_KIND, "team", "a")
SERVER_KEY = ResourceKey(names.SERVER_KIND, "team", "main")


def make_body(  # noqa: PLR0913 - what a body is made of
    key: ResourceKey = KEY,
    *,
    version: int = 1,
    uid: str = "u1",
    generation: int = 1,
    finalizers: list[str] | None = None,
    going: bool = False,
    status: Mapping[str, Any] | None = None,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Body:
    meta: Body = {
        "name": key.name,
        "namespace": key.namespace,
        "uid": uid,
        "resourceVersion": str(version),
        "generation": generation,
    }
    meta |= {"finalizers": finalizers} if finalizers else {}
    meta |= {"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {}
    meta |= {"annotations": dict(annotations)} if annotations else {}
    meta |= {"labels": dict(labels)} if labels else {}
    body: Body = {"apiVersion": names.API_VERSION, "kind": key.kind, "metadata": meta, "spec": {}}
    return body | ({"status": dict(status)} if status else {})


class FakeResources:
    """An API server of one's own: conditional patches, resourceVersions, no network."""

    def __init__(self) -> None:
        self.live: dict[ResourceKey, Body] = {}
        self.writes: list[str] = []
        self.events: list[Event] = []
        self.version = 100
        self.refuses_events = False
        self.before_status: Callable[[Body], None] = lambda _body: None

    def put(self, body: Body) -> Body:
        """Have a resource."""
        self.live[_key(body)] = body
        return body

    def change_spec(self, key: ResourceKey) -> Body:
        """Do what somebody else's kubectl does, and return the body of the event that follows."""
        live = self.live[key]
        return self._changed(live, {"metadata": live["metadata"] | {"generation": live["metadata"]["generation"] + 1}})

    async def fetch(self, kind: Kind, namespace: str, name: str) -> Body | None:
        """Return a resource."""
        return self.live.get(ResourceKey(kind.name, namespace, name))

    async def list_all(self, kind: Kind, namespace: str | None) -> tuple[list[Body], int]:
        """Return all."""
        found = [
            body for key, body in self.live.items() if key.kind == kind.name and namespace in {None, key.namespace}
        ]
        return found, self.version

    async def patch_finalizers(self, kind: Kind, body: Mapping[str, Any], finalizers: list[str]) -> Body | None:
        """Set finalizers under the same tests as the real one."""
        del kind
        live = self._same(body)
        if live is None or live["metadata"].get("finalizers") != body["metadata"].get("finalizers"):
            return None
        self.writes.append(f"finalizers {finalizers}")
        changed = self._changed(live, {"metadata": live["metadata"] | {"finalizers": finalizers}})
        if not finalizers and live["metadata"].get("deletionTimestamp"):
            del self.live[_key(live)]
        return changed

    async def patch_status(self, kind: Kind, body: Mapping[str, Any], status: Mapping[str, Any]) -> Body | None:
        """Set the status under the same test as the real one."""
        del kind
        live = self._same(body)
        if live is None:
            return None
        self.before_status(live)
        self.writes.append("status")
        return self._changed(self.live[_key(body)], {"status": dict(status)})

    async def post_event(self, body: Mapping[str, Any], event: Event) -> None:
        """Remember an Event."""
        del body
        if self.refuses_events:
            raise UnavailableError(Reason.OBJECT_REFUSED, "cannot post Event: quota")
        self.events.append(event)

    def _same(self, body: Mapping[str, Any]) -> Body | None:
        live = self.live.get(_key(body))
        return live if live and live["metadata"]["uid"] == body["metadata"]["uid"] else None

    def _changed(self, live: Body, change: Body) -> Body:
        self.version += 1
        changed = live | change
        changed["metadata"] = changed["metadata"] | {"resourceVersion": str(self.version)}
        self.live[_key(live)] = changed
        return changed


class FakeReconciler:
    """Answers with the outcomes it was given, the last one for ever; notes what it was called with."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes) or [Outcome(status={"x": 1})]
        self.seen: list[Mapping[str, Any]] = []
        self.running = 0
        self.most_running = 0
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing

    async def __call__(self, body: Mapping[str, Any]) -> Outcome:
        """Be a pass."""
        self.seen.append(body)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        await self.meanwhile()
        self.running -= 1
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


async def _nothing() -> None:
    return


def _key(body: Mapping[str, Any]) -> ResourceKey:
    return ResourceKey(body["kind"], body["metadata"]["namespace"], body["metadata"]["name"])
