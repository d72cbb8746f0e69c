"""The newest known bodies of our resources, and which database hangs on which server.

A body comes from the watch, from a LIST or with the answer to our own write; older ones are dropped, so that a
pass never works on a body older than what we wrote. https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from litellm_database_operator.kube.kinds import DATABASE, Body, Kind
from litellm_database_operator.kube.reading import Json, annotations, version_of
from litellm_database_operator.model import names
from litellm_database_operator.model.resource_key import ResourceKey, key_of

ServerOf = Callable[[Mapping[str, Any]], ResourceKey | None]
"""Which server a LiteLLMDatabase asks for; None when it names none that could be."""

_ANNOTATIONS: Final = (names.RETRY_ANNOTATION, names.ABANDON_ANNOTATION)
"""Those that ask us for something; anybody may write others."""


def wish(body: Json) -> tuple[object, ...]:
    """Return what others ask of us in a body: labels, managedFields and our own status are not in it."""
    meta = body["metadata"]
    asked = tuple(annotations(body).get(name) for name in _ANNOTATIONS)
    return (meta["uid"], meta.get("generation"), meta.get("deletionTimestamp"), meta.get("finalizers"), asked)


class Knowledge:
    """What is known of every resource."""

    def __init__(self, server_of: ServerOf) -> None:
        """Know nothing yet."""
        self._server_of = server_of
        self._bodies: dict[ResourceKey, Body] = {}
        self._databases: defaultdict[ResourceKey, set[ResourceKey]] = defaultdict(set)
        self._servers: dict[ResourceKey, ResourceKey] = {}

    def __contains__(self, key: ResourceKey) -> bool:
        """Tell whether a resource is known."""
        return key in self._bodies

    def get(self, key: ResourceKey) -> Body | None:
        """Return the newest known body, or None."""
        return self._bodies.get(key)

    def keys(self, kind: Kind) -> list[ResourceKey]:
        """Return all known resources of a kind."""
        return [key for key in self._bodies if key.kind == kind.name]

    def keep(self, body: Body) -> bool:
        """Remember a body, and tell whether it holds news: not an echo, not noise, not an older one."""
        key, old = key_of(body), self._bodies.get(key_of(body))
        if old and version_of(old) >= version_of(body):
            return False
        body["metadata"].pop("managedFields", None)
        self._bodies[key] = body
        if key.kind == DATABASE.name:
            self._index(key, self._server_of(body))
        return old is None or wish(old) != wish(body) or old.get("status") != body.get("status")

    def forget(self, key: ResourceKey) -> None:
        """Drop a resource that is gone."""
        self._bodies.pop(key, None)
        self._index(key, None)

    def databases_of(self, server: ResourceKey) -> Iterable[ResourceKey]:
        """Return the databases that ask for a server."""
        return tuple(self._databases.get(server, ()))

    def server_of(self, database: ResourceKey) -> ResourceKey | None:
        """Return the server that a database asks for."""
        return self._servers.get(database)

    def _index(self, database: ResourceKey, server: ResourceKey | None) -> None:
        old = self._servers.pop(database, None)
        if old is not None:
            self._databases[old].discard(database)
            if not self._databases[old]:
                del self._databases[old]
        if server is not None:
            self._servers[database] = server
            self._databases[server].add(database)
