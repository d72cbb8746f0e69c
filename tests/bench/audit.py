"""What the operator writes to the API server, counted from the audit log of the local cluster.

The API server notes a request before it answers it, so that what was waited for is in the log.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.kubectl import ROOT

LOG: Final = ROOT / ".cluster/audit.log"
_OPERATOR: Final = "system:serviceaccount:litellm-database-operator:litellm-database-operator"
_APART: Final = frozenset({"events", "leases"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request that changes something."""

    namespace: str
    verb: str
    resource: str
    """With its subresource: `litellmdatabases/status`."""

    @property
    def apart(self) -> bool:
        """Whether it is an Event's or the Lease's, which are no work on a resource."""
        return self.resource in _APART


def position(log: Path = LOG) -> int:
    """Return where the log ends now."""
    return log.stat().st_size


def operator_writes(lines: Iterable[str], namespaces: frozenset[str]) -> Iterator[Write]:
    """Yield what the operator wrote in `namespaces`; the cluster has other users."""
    for line in lines:
        entry = json.loads(line)
        where = entry.get("objectRef", {})
        if entry["user"]["username"] == _OPERATOR and where.get("namespace") in namespaces:
            kind = "/".join(filter(None, (where["resource"], where.get("subresource"))))
            yield Write(namespace=where["namespace"], verb=entry["verb"], resource=kind)


def writes_since(start: int, namespaces: Iterable[str], log: Path = LOG) -> list[Write]:
    """Return the operator's writes from a position of the log on."""
    with log.open() as opened:
        opened.seek(start)
        return list(operator_writes(opened, frozenset(namespaces)))


def counted(writes: Iterable[Write]) -> int:
    """Return how many there are, Events and Lease apart."""
    return sum(not write.apart for write in writes)


def by_kind(writes: Iterable[Write], *, resources: int = 1) -> str:
    """Return how many there are of each kind, for one resource: `create jobs 1, patch litellmdatabases/status 2`."""
    kinds = Counter(f"{write.verb} {write.resource}" for write in writes)
    return ", ".join(f"{kind} {count / resources:g}" for kind, count in sorted(kinds.items())) or "none"
