"""An API server in memory, as far as the operator leans on it: what the real one refuses, this refuses too.

resourceVersions, uids, generations, 404 and 409, JSON patches with tests, preconditions, finalizers, garbage that
follows its owner, namespaces that go. It stands at the place of kube/api.py's Api, below Cluster and Resources.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from random import Random
from typing import Any, Final, NamedTuple, cast

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube.api import JSON_PATCH, MERGE_PATCH, Api
from litellm_database_operator.kube.api_errors import ApiStatusError
from litellm_database_operator.kube.kinds import DATABASE, NAMESPACE, SECRET, SERVER, Body, Kind
from litellm_database_operator.kube.reading import items, part
from litellm_database_operator.model.reasons import Reason

Watcher = Callable[[str, str, Body], None]
"""Is told the type of an event (ADDED, MODIFIED, DELETED), the plural, and the object."""
_KEPT_BY_SERVER: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp")
_OURS: Final = frozenset({DATABASE.plural, SERVER.plural})


class Place(NamedTuple):
    """Where an object is: its namespace is empty for a Namespace."""

    plural: str
    namespace: str
    name: str


class FakeApi(Api):
    """The objects of a cluster."""

    def __init__(self) -> None:
        self.objects: dict[Place, Body] = {}
        self.watchers: list[Watcher] = []
        self.writes: list[str] = []
        """Verb and object of each write that was carried out for an operator."""
        self.told: list[str] = []
        """Everything written that is no Secret: what must hold no password."""
        self.passwords: set[str] = set()
        """Every password that a Secret ever held."""
        self.down = False
        """The API server does not answer."""
        self.collects_garbage = True
        self.refuse: Callable[[str, Place], ApiStatusError | None] = lambda _method, _place: None
        """Admission, quota, RBAC: asked before each request."""
        self.before_ready: Callable[[Body], None] = lambda _body: None
        """Called with each body whose status is about to say Ready."""
        self.latency: Random | None = None
        """Where set, every request waits for a moment by this chance, before and after it is carried out."""
        self._version = 100
        self._uids = 0

    # What kubectl does

    def put(self, body: Mapping[str, Any], *, status: Mapping[str, Any] | None = None) -> Body:
        """Create an object as somebody else, or give it another spec, labels, annotations, data."""
        made = copy.deepcopy(dict(body))
        place = _place_of(made)
        if place in self.objects:
            return self._replace(place, made | ({"status": status} if status is not None else {}))
        return self._add(place, made)

    def get(self, kind: Kind, namespace: str, name: str) -> Body | None:
        """Return a copy of an object, or None."""
        found = self.objects.get(Place(kind.plural, namespace, name))
        return copy.deepcopy(found) if found else None

    def all(self, kind: Kind, namespace: str | None = None) -> list[Body]:
        """Return copies of all objects of a kind."""
        return [
            copy.deepcopy(body)
            for place, body in self.objects.items()
            if place.plural == kind.plural and namespace in {None, place.namespace}
        ]

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete an object as somebody else; its finalizers hold it."""
        self._delete(Place(kind.plural, namespace, name))

    def backdate_deletion(self, kind: Kind, namespace: str, name: str, *, minutes: float) -> None:
        """Have a deletion that holds been asked for so long ago."""
        asked = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        place = Place(kind.plural, namespace, name)
        self._change(place, lambda body: body["metadata"].update(deletionTimestamp=asked))

    def lose(self, kind: Kind, namespace: str, name: str) -> None:
        """Take an object away whatever its finalizers say, as somebody does who patches them off."""
        body = copy.deepcopy(self.objects[Place(kind.plural, namespace, name)])
        self._drop(Place(kind.plural, namespace, name), body)

    def has_namespace(self, name: str) -> bool:
        """Tell whether a namespace is there, going or not."""
        return Place(NAMESPACE.plural, "", name) in self.objects

    def remove_namespace(self, namespace: str) -> None:
        """Delete a namespace: it is gone when the last thing in it is."""
        place = Place(NAMESPACE.plural, "", namespace)
        self._change(place, lambda body: body["metadata"].update(deletionTimestamp=_now()))
        for each in [each for each in self.objects if each.namespace == namespace]:
            if each in self.objects:
                self._delete(each)
        self._end_namespace(namespace)

    def collect_garbage(self) -> None:
        """Delete what has lost its owner."""
        alive = {str(body["metadata"]["uid"]) for body in self.objects.values()}
        for place, body in tuple(self.objects.items()):
            owners = items(body["metadata"], "ownerReferences")
            if owners and not any(owner["uid"] in alive for owner in owners) and place in self.objects:
                self._delete(place)

    # What kube/ does

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Body | list[Body] | None = None,
        content_type: str = "application/json",
    ) -> Body:
        """Answer as the API server does."""
        await self._pause()
        if self.down:
            raise UnavailableError(Reason.KUBERNETES_UNAVAILABLE, "cannot reach the API server: it is down")
        place, subresource = _parse(path)
        if refused := self.refuse(method, place):
            raise refused
        sent = json.loads(json.dumps(body))
        answer = self._answer(method, place, subresource, query or {}, sent, content_type)
        if method != "GET":
            self.writes.append(f"{method} {place.plural} {place.name or answer['metadata']['name']}")
        await self._pause()
        return copy.deepcopy(answer)

    async def close(self) -> None:
        """Close nothing."""

    async def _pause(self) -> None:
        if self.latency is not None:
            await asyncio.sleep(self.latency.random() * 0.01)

    def _answer(  # noqa: PLR0913, PLR0917 - a request
        self,
        method: str,
        place: Place,
        subresource: str | None,
        query: Mapping[str, str | int],
        body: Any,
        content_type: str,
    ) -> Body:
        match method:
            case "GET" if place.name:
                return self._known(place)
            case "GET":
                return self._list(place, query)
            case "POST":
                return self._create(place, body)
            case "DELETE":
                self._known(place)
                self._check_precondition(place, part(body or {}, "preconditions"))
                return self._delete(place)
            case _:
                return self._patch(place, subresource, body, content_type)

    def _known(self, place: Place) -> Body:
        if place not in self.objects:
            raise _refusal(HTTPStatus.NOT_FOUND, "NotFound", f"{place.plural} {place.name} not found")
        return self.objects[place]

    def _list(self, place: Place, query: Mapping[str, str | int]) -> Body:
        found = [
            body
            for at, body in self.objects.items()
            if at.plural == place.plural and place.namespace in {"", at.namespace} and _selected(body, query)
        ]
        return {"items": found, "metadata": {"resourceVersion": str(self._version)}}

    def _create(self, place: Place, body: Body) -> Body:
        namespace = self.objects.get(Place(NAMESPACE.plural, "", place.namespace))
        if namespace is None:
            raise _refusal(HTTPStatus.NOT_FOUND, "NotFound", f"namespaces {place.namespace} not found")
        if namespace["metadata"].get("deletionTimestamp"):
            text = f"unable to create new content in namespace {place.namespace} because it is being terminated"
            raise _refusal(HTTPStatus.FORBIDDEN, "Forbidden", text, causes=frozenset({"NamespaceTerminating"}))
        meta = body["metadata"]
        name = meta.get("name") or f"{meta['generateName']}{self._version}"
        meta["name"] = name
        if (at := Place(place.plural, place.namespace, name)) in self.objects:
            raise _refusal(HTTPStatus.CONFLICT, "AlreadyExists", f"{place.plural} {name} already exists")
        return self._add(at, body)

    def _add(self, place: Place, body: Body) -> Body:
        self._uids += 1
        body["metadata"] |= {"uid": f"uid-{self._uids}", "creationTimestamp": _now(), "generation": 1}
        if place.plural == NAMESPACE.plural:
            body["metadata"].pop("namespace", None)
        self._store(place, body, "ADDED")
        return body

    def _check_precondition(self, place: Place, wanted: Mapping[str, str]) -> None:
        if wanted.get("uid") not in {None, self.objects[place]["metadata"]["uid"]}:
            raise _refusal(HTTPStatus.CONFLICT, "Conflict", "the UID in the precondition is another")

    def _patch(self, place: Place, subresource: str | None, patch: Any, content_type: str) -> Body:
        old = self._known(place)
        new = copy.deepcopy(old)
        if content_type == JSON_PATCH:
            _apply_operations(new, cast("list[Body]", patch))
        else:
            _check_version(old, patch)
            _merge(new, patch, strategic=content_type != MERGE_PATCH)
        if place.plural in _OURS:  # the status is a subresource of its own
            kept = "status" if subresource is None else "spec"
            new = {key: value for key, value in new.items() if key != kept}
            new |= {kept: old[kept]} if kept in old else {}
        return self._replace(place, new)

    def _replace(self, place: Place, new: Body) -> Body:
        old = self.objects[place]
        kept = {key: old["metadata"][key] for key in _KEPT_BY_SERVER if key in old["metadata"]}
        new = old | new
        new["metadata"] = new["metadata"] | kept
        if new == old:
            return old
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] += 1
        if _says_ready(new) and not new["metadata"].get("deletionTimestamp"):
            self.before_ready(new)
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            return self._drop(place, new)
        self._store(place, new, "MODIFIED")
        return new

    def _change(self, place: Place, change: Callable[[Body], None]) -> Body:
        new = copy.deepcopy(self.objects[place])
        change(new)
        self._store(place, new, "MODIFIED")
        return new

    def _delete(self, place: Place) -> Body:
        body = self.objects[place]
        if not body["metadata"].get("finalizers"):
            return self._drop(place, copy.deepcopy(body))
        if body["metadata"].get("deletionTimestamp"):
            return body
        generation = int(body["metadata"]["generation"]) + 1  # what was said of it before is of an older one
        return self._change(place, lambda new: new["metadata"].update(deletionTimestamp=_now(), generation=generation))

    def _drop(self, place: Place, last: Body) -> Body:
        del self.objects[place]
        self._version += 1
        last["metadata"]["resourceVersion"] = str(self._version)
        self._tell("DELETED", place, last)
        if self.collects_garbage:
            self.collect_garbage()
        self._end_namespace(place.namespace)
        return last

    def _end_namespace(self, namespace: str) -> None:
        place = Place(NAMESPACE.plural, "", namespace)
        going = place in self.objects and self.objects[place]["metadata"].get("deletionTimestamp")
        if going and not any(each.namespace == namespace for each in self.objects):
            del self.objects[place]

    def _store(self, place: Place, body: Body, event: str) -> None:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        self.objects[place] = body
        self._remember(place, body)
        self._tell(event, place, body)

    def _remember(self, place: Place, body: Body) -> None:
        if place.plural != SECRET.plural:
            self.told.append(json.dumps(body))
            return
        from litellm_database_operator.kube.secrets import secret_data  # noqa: PLC0415

        data = secret_data(body)
        self.passwords |= {data[key] for key in ("password", "DATABASE_PASSWORD") if data.get(key)}

    def _tell(self, event: str, place: Place, body: Body) -> None:
        for watcher in tuple(self.watchers):
            watcher(event, place.plural, copy.deepcopy(body))


