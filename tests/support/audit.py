"""Who wrote what to the API server: the local cluster's audit log, which holds no contents."""

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.support.kubectl import ROOT, Kubectl

_LOG: Final = ROOT / ".cluster/audit.log"
_OPERATOR: Final = "system:serviceaccount:litellm-database-operator:litellm-database-operator"
_APART: Final = frozenset({"events", "leases"})
"""Courtesies and the heartbeat, which do not count."""


def end() -> int:
    """Return where the log ends now."""
    return _LOG.stat().st_size


def settled(kubectl: Kubectl) -> int:
    """Return where the log ends once it tells of all that was answered before: answers come before their lines."""
    while True:
        since = end()
        kubectl.run("annotate", "namespace", kubectl.namespace, f"litellmdb.dev/audit={since}", "--overwrite")
        if any(entry.get("objectRef", {}).get("name") == kubectl.namespace for entry in _entries(since)):
            return end()


def operator_writes(since: int, *namespaces: str) -> list[str]:
    """Return the operator's writes to these namespaces since then: verb, resource, name and answer."""
    return [_told(entry) for entry in _entries(since) if _counts(entry, namespaces)]


def _entries(since: int) -> Iterator[dict[str, Any]]:
    with _LOG.open("rb") as log:
        log.seek(since)
        yield from (json.loads(line) for line in log if line.endswith(b"\n"))


def _counts(entry: dict[str, Any], namespaces: tuple[str, ...]) -> bool:
    subject = entry.get("objectRef", {})
    return (
        entry["user"]["username"] == _OPERATOR
        and entry["stage"] == "ResponseComplete"
        and subject.get("namespace") in namespaces
        and subject.get("resource") not in _APART
    )


def _told(entry: dict[str, Any]) -> str:
    subject = entry["objectRef"]
    what = "/".join(subject[part] for part in ("resource", "subresource", "name") if part in subject)
    return f"{entry['verb']} {what}: {entry['responseStatus']['code']}"
