"""The operator's process with passes that touch no database: what surrounds a pass is the product's own.

A pass takes LITELLMDB_TEST_PASS_SECONDS and then is content.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any
from unittest import mock

from litellm_database_operator import __main__ as operator
from litellm_database_operator.control.passes import Control, Reconcilers
from litellm_database_operator.kube.api import Api
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.reconcile.servers import Servers
from litellm_database_operator.settings import Settings

PASS_SECONDS = float(os.environ.get("LITELLMDB_TEST_PASS_SECONDS", "0.01"))


async def be_content(body: Mapping[str, Any]) -> Outcome:
    """Take some time, and say Ready."""
    print(f"pass begins {body['metadata']['name']}", flush=True)  # noqa: T201 - the test reads it
    await asyncio.sleep(PASS_SECONDS)
    if body["metadata"].get("deletionTimestamp"):
        return Outcome(status=None, left=True)
    generation = body["metadata"]["generation"]
    ready = {"type": "Ready", "status": "True", "reason": "UpToDate", "message": "all is well"}
    times = {"lastTransitionTime": "2026-11-24T08:00:00Z", "observedGeneration": generation}
    return Outcome(
        status={"observedGeneration": generation, "conditions": [ready | times]},
        event=Event(type="Normal", reason=Reason.UP_TO_DATE, message="all is well"),
    )


async def build(api: Api, settings: Settings) -> operator.Operator:
    """Wire up everything but PostgreSQL."""
    resources = Resources(api, instance=settings.pod_name)
    reconcilers = Reconcilers(database=be_content, server=be_content)
    control = Control(resources, reconcilers, server_of=lambda _body: None)
    return operator.Operator(control=control, resources=resources, servers=Servers(Cluster(api), settings))


if __name__ == "__main__":
    with mock.patch.object(operator, "build", build):
        sys.exit(operator.main())