def _parse(path: str) -> tuple[Place, str | None]:
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[0] == NAMESPACE.plural and len(rest) <= 2:
        return Place(NAMESPACE.plural, "", rest[1] if len(rest) > 1 else ""), None
    namespace = ""
    if rest[0] == NAMESPACE.plural:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *_ = [*rest, "", ""]
    return Place(plural, namespace, name), subresource or None


_PLURALS: Final = {
    "LiteLLMDatabase": DATABASE.plural,
    "PostgresServer": SERVER.plural,
    "NetworkPolicy": "networkpolicies",
}


def _place_of(body: Body) -> Place:
    kind = str(body["kind"])
    meta = body["metadata"]
    return Place(_PLURALS.get(kind, f"{kind.lower()}s"), str(meta.get("namespace", "")), str(meta["name"]))


def _selected(body: Body, query: Mapping[str, str | int]) -> bool:
    labels: Mapping[str, str] = body["metadata"].get("labels") or {}
    if not all(labels.get(key) == value for key, value in _pairs(query.get("labelSelector"))):
        return False
    return all(str(_at(body, key)) == value for key, value in _pairs(query.get("fieldSelector")))


def _pairs(selector: str | int | None) -> Iterator[tuple[str, str]]:
    for asked in str(selector or "").split(","):
        key, equals, value = asked.partition("=")
        if equals:
            yield key, value


