"""The queue: which key a worker gets, and when."""

from __future__ import annotations

import asyncio

import pytest

from litellm_database_operator.control.pace import Pace
from litellm_database_operator.control.queue import Lane, WorkQueue
from litellm_database_operator.model.resource_key import ResourceKey


def key(name: str) -> ResourceKey:
    return ResourceKey("LiteLLMDatabase", "team", name)


async def take(queue: WorkQueue) -> ResourceKey:
    return await asyncio.wait_for(queue.take(), 1)


def waiting(queue: WorkQueue) -> int:
    return sum(map(queue.depth, Lane))


async def test_a_key_waits_once_however_often_it_is_added() -> None:
    queue = WorkQueue()
    for _ in range(3):
        queue.add(key("a"))
        queue.add(key("a"), Lane.SLOW)
    assert await take(queue) == key("a")
    assert waiting(queue) == 0


async def test_a_key_added_during_its_pass_runs_again_and_not_beside_it() -> None:
    queue = WorkQueue()
    queue.add(key("a"))
    await take(queue)
    queue.add(key("a"))
    queue.add(key("a"))
    assert waiting(queue) == 0
    queue.done(key("a"))
    assert await take(queue) == key("a")
    queue.done(key("a"))
    assert waiting(queue) == 0


async def test_changes_go_before_first_sights() -> None:
    queue = WorkQueue()
    queue.add(key("seen"), Lane.SLOW)
    queue.add(key("changed"), Lane.FAST)
    assert [await take(queue), await take(queue)] == [key("changed"), key("seen")]


async def test_a_change_moves_a_waiting_key_to_the_fast_lane() -> None:
    queue = WorkQueue()
    queue.add(key("a"), Lane.SLOW)
    queue.add(key("b"), Lane.SLOW)
    queue.add(key("b"), Lane.FAST)
    assert [await take(queue), await take(queue)] == [key("b"), key("a")]
    assert waiting(queue) == 0


async def test_the_lane_of_a_key_added_during_its_pass_is_kept() -> None:
    queue = WorkQueue()
    queue.add(key("a"))
    await take(queue)
    queue.add(key("a"), Lane.SLOW)
    queue.add(key("b"), Lane.SLOW)
    queue.add(key("a"), Lane.FAST)
    queue.done(key("a"))
    assert await take(queue) == key("a")


async def test_many_changes_do_not_keep_the_slow_lane_from_moving() -> None:
    queue = WorkQueue()
    queue.add(key("slow"), Lane.SLOW)
    for number in range(20):
        queue.add(key(f"fast-{number}"))
    taken = [await take(queue) for _ in range(10)]
    assert taken.index(key("slow")) == 8


async def test_of_two_due_times_the_earlier_counts() -> None:
    queue = WorkQueue()
    queue.add_after(key("a"), 0.01)
    queue.add_after(key("a"), 300)
    queue.add_after(key("b"), 300)
    queue.add_after(key("b"), 0.01)
    assert {await take(queue), await take(queue)} == {key("a"), key("b")}


async def test_adding_cancels_the_timer() -> None:
    queue = WorkQueue()
    queue.add_after(key("a"), 0.01)
    queue.add(key("a"))
    await take(queue)
    queue.done(key("a"))
    assert key("a") not in queue
    assert queue.due_in(key("a")) is None


async def test_failures_wait_longer_each_time_and_anew_after_a_success() -> None:
    queue = WorkQueue()
    delays = [queue.add_failed(key("a")) for _ in range(15)]
    assert 0.2 <= delays[0] <= 0.3
    assert delays[2] > delays[0]
    assert max(delays) <= 300 * 1.2
    queue.succeeded(key("a"))
    assert queue.add_failed(key("a")) <= 0.3


async def test_a_forgotten_key_does_not_come_back() -> None:
    queue = WorkQueue()
    queue.add(key("a"))
    queue.add_after(key("b"), 0.001)
    queue.forget(key("a"))
    queue.forget(key("b"))
    queue.add(key("c"))
    assert await take(queue) == key("c")
    assert waiting(queue) == 0
    assert queue.due_in(key("a")) is None


async def test_idle_is_told_when_the_last_pass_ends() -> None:
    queue = WorkQueue()
    assert queue.idle.is_set()
    queue.add(key("a"))
    await take(queue)
    assert not queue.idle.is_set()
    queue.done(key("a"))
    assert queue.idle.is_set()


async def test_the_fourth_pass_in_a_second_waits_while_others_go_on() -> None:
    queue = WorkQueue()
    for _ in range(3):
        queue.add(key("a"))
        assert await take(queue) == key("a")
        queue.done(key("a"))
    queue.add(key("a"))
    queue.add(key("b"))
    assert await take(queue) == key("b")
    assert queue.due_in(key("a"))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param([0, 0, 0], [0, 0, 0], id="three at once"),
        pytest.param([0, 0, 0, 0], [0, 0, 0, 1.0], id="the fourth waits a second"),
        pytest.param([0, 0, 0, 1.0, 1.0], [0, 0, 0, 0, 1.0], id="one a second from then on"),
        pytest.param([0, 0, 0, 10, 10, 10], [0, 0, 0, 0, 0, 0], id="a pause gives all three back"),
    ],
)
def test_pace(at: list[float], expected: list[float]) -> None:
    times = iter(at)
    pace = Pace(lambda: next(times))
    assert [pace.wait("a") for _ in at] == pytest.approx(expected)


def test_pace_forgets_who_has_everything_back() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    for number in range(400):
        now = float(number)
        pace.wait(number)
    assert len(pace) < 300
