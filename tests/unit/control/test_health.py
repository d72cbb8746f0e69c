"""The seldom rhythm: everybody's turn comes, within the budget."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

from litellm_database_operator.control.health import Budget, Rhythm, look_again
from litellm_database_operator.control.queue import Lane, WorkQueue
from litellm_database_operator.model.resource_key import ResourceKey

BUDGET = Budget(per_second=5, period=60)


def keys(count: int, namespace: str = "team") -> list[ResourceKey]:
    return [ResourceKey("LiteLLMDatabase", namespace, f"n{number:05}") for number in range(count)]


def simulate(rhythm: Rhythm, seconds: float) -> list[tuple[float, ResourceKey]]:
    now, looked = 0.0, list[tuple[float, ResourceKey]]()
    while now < seconds:
        if key := rhythm.next(now):
            looked.append((now, key))
        now += rhythm.pause()
    return looked


def test_few_are_each_looked_at_once_a_period_and_evenly_spread() -> None:
    rhythm = Rhythm(BUDGET)
    rhythm.follow(keys(10), 0.0)
    looked = simulate(rhythm, 601)
    assert set(Counter(key for _, key in looked).values()) == {10}
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(looked)]
    assert min(gaps) >= 5
    assert max(gaps) <= 7


def test_many_share_the_budget() -> None:
    rhythm = Rhythm(BUDGET)
    rhythm.follow(keys(600), 0.0)
    looked = simulate(rhythm, 240)
    assert len(looked) <= 5 * 240 + 1
    assert set(Counter(key for _, key in looked).values()) <= {1, 2}
    assert len({key for _, key in looked}) == 600


def test_a_large_namespace_does_not_keep_a_small_one_waiting() -> None:
    rhythm = Rhythm(BUDGET)
    small = keys(1, "small")
    rhythm.follow(keys(1500, "large") + small, 0.0)
    turns = [at for at, key in simulate(rhythm, 300) if key == small[0]]
    assert len(turns) >= 4


def test_new_ones_are_taken_up_and_gone_ones_dropped() -> None:
    rhythm = Rhythm(BUDGET)
    rhythm.follow(keys(2), 0.0)
    rhythm.follow(keys(3)[1:], 10.0)
    assert {key.name for _, key in simulate(rhythm, 200)} == {"n00001", "n00002"}
    rhythm.follow([], 20.0)
    assert rhythm.next(1000.0) is None


async def test_what_is_due_waits_in_the_slow_lane() -> None:
    queue = WorkQueue()
    budget = Budget(per_second=1000, period=0.01)
    task = asyncio.create_task(look_again(lambda: keys(1), queue, budget))
    key = await asyncio.wait_for(queue.take(), 2)
    queue.done(key)
    async with asyncio.timeout(2):
        while not queue.depth(Lane.SLOW):  # noqa: ASYNC110 - the queue tells workers only
            await asyncio.sleep(0.001)
    task.cancel()
