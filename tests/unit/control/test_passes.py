"""Control: a cause leads to a pass, a pass to the writes that are needed and no others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from litellm_database_operator.control.passes import Control, Reconcilers
from litellm_database_operator.control.queue import Lane
from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.model import names
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource_key import ResourceKey
from tests.unit.control.bodies import KEY, SERVER_KEY, FakeReconciler, FakeResources, make_body

OURS = names.DATABASE_FINALIZER
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
EVENT = Event(type="Normal", reason=Reason.UP_TO_DATE, message="all is well")


def server_of(_body: Mapping[str, Any]) -> ResourceKey:
    return SERVER_KEY


def make_control(resources: FakeResources, *outcomes: Outcome) -> tuple[Control, FakeReconciler]:
    reconciler = FakeReconciler(*outcomes)
    control = Control(resources, Reconcilers(database=reconciler, server=reconciler), server_of=server_of)
    return control, reconciler


async def work_off(control: Control) -> None:
    """Run passes until nothing waits; what has a due time is left."""
    workers = [asyncio.create_task(control.work()) for _ in range(4)]
    async with asyncio.timeout(2):
        while control.queue.busy or any(map(control.queue.depth, Lane)):  # noqa: ASYNC110 - one turn of the loop
            await asyncio.sleep(0)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


def due(control: Control, key: ResourceKey = KEY) -> bool:
    return control.queue.due_in(key) is not None


async def test_the_first_pass_sets_the_finalizer_before_anything_is_made() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=READY, event=EVENT))
    control.saw(resources.put(make_body(finalizers=["other"])))
    await work_off(control)
    assert resources.writes == [f"finalizers ['other', '{OURS}']", "status"]
    assert reconciler.seen[0]["metadata"]["finalizers"] == ["other", OURS]
    assert resources.events == [EVENT]
    assert not due(control)


async def test_a_pass_that_changes_nothing_writes_nothing() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=READY, event=EVENT))
    control.saw(resources.put(make_body(finalizers=[OURS], status=READY)))
    await work_off(control)
    assert len(reconciler.seen) == 1
    assert (resources.writes, resources.events) == ([], [])


async def test_the_echo_of_our_own_writes_and_others_labels_wake_nobody() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=READY))
    control.saw(resources.put(make_body()))
    await work_off(control)
    echo = resources.live[KEY]
    control.saw(dict(echo))
    labelled = make_body(version=500, finalizers=[OURS], status=READY, labels={"a": "b"}, annotations={"tool": "x"})
    control.saw(labelled)
    await work_off(control)
    assert len(reconciler.seen) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"generation": 2}, id="spec"),
        pytest.param({"annotations": {names.RETRY_ANNOTATION: "1"}}, id="retry"),
        pytest.param({"annotations": {names.ABANDON_ANNOTATION: "true"}}, id="abandon"),
        pytest.param({"finalizers": [OURS, "other"]}, id="finalizers"),
        pytest.param({"finalizers": ["other"]}, id="our finalizer taken off"),
        pytest.param({"status": {"conditions": []}}, id="status set by somebody else"),
        pytest.param({"uid": "u2"}, id="made again"),
    ],
)
async def test_news_wake(change: dict[str, Any]) -> None:
    resources = FakeResources()
    control, _ = make_control(resources)
    control.known.keep(make_body(finalizers=[OURS], status=READY))
    asked: dict[str, Any] = {"version": 2, "finalizers": [OURS], "status": READY}
    control.saw(make_body(**(asked | change)))
    assert KEY in control.queue


async def test_a_body_older_than_our_own_write_is_no_news() -> None:
    resources = FakeResources()
    control, _ = make_control(resources)
    control.known.keep(make_body(version=10, generation=2))
    control.saw(make_body(version=9, generation=1))
    assert KEY not in control.queue
    assert control.known.get(KEY) == make_body(version=10, generation=2)


async def test_a_change_that_comes_in_with_the_answer_to_our_write_is_acted_on() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=READY))

    def somebody_changes(live: dict[str, Any]) -> None:
        if live["metadata"]["generation"] == 1:
            events.append(resources.change_spec(KEY))

    events: list[dict[str, Any]] = []
    resources.before_status = somebody_changes
    control.saw(resources.put(make_body(finalizers=[OURS])))
    await work_off(control)
    control.saw(events[0])
    assert KEY not in control.queue
    assert [body["metadata"]["generation"] for body in reconciler.seen] == [1, 2]


async def test_a_change_during_a_pass_leads_to_another_and_never_to_two_at_once() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=READY))

    async def somebody_changes() -> None:
        if len(reconciler.seen) < 3:
            control.saw(resources.change_spec(KEY))
            control.wake(KEY)
            await asyncio.sleep(0)

    reconciler.meanwhile = somebody_changes
    control.saw(resources.put(make_body(finalizers=[OURS])))
    await work_off(control)
    assert reconciler.most_running == 1
    assert reconciler.seen[-1]["metadata"]["generation"] == 3


async def test_a_fault_backs_off_and_a_success_ends_that() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=READY, failed=True), Outcome(status=READY))
    control.saw(resources.put(make_body(finalizers=[OURS])))
    await work_off(control)
    assert due(control)
    control.wake(KEY)
    await work_off(control)
    assert not due(control)


async def test_retry_after_is_kept() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=READY, retry_after=30))
    control.saw(resources.put(make_body(finalizers=[OURS])))
    await work_off(control)
    assert 29 < (control.queue.due_in(KEY) or 0) <= 30


async def test_a_bug_is_logged_with_its_traceback_and_the_worker_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources)

    async def break_down() -> None:
        if len(reconciler.seen) == 1:
            raise ZeroDivisionError("a bug")

    reconciler.meanwhile = break_down
    control.saw(resources.put(make_body(finalizers=[OURS])))
    await work_off(control)
    assert due(control)
    assert "ZeroDivisionError" in caplog.text
    control.wake(KEY)
    await work_off(control)
    assert resources.writes == ["status"]


async def test_a_silent_api_server_is_one_line_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources)

    async def break_down() -> None:
        raise UnavailableError(Reason.KUBERNETES_UNAVAILABLE, "cannot reach the API server: gone")

    reconciler.meanwhile = break_down
    with caplog.at_level(logging.WARNING):
        control.saw(resources.put(make_body(finalizers=[OURS])))
        await work_off(control)
    assert "cannot reach the API server" in caplog.text
    assert "Traceback" not in caplog.text


async def test_an_event_that_cannot_be_posted_stops_nothing() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=READY, event=EVENT, retry_after=5))

    resources.refuses_events = True
    control.saw(resources.put(make_body(finalizers=[OURS])))
    await work_off(control)
    assert resources.writes == ["status"]


async def test_the_finalizer_goes_when_nothing_is_left_and_others_stay() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=None, left=True, event=EVENT))
    control.saw(resources.put(make_body(finalizers=[OURS, "other"], going=True)))
    await work_off(control)
    assert resources.writes == ["finalizers ['other']"]
    assert resources.events == [EVENT]
    assert KEY in control.known


async def test_a_resource_without_finalizers_is_forgotten_with_ours() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=None, left=True))
    control.saw(resources.put(make_body(finalizers=[OURS], going=True)))
    await work_off(control)
    assert not resources.live
    assert KEY not in control.known


async def test_while_something_is_left_status_says_so_and_the_finalizer_stays() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=READY, failed=True))
    control.saw(resources.put(make_body(finalizers=[OURS], going=True)))
    await work_off(control)
    assert resources.writes == ["status"]
    assert due(control)


async def test_nothing_is_undone_for_one_that_is_gone_or_another_by_now() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=None, left=True))
    resources.put(make_body(uid="u2"))
    control.saw(make_body(finalizers=[OURS], going=True))
    await work_off(control)
    assert (reconciler.seen, resources.writes) == ([], [])
    assert KEY not in control.known


async def test_one_that_was_never_ours_is_left_alone() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources)
    control.saw(resources.put(make_body(finalizers=["other"], going=True)))
    await work_off(control)
    assert (reconciler.seen, resources.writes) == ([], [])


async def test_somebody_elses_finalizer_that_came_meanwhile_is_not_taken_off() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=None, left=True))

    async def somebody_adds() -> None:
        resources.put(make_body(version=50, finalizers=[OURS, "late"], going=True))

    reconciler.meanwhile = somebody_adds
    control.saw(resources.put(make_body(finalizers=[OURS], going=True)))
    await work_off(control)
    assert resources.writes == []
    assert due(control)


async def test_a_resource_whose_deletion_was_missed_is_forgotten_when_its_status_cannot_be_written() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=READY))
    control.saw(make_body(finalizers=[OURS]))
    await work_off(control)
    assert KEY not in control.known


async def test_the_answer_to_a_write_does_not_bring_back_what_was_seen_to_go() -> None:
    resources = FakeResources()
    control, _ = make_control(resources, Outcome(status=READY))
    resources.before_status = lambda _live: control.gone(KEY)
    control.saw(resources.put(make_body(finalizers=[OURS])))
    await work_off(control)
    assert KEY not in control.known


async def test_a_changed_server_wakes_its_databases_in_the_slow_lane() -> None:
    control, _ = make_control(FakeResources())
    control.known.keep(make_body())
    control.saw(make_body(SERVER_KEY))
    assert control.queue.depth(Lane.SLOW) == 1


async def test_a_server_that_became_ready_by_our_own_write_wakes_its_databases() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=READY))
    control.known.keep(resources.put(make_body(finalizers=[OURS], status=READY)))
    control.known.keep(resources.put(make_body(SERVER_KEY, finalizers=[names.SERVER_FINALIZER])))
    control.wake(SERVER_KEY)
    await work_off(control)
    assert [body["kind"] for body in reconciler.seen] == [names.SERVER_KIND, names.DATABASE_KIND]


async def test_a_database_that_goes_wakes_a_server_that_waits_for_it() -> None:
    control, _ = make_control(FakeResources())
    control.known.keep(make_body())
    control.known.keep(make_body(SERVER_KEY, going=True))
    control.gone(KEY)
    assert SERVER_KEY in control.queue


async def test_a_database_that_goes_leaves_a_serving_server_alone() -> None:
    control, _ = make_control(FakeResources())
    control.known.keep(make_body())
    control.known.keep(make_body(SERVER_KEY))
    control.gone(KEY)
    assert SERVER_KEY not in control.queue


async def test_a_job_of_an_unknown_database_wakes_nobody() -> None:
    control, _ = make_control(FakeResources())
    control.wake(KEY)
    assert KEY not in control.queue


async def test_draining_waits_for_what_runs_and_begins_nothing() -> None:
    resources = FakeResources()
    control, reconciler = make_control(resources, Outcome(status=READY))
    release = asyncio.Event()

    async def wait() -> None:
        await release.wait()

    reconciler.meanwhile = wait
    control.saw(resources.put(make_body(finalizers=[OURS])))
    workers = [asyncio.create_task(control.work()) for _ in range(2)]
    while not reconciler.running:  # noqa: ASYNC110 - one turn of the loop
        await asyncio.sleep(0)
    draining = asyncio.create_task(control.drain())
    control.saw(resources.put(make_body(KEY._replace(name="b"), finalizers=[OURS])))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not draining.done()
    release.set()
    await asyncio.wait_for(draining, 1)
    assert len(reconciler.seen) == 1
    assert resources.writes == ["status"]
    for worker in workers:
        worker.cancel()
