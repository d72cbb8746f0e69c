"""Our own resources at the API server: what control/ reads and writes of them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api import JSON_PATCH, MERGE_PATCH, Api
from litellm_database_operator.kube.api_errors import ApiStatusError, explained
from litellm_database_operator.kube.effects import Effects, undisturbed
from litellm_database_operator.kube.events import Posted, event_body, time_stamp
from litellm_database_operator.kube.kinds import Body, Kind, uid_of
from litellm_database_operator.kube.reading import Json
from litellm_database_operator.model.outcome import Event

_CHUNK: Final = 500
_MOVED_ON: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})


class Resources:
    """LiteLLMDatabases and PostgresServers; its methods raise UnavailableError."""

    def __init__(self, api: Api, *, instance: str, effects: Effects = undisturbed) -> None:
        """Speak through `api` as the pod `instance`; every write happens inside one of `effects`."""
        self._api = api
        self._instance = instance
        self._effects = effects
        self._posted = Posted()

    async def fetch(self, kind: Kind, namespace: str, name: str) -> Body | None:
        """Return one, or None."""
        with explained(f"read {kind.name} {namespace}/{name}"):
            return await self._api.fetch(kind.path(namespace, name))

    async def list_all(self, kind: Kind, namespace: str | None) -> tuple[list[Body], int]:
        """Return all of a namespace, or of the cluster, and the resourceVersion that the list begins at."""
        query: dict[str, str | int] = {"limit": _CHUNK}
        bodies: list[Body] = []
        while True:
            with explained(f"list {kind.plural}{f' in {namespace}' if namespace else ''}"):
                found = await self._api.request("GET", kind.path(namespace), query=query)
            bodies += ({"apiVersion": kind.api_version, "kind": kind.name} | item for item in found["items"])
            if not (token := found["metadata"].get("continue")):
                return bodies, int(found["metadata"]["resourceVersion"])
            query["continue"] = token

    async def patch_finalizers(self, kind: Kind, body: Json, finalizers: list[str]) -> Body | None:
        """Set the finalizers where they are still those of `body`; None when the resource has moved on.

        The tests are on what is replaced: a test on resourceVersion would fail for anybody's label.
        """
        meta = body["metadata"]
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": meta["uid"]},
            {"op": "test", "path": "/metadata/finalizers", "value": meta.get("finalizers")},
            {"op": "add", "path": "/metadata/finalizers", "value": finalizers},
        ]
        return await self._patch(kind, meta, operations)

    async def patch_status(self, kind: Kind, body: Json, status: Json) -> Body | None:
        """Replace the status, whole; None when the resource is gone, or another of its name is there."""
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": body["metadata"]["uid"]},
            {"op": "add", "path": "/status", "value": dict(status)},
        ]
        return await self._patch(kind, body["metadata"], operations, subresource="status")

    async def post_event(self, body: Json, event: Event) -> None:
        """Post an Event about a resource, or count the one that says the same."""
        uid, namespace = uid_of(body), body["metadata"]["namespace"]
        now = datetime.now(UTC)
        async with self._writing(f"post Event {event.reason} of {namespace}/{body['metadata']['name']}"):
            if (again := self._posted.again(uid, event)) and await self._count(namespace, *again, now):
                name, count = again
            else:
                made = event_body(body, event, instance=self._instance, now=now)
                answer = await self._api.request("POST", kinds.EVENT.path(namespace), body=made)
                name, count = answer["metadata"]["name"], 1
        self._posted.remember(uid, event, name=name, count=count)

    async def _count(self, namespace: str, name: str, count: int, now: datetime) -> bool:
        change: Body = {"count": count, "lastTimestamp": time_stamp(now)}
        path = kinds.EVENT.path(namespace, name)
        try:
            await self._api.request("PATCH", path, body=change, content_type=MERGE_PATCH)
        except ApiStatusError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return False  # Events live for an hour
        return True

    async def _patch(
        self, kind: Kind, meta: Json, operations: list[Body], *, subresource: str | None = None
    ) -> Body | None:
        part = subresource or "finalizers"
        path = kind.path(meta["namespace"], meta["name"], subresource=subresource)
        async with self._writing(f"patch {part} of {kind.name} {meta['namespace']}/{meta['name']}"):
            try:
                return await self._api.request("PATCH", path, body=operations, content_type=JSON_PATCH)
            except ApiStatusError as error:
                if not _moved_on(error):
                    raise
                return None

    @asynccontextmanager
    async def _writing(self, action: str) -> AsyncGenerator[None]:
        async with self._effects(action):
            with explained(action):
                yield


def _moved_on(error: ApiStatusError) -> bool:
    """Tell a failed test from a value that the CRD does not allow, which is our own fault: only that has causes."""
    failed_test = error.code == HTTPStatus.UNPROCESSABLE_ENTITY and not error.causes
    return failed_test or error.code in _MOVED_ON
