"""What the queue, the slots and the log name a resource by."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class ResourceKey(NamedTuple):
    """A resource of ours: one pass at a time runs for it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def key_of(body: Mapping[str, Any]) -> ResourceKey:
    """Return the key of an object that the API server sent."""
    meta = body["metadata"]
    return ResourceKey(str(body["kind"]), meta["namespace"], meta["name"])
