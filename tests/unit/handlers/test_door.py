"""The door: what kopf sees becomes keys in the queue, and watching alone writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import kopf
import pytest

from litellm_database_operator.control.passes import Control
from litellm_database_operator.control.queue import Lane
from litellm_database_operator.handlers.door import Doors, DoorShutError, explained, watch
from litellm_database_operator.model import names
from litellm_database_operator.model.resource_key import ResourceKey
from tests.unit.control.bodies import KEY, SERVER_KEY, FakeResources, make_body
from tests.unit.control.test_passes import make_control

DATABASES = "litellmdb.dev/v1alpha1/litellmdatabases"
SERVERS = "litellmdb.dev/v1alpha1/postgresservers"
JOBS = "batch/v1/jobs"
PODS = "v1/pods"
STATEFUL_SETS = "apps/v1/statefulsets"
# kopf waits for the last two in the discovery, even when it watches the whole cluster
KINDS = (
    DATABASES,
    SERVERS,
    JOBS,
    PODS,
    STATEFUL_SETS,
    "v1/namespaces",
    "apiextensions.k8s.io/v1/customresourcedefinitions",
)


@pytest.fixture
def api(kmock: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give an API server that answers as told, and log in to it."""
    for kind in KINDS:
        kmock.resources[kind] = {"kind": kind, "namespaced": True, "verbs": {"list", "watch", "patch"}}

    def log_in(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=str(kmock.url))

    monkeypatch.setattr(kopf, "login_with_service_account", log_in)
    return kmock


def answer(api: Any, request: str, body: Any) -> None:
    """Have a request answered: a list is one document, a tuple a stream that stays open after `...`."""
    _ = api[request] << body


def listed(*items: dict[str, Any], version: str = "7") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": version}, "items": list(items)}


def made_for(key: ResourceKey, kind: str, label: str, status: dict[str, Any]) -> dict[str, Any]:
    labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY, label: key.name}
    meta = {"name": "x", "namespace": key.namespace, "uid": f"{kind}-1", "resourceVersion": "3", "labels": labels}
    return {"kind": kind, "metadata": meta, "status": status}


@pytest.fixture
async def control() -> Control:
    """Give a control without workers: what is asked for stays in the queue."""
    return make_control(FakeResources())[0]


@asynccontextmanager
async def watching(control: Control, api: Any) -> AsyncGenerator[None]:
    """Hold the door open; nothing may be written.

    No fixture: at its end kopf cancels every task that is younger than itself, and a fixture ends in one.
    """
    opened, closing = asyncio.Event(), asyncio.Event()
    door = asyncio.create_task(watch(control, namespaces=(), opened=opened, closing=closing))
    try:
        yield
    finally:
        closing.set()
        await door
    assert opened.is_set()
    assert not api["patch"]


