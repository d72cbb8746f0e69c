"""The operator's process with passes that touch no database: what surrounds a pass is the product's own.

A pass takes LITELLMDB_TEST_PASS_SECONDS and then is content; a watch is begun anew after
LITELLMDB_TEST_WATCH_SECONDS, as it else is after ten minutes, and a refusal is final at once, as else after five.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

import kopf

from litellm_database_operator import __main__ as operator
from litellm_database_operator.control.passes import Control, Reconcilers
from litellm_database_operator.handlers import settings as door_settings
from litellm_database_operator.kube.api import Api
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.reconcile.servers import Servers
from litellm_database_operator.settings import Settings

WATCH_SECONDS = float(os.environ.get("LITELLMDB_TEST_WATCH_SECONDS", "0"))
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


async def build(api: Api, settings: Settings, *, namespaces: Sequence[str | None]) -> operator.Operator:
    """Wire up everything but PostgreSQL."""
    del namespaces
    resources = Resources(api, instance=settings.pod_name)
    reconcilers = Reconcilers(database=be_content, server=be_content)
    control = Control(resources, reconcilers, server_of=lambda _body: None)
    return operator.Operator(control=control, resources=resources, servers=Servers(Cluster(api), settings))


async def watch_shortly(settings: kopf.OperatorSettings, **more: Any) -> None:
    """Set what the operator sets; where told so, end each watch soon, and give up soon."""
    await configure(settings, **more)
    if WATCH_SECONDS:
        settings.watching.client_timeout = WATCH_SECONDS
        settings.networking.error_backoffs = (0.1,)


configure = door_settings.configure

if __name__ == "__main__":
    door_settings.configure = watch_shortly
    with mock.patch.object(operator, "build", build):
        sys.exit(operator.main())