def _at(body: Any, path: str) -> Any:
    for key in path.split("."):
        body = body.get(key) or {}
    return body


def _apply_operations(body: Body, operations: list[Body]) -> None:
    for operation in operations:
        *parents, last = operation["path"].strip("/").split("/")
        target: Any = body
        for parent in parents:
            target = target.setdefault(parent, {})
        if operation["op"] == "test":
            if target.get(last) != operation.get("value"):
                raise _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", "the server rejected our request: test")
        else:
            target[last] = operation["value"]


def _check_version(old: Body, patch: Body) -> None:
    wanted = part(patch, "metadata").get("resourceVersion")
    if wanted not in {None, old["metadata"]["resourceVersion"]}:
        raise _refusal(HTTPStatus.CONFLICT, "Conflict", "the object has been modified; please apply your changes")


def _merge(target: Body, patch: Mapping[str, Any], *, strategic: bool) -> None:
    for key, value in patch.items():
        if isinstance(value, dict):
            wanted = cast("Body", value)
            if strategic and wanted.get("$patch") == "replace":
                target[key] = {name: each for name, each in wanted.items() if name != "$patch"}
            elif isinstance(target.get(key), dict):
                _merge(target[key], wanted, strategic=strategic)
            else:
                target[key] = wanted
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = value


def _says_ready(body: Body) -> bool:
    conditions = items(part(body, "status"), "conditions")
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def _refusal(code: HTTPStatus, reason: str, message: str, *, causes: frozenset[str] = frozenset()) -> ApiStatusError:
    return ApiStatusError(code=code, reason=reason, message=message, causes=causes)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
