"""Which Jobs count when the operator starts: those of a LiteLLMDatabase, and nobody's forgery."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model import names
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.reconcile.runs import count_runs
from litellm_database_operator.reconcile.slots import MigrationSlots
from tests.support.fake_api import FakeApi

SERVER = "databases/shared"
DONE = {"conditions": [{"type": "Complete", "status": "True"}]}
OTHER = ResourceKey(names.DATABASE_KIND, "team-b", "other")


def job(controller: str | None) -> dict[str, Any]:
    """Return a Job that bears our labels and annotation, by whomever."""
    owner = {"apiVersion": names.API_VERSION, "kind": names.DATABASE_KIND, "name": "gateway", "controller": True}
    meta: dict[str, Any] = {
        "name": "gateway-1",
        "namespace": "team-a",
        "labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY, names.DATABASE_LABEL: "gateway"},
        "annotations": {names.ON_SERVER_ANNOTATION: SERVER},
        "ownerReferences": [owner | {"uid": controller}] if controller else [],
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"suspend": True}}


@pytest.fixture
def api() -> FakeApi:
    """Give a cluster with a LiteLLMDatabase."""
    made = FakeApi()
    made.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}})
    meta = {"name": "gateway", "namespace": "team-a"}
    made.put({"apiVersion": names.API_VERSION, "kind": names.DATABASE_KIND, "metadata": meta, "spec": {}})
    return made


async def is_free(api: FakeApi, namespace: str | None) -> bool:
    """Tell whether the server's only slot is free after a start."""
    slots = MigrationSlots()
    await count_runs(slots, Cluster(api), Resources(api, instance="operator-1"), [namespace])
    return slots.reserve(SERVER, OTHER, limit=1)


@pytest.mark.parametrize("namespace", [None, "team-a"])
async def test_a_run_counts_until_it_has_finished(api: FakeApi, namespace: str | None) -> None:
    (database,) = api.all(kinds.DATABASE)
    running = api.put(job(database["metadata"]["uid"]))
    assert not await is_free(api, namespace)
    api.put(running, status=DONE)
    assert await is_free(api, namespace)


@pytest.mark.parametrize("controller", [None, "nobody"])
async def test_labels_and_annotations_alone_hold_no_slot(api: FakeApi, controller: str | None) -> None:
    api.put(job(controller))
    assert await is_free(api, None)
