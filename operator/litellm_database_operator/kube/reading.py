"""Looking into JSON from a server of any version: it leaves out what is empty, and may say more than we know."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]


def part(body: Json, *keys: str) -> Json:
    """Return the object below `keys`, empty when there is none."""
    for key in keys:
        body = body.get(key) or {}
    return body


def items(body: Json, key: str) -> Sequence[Json]:
    """Return the list of objects at `key`, empty when there is none."""
    found: Sequence[Json] | None = body.get(key)
    return found or ()


def labels(body: Json) -> Mapping[str, str]:
    """Return an object's labels."""
    return part(body, "metadata", "labels")


def annotations(body: Json) -> Mapping[str, str]:
    """Return an object's annotations."""
    return part(body, "metadata", "annotations")


def version_of(body: Json) -> int:
    """Return an object's resourceVersion, which may be compared as a number.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    return int(body["metadata"]["resourceVersion"])


def is_going(body: Json) -> bool:
    """Tell whether an object is being deleted."""
    return body["metadata"].get("deletionTimestamp") is not None


def controller_uid(body: Json) -> str | None:
    """Return the uid of the object's controller, None when it has none."""
    owners = items(body["metadata"], "ownerReferences")
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), None)
