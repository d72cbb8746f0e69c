"""An API server in memory, below the real gateways: `Cluster(FakeApi())` is the product's own class.

It knows what the gateways use: create, read, list by label, the three patches, delete with a uid, conflicts.
No admission, no schema, no controller: the test says what else happens, by `objects`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

from litellm_database_operator.kube.api import JSON_PATCH, Api
from litellm_database_operator.kube.api_errors import ApiStatusError
from litellm_database_operator.kube.kinds import Body
from litellm_database_operator.kube.reading import part

_NAMESPACED_PARTS = 2


class FakeApi(Api):
    """Objects by path; `requests` tells what was asked, `refusals` what is answered instead."""

    def __init__(self) -> None:
        """Hold nothing; there is no connection."""
        self.objects: dict[str, Body] = {}
        """By path: /api/v1/namespaces/team/secrets/gateway-db."""
        self.requests: list[str] = []
        """"POST /api/v1/namespaces/team/secrets"."""
        self.refusals: dict[str, Exception] = {}
        """By the beginning of a request as `requests` has it."""
        self._version = 0

    @property
    def writes(self) -> list[str]:
        """What was asked for that changes something."""
        return [request for request in self.requests if not request.startswith("GET ")]

    async def close(self) -> None:
        """Do nothing."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Body | list[Body] | None = None,
        content_type: str = "application/json",
    ) -> Body:
        """Answer as the API server would."""
        asked = f"{method} {unquote(path)}"
        self.requests.append(asked)
        for beginning, error in self.refusals.items():
            if asked.startswith(beginning):
                raise error
        match method:
            case "GET":
                return self._get(path, query or {})
            case "POST":
                return self.put(path, cast("Body", body))
            case "PATCH":
                return self._patch(path, body, content_type)
            case "PUT":
                return self._replace(path, cast("Body", body))
            case _:
                return self._delete(path, cast("Body", body or {}))

    def put(self, collection: str, body: Body) -> Body:
        """Have an object, as somebody made it; 409 when there is one."""
        meta: Body = body["metadata"]
        number = self._version + 1
        name = meta.get("name") or f"{meta['generateName']}{number}"
        path = f"{collection}/{name}"
        if path in self.objects:
            raise _refusal(409, "AlreadyExists")
        defaults = {"name": name, "uid": f"uid-{number}", "creationTimestamp": "2026-01-01T00:00:00Z"}
        return self._store(path, body | {"metadata": defaults | meta})

    def _get(self, path: str, query: Mapping[str, str | int]) -> Body:
        if path in self.objects:
            return copy.deepcopy(self.objects[path])
        if len(path.rpartition("/namespaces/")[2].split("/")) == _NAMESPACED_PARTS:
            return {"metadata": {"resourceVersion": str(self._version)}, "items": self._list(path, query)}
        raise _refusal(404, "NotFound")

    def _list(self, path: str, query: Mapping[str, str | int]) -> list[Body]:
        selector = str(query.get("labelSelector", ""))
        wanted = dict(pair.split("=", 1) for pair in selector.split(",") if pair).items()
        found = [body for key, body in self.objects.items() if key.rpartition("/")[0] == path]
        fields = dict(pair.split("=", 1) for pair in str(query.get("fieldSelector", "")).split(",") if pair)
        return [
            copy.deepcopy(body)
            for body in found
            if (body["metadata"].get("labels") or {}).items() >= wanted
            and all(str(_at(body, key)) == value for key, value in fields.items())
        ]

    def _patch(self, path: str, body: Any, content_type: str) -> Body:
        path = path.removesuffix("/status")
        live = self._live(path)
        if content_type == JSON_PATCH:
            return self._store(path, _json_patched(live, cast("list[Body]", body)))
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in {None, live["metadata"]["resourceVersion"]}:
            raise _refusal(409, "Conflict")
        return self._store(path, _merged(live, body))

    def _replace(self, path: str, body: Body) -> Body:
        if self._live(path)["metadata"]["resourceVersion"] != body["metadata"].get("resourceVersion"):
            raise _refusal(409, "Conflict")
        return self._store(path, body)

    def _delete(self, path: str, options: Body) -> Body:
        live = self._live(path)
        if part(options, "preconditions").get("uid", live["metadata"]["uid"]) != live["metadata"]["uid"]:
            raise _refusal(409, "Conflict")
        return self.objects.pop(path)

    def _live(self, path: str) -> Body:
        if path not in self.objects:
            raise _refusal(404, "NotFound")
        return copy.deepcopy(self.objects[path])

    def _store(self, path: str, body: Body) -> Body:
        self._version += 1
        stored = copy.deepcopy(body)
        stored["metadata"]["resourceVersion"] = str(self._version)
        if stored["metadata"].get("deletionTimestamp") and not stored["metadata"].get("finalizers"):
            self.objects.pop(path, None)
        else:
            self.objects[path] = stored
        return copy.deepcopy(stored)


def _refusal(code: int, reason: str) -> ApiStatusError:
    return ApiStatusError(code=code, reason=reason, message=reason)


def _merged(live: Any, change: Any) -> Any:
    if not isinstance(live, dict) or not isinstance(change, dict):
        return change
    wanted = dict(cast("Body", change))
    merged = {} if wanted.pop("$patch", None) == "replace" else dict(cast("Body", live))
    for key, value in wanted.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _json_patched(live: Body, operations: list[Body]) -> Body:
    for operation in operations:
        *parents, last = str(operation["path"]).strip("/").split("/")
        holder = cast("Body", part(live, *parents))
        if operation["op"] == "test" and holder.get(last) != operation["value"]:
            raise _refusal(422, "Invalid")
        if operation["op"] == "add":
            holder[last] = operation["value"]
    return live


def _at(body: Body, place: str) -> Any:
    *parents, last = place.split(".")
    return part(body, *parents).get(last)
