"""The tables of docs/operations/gitops.md, and what the tools say: the page is the expectation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from litellm_database_operator.kube.kinds import Body
from tests.support.argocd_health import argocd_health
from tests.support.kstatus import statuses
from tests.support.world import condition

_ROOT: Final = Path(__file__).resolve().parents[3]
_PAGE: Final = _ROOT / "docs/operations/gitops.md"
_CRDS: Final = {
    "LiteLLMDatabase": _ROOT / "crds/litellmdb.dev_litellmdatabases.yaml",
    "PostgresServer": _ROOT / "crds/litellmdb.dev_postgresservers.yaml",
}


class Verdict(NamedTuple):
    """What a resource says, and what is made of it; empty where nothing is said."""

    ready: str
    reconciling: str
    stalled: str
    reason: str
    kstatus: str
    argocd: str
    kubectl_wait: str


def promised(kind: str) -> dict[str, Verdict]:
    """Return the rows of a kind's table by their state."""
    text = _PAGE.read_text().split(f"### {kind}\n", 1)[1]
    table = re.match(r"(?:\|.*\n)+", text)
    assert table is not None
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table[0].splitlines()[2:]]
    found = {state: Verdict(*(cell.strip("`") for cell in cells)) for state, *cells in rows}
    assert len(found) == len(rows), "a state stands there twice"
    return found


def passed(body: Body) -> Verdict:
    """Return what a resource says, as an API server would give it, and what each tool makes of it."""
    stored = _as_stored(body)
    (waited,) = statuses([stored])
    ready, reconciling, stalled = (condition(stored, kind) for kind in ("Ready", "Reconciling", "Stalled"))
    return Verdict(
        ready=ready["status"] or "",
        reconciling=reconciling["status"] or "",
        stalled=stalled["status"] or "",
        reason=ready["reason"] or "",
        kstatus=waited.status,
        argocd=argocd_health(stored).status,
        kubectl_wait="met" if _meets(stored, "Ready") else "waits",
    )


def _as_stored(body: Body) -> Body:
    """Return a resource with the default that its CRD gives to status."""
    schema: Any = yaml.safe_load(_CRDS[str(body["kind"])].read_text())["spec"]["versions"][0]["schema"]
    return {"status": schema["openAPIV3Schema"]["properties"]["status"]["default"]} | body


def _meets(body: Body, kind: str) -> bool:
    """Tell whether `kubectl wait --for=condition=…` returns, as kubectl's pkg/cmd/wait/condition.go decides."""
    return any(
        each["status"] == "True" and _is_of_now(body, each) for each in _conditions(body) if each["type"] == kind
    )


def _is_of_now(body: Body, found: Mapping[str, Any]) -> bool:
    seen = found.get("observedGeneration", body["status"].get("observedGeneration"))
    return seen is None or int(seen) >= int(body["metadata"]["generation"])


def _conditions(body: Body) -> Iterator[Mapping[str, Any]]:
    yield from body["status"].get("conditions") or ()