async def until(question: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not question():  # noqa: ASYNC110 - control tells nobody
            await asyncio.sleep(0.01)


async def test_what_was_there_at_start_waits_in_the_slow_lane(api: Any, control: Control) -> None:
    answer(api, f"list {DATABASES}", listed(make_body(version=7)))
    async with watching(control, api):
        await until(lambda: KEY in control.queue)
    assert control.queue.depth(Lane.SLOW) == 1
    assert control.queue.depth(Lane.FAST) == 0


async def test_a_change_waits_in_the_fast_lane_and_a_label_in_none(api: Any, control: Control) -> None:
    answer(api, f"list {DATABASES}", listed(make_body(version=7), make_body(KEY._replace(name="b"), version=7)))
    changed = make_body(version=8, generation=2)
    labelled = make_body(KEY._replace(name="b"), version=9, labels={"x": "y"})
    answer(
        api,
        f"watch {DATABASES}",
        (
            {"type": "MODIFIED", "object": changed},
            {"type": "MODIFIED", "object": labelled},
            ...,
        ),
    )
    async with watching(control, api):
        await until(lambda: control.queue.depth(Lane.FAST) == 1)
    assert await control.queue.take() == KEY


async def test_a_deleted_one_is_forgotten(api: Any, control: Control) -> None:
    answer(api, f"list {DATABASES}", listed(make_body(version=7)))
    answer(api, f"watch {DATABASES}", ({"type": "DELETED", "object": make_body(version=8)}, ...))
    control.known.keep(make_body(SERVER_KEY, version=1, going=True))
    async with watching(control, api):
        await until(lambda: SERVER_KEY in control.queue)
    assert KEY not in control.known


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(
            JOBS,
            made_for(KEY, "Job", names.DATABASE_LABEL, {"conditions": [{"type": "Complete", "status": "True"}]}),
            id="a finished Job",
        ),
        pytest.param(
            PODS,
            made_for(
                KEY,
                "Pod",
                names.DATABASE_LABEL,
                {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]},
            ),
            id="a stuck pod",
        ),
    ],
)
async def test_the_database_is_woken_by(api: Any, control: Control, kind: str, body: dict[str, Any]) -> None:
    control.known.keep(make_body())
    answer(api, f"list {kind}", listed())
    answer(api, f"watch {kind}", ({"type": "MODIFIED", "object": body}, ...))
    async with watching(control, api):
        await until(lambda: control.queue.depth(Lane.FAST) == 1)
    assert await control.queue.take() == KEY


async def test_a_job_that_only_began_wakes_nobody(api: Any, control: Control) -> None:
    control.known.keep(make_body())
    control.known.keep(make_body(SERVER_KEY))
    answer(api, f"list {JOBS}", listed(made_for(KEY, "Job", names.DATABASE_LABEL, {"active": 1})))
    stateful_set = made_for(SERVER_KEY, "StatefulSet", names.SERVER_LABEL, {"readyReplicas": 1})
    answer(api, f"list {STATEFUL_SETS}", listed(stateful_set))
    async with watching(control, api):
        await until(lambda: SERVER_KEY in control.queue)
        await until(lambda: api[f"watch {JOBS}"])
    assert KEY not in control.queue


async def test_only_our_jobs_and_pods_are_asked_for(api: Any, control: Control) -> None:
    async with watching(control, api):
        await until(lambda: all(api[f"list {kind}"] for kind in (JOBS, PODS, STATEFUL_SETS)))
    for kind in (JOBS, PODS, STATEFUL_SETS):
        for request in api[f"list {kind}"]:
            assert request.params["labelSelector"] == f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY}"


async def test_kopf_takes_no_finalizer_off(api: Any, control: Control) -> None:
    ours, other = make_body(version=7, finalizers=[names.DATABASE_FINALIZER]), KEY._replace(name="b")
    answer(api, f"list {DATABASES}", listed(ours))
    answer(api, f"watch {DATABASES}", ({"type": "ADDED", "object": make_body(other, version=8)}, ...))
    async with watching(control, api):
        await until(lambda: other in control.queue)


async def test_a_namespace_that_comes_later_is_watched_beside_the_others(api: Any, control: Control) -> None:
    def watched() -> set[str]:
        return {request.namespace for kind in (DATABASES, JOBS) for request in api[f"watch {kind}"]}

    doors = Doors(control)
    await doors.open(["first"])
    await until(lambda: watched() == {"first"})
    await doors.open(["late"])
    await until(lambda: watched() == {"first", "late"})
    assert doors.namespaces == ["first", "late"]
    assert not doors.has_ended
    await doors.close()


class Refusal(Exception):  # noqa: N818 - like kopf's own, which it makes of an answer
    """What kopf raises for an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, {"kind": "Status", "message": message})
        self.status, self.message = status, message


async def test_a_refused_watch_is_told_in_the_clusters_words_and_another_end_as_it_is() -> None:
    told = explained(Refusal(403, "no pods\x1b"))
    assert isinstance(told, DoorShutError)
    assert 'a right to watch was taken away: the cluster says "no pods' in str(told)
    assert "\x1b" not in str(told)
    other = Refusal(500, "broken")
    assert explained(other) is other
