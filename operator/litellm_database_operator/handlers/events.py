"""Each event, and what it is a reason to look at again. No handler decides, writes or waits."""

from typing import Any, Final, cast

import kopf

from litellm_database_operator.control.passes import Control
from litellm_database_operator.control.queue import Lane
from litellm_database_operator.kube.job_facts import job_has_news, pod_has_news
from litellm_database_operator.kube.kinds import DATABASE, JOB, POD, SERVER, STATEFUL_SET, Body
from litellm_database_operator.model import names
from litellm_database_operator.model.resource_key import ResourceKey, key_of

_DELETED: Final = "DELETED"
_MODIFIED: Final = "MODIFIED"


def register_events(registry: kopf.OperatorRegistry) -> None:
    """Say which kinds are watched, and who is told."""
    for kind in (DATABASE, SERVER):
        kopf.on.event(names.GROUP, names.VERSION, kind.plural, registry=registry)(on_resource)
    made = {names.DATABASE_LABEL: kopf.PRESENT}
    kopf.on.event("batch", "v1", JOB.plural, labels=made, registry=registry)(on_job)
    kopf.on.event("", "v1", POD.plural, labels=made, registry=registry)(on_pod)
    run = {names.SERVER_LABEL: kopf.PRESENT}
    kopf.on.event("apps", "v1", STATEFUL_SET.plural, labels=run, registry=registry)(on_stateful_set)


async def on_resource(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Take note of a LiteLLMDatabase or a PostgresServer: what was there before, or is new, waits for changes."""
    body = cast("Body", event["object"])
    if event["type"] == _DELETED:
        _control(memo).gone(key_of(body))
    else:
        _control(memo).saw(body, lane=_lane(event))


async def on_job(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Look again at the database of a Job that has finished, or is gone."""
    if event["type"] == _DELETED or job_has_news(event["object"]):
        _wake(memo, event, DATABASE.name, names.DATABASE_LABEL)


async def on_pod(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Look again at the database of a pod that is stuck, has ended, or is gone."""
    if event["type"] == _DELETED or pod_has_news(event["object"]):
        _wake(memo, event, DATABASE.name, names.DATABASE_LABEL)


async def on_stateful_set(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Look again at the server whose StatefulSet moved."""
    _wake(memo, event, SERVER.name, names.SERVER_LABEL)


def _control(memo: kopf.Memo) -> Control:
    return cast("Control", memo.control)


def _lane(event: kopf.RawEvent) -> Lane:
    return Lane.FAST if event["type"] in {_MODIFIED, _DELETED} else Lane.SLOW


def _wake(memo: kopf.Memo, event: kopf.RawEvent, kind: str, label: str) -> None:
    meta = cast("Body", event["object"])["metadata"]
    key = ResourceKey(kind, str(meta["namespace"]), str(meta["labels"][label]))
    _control(memo).wake(key, lane=_lane(event))
