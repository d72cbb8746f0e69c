"""Migration slots: never more than the limit, and everybody who waits gets a turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.reconcile.slots import MigrationSlots
from tests.support.planning import UNHURRIED

SERVER = "databases/shared"
KEYS = [ResourceKey("LiteLLMDatabase", f"team-{number % 3}", f"gateway-{number}") for number in range(8)]


def with_wakes() -> tuple[MigrationSlots, list[ResourceKey]]:
    """Return slots, and the list of whom they woke."""
    slots, woken = MigrationSlots(), list[ResourceKey]()
    slots.wake = woken.append
    return slots, woken


def test_as_many_run_as_the_limit_says_and_the_next_one_waits() -> None:
    slots, _ = with_wakes()
    assert [slots.reserve(SERVER, key, limit=2) for key in KEYS[:3]] == [True, True, False]


def test_who_runs_is_asked_again_without_a_second_slot() -> None:
    slots, _ = with_wakes()
    assert [slots.reserve(SERVER, KEYS[0], limit=1) for _ in range(3)] == [True] * 3
    slots.leave(KEYS[0])
    assert slots.reserve(SERVER, KEYS[1], limit=1)


def test_servers_have_slots_of_their_own() -> None:
    slots, _ = with_wakes()
    assert slots.reserve(SERVER, KEYS[0], limit=1)
    assert slots.reserve("databases/other", KEYS[1], limit=1)


def test_who_has_waited_longest_is_woken_first() -> None:
    slots, woken = with_wakes()
    for key in KEYS[:4]:
        slots.reserve(SERVER, key, limit=1)
    slots.reserve(SERVER, KEYS[1], limit=1)  # asking again does not move it back
    for running in KEYS[:3]:
        slots.leave(running)
        assert slots.reserve(SERVER, woken[-1], limit=1)
    assert woken == KEYS[1:4]


def test_who_waits_no_more_is_not_woken() -> None:
    slots, woken = with_wakes()
    for key in KEYS[:3]:
        slots.reserve(SERVER, key, limit=1)
    slots.leave(KEYS[1])
    slots.leave(KEYS[0])
    assert woken == [KEYS[2]]


def test_a_run_that_is_there_already_counts_whatever_the_limit() -> None:
    slots, _ = with_wakes()
    for key in KEYS[:3]:
        slots.occupy(SERVER, key)
    assert not slots.reserve(SERVER, KEYS[3], limit=3)
    assert slots.reserve(SERVER, KEYS[0], limit=1)


def test_leaving_twice_or_unknown_is_fine() -> None:
    slots, woken = with_wakes()
    slots.leave(KEYS[0])
    slots.reserve(SERVER, KEYS[0], limit=1)
    slots.leave(KEYS[0])
    slots.leave(KEYS[0])
    assert woken == []


def test_a_run_that_no_look_sees_any_more_is_counted_for_three_minutes() -> None:
    clock = [0.0]
    slots = MigrationSlots(clock=lambda: clock[0])
    slots.occupy(SERVER, KEYS[0])
    assert slots.reserve(SERVER, KEYS[1], limit=2)
    for clock[0] in (60.0, 120.0, 179.0):
        slots.occupy(SERVER, KEYS[1])
        assert not slots.reserve(SERVER, KEYS[2], limit=2)
    clock[0] = 181.0
    assert slots.reserve(SERVER, KEYS[2], limit=2), "nothing was heard of the first for long"
    assert not slots.reserve(SERVER, KEYS[3], limit=2), "the second was seen running two seconds ago"


def test_who_is_given_a_slot_again_and_again_keeps_it() -> None:
    clock = [0.0]
    slots = MigrationSlots(clock=lambda: clock[0])
    for clock[0] in (0.0, 100.0, 200.0, 300.0):
        assert slots.reserve(SERVER, KEYS[0], limit=1)
    assert not slots.reserve(SERVER, KEYS[1], limit=1)


@UNHURRIED
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(KEYS)), max_size=60), st.integers(1, 3))
def test_never_more_run_than_the_limit(moves: list[tuple[bool, ResourceKey]], limit: int) -> None:
    slots, running = MigrationSlots(), set[ResourceKey]()
    for leaves, key in moves:
        if leaves:
            slots.leave(key)
            running.discard(key)
        elif slots.reserve(SERVER, key, limit=limit):
            running.add(key)
        assert len(running) <= limit


@pytest.mark.parametrize("limit", [1, 2, 4])
@UNHURRIED
@given(order=st.permutations(KEYS))
def test_everybody_gets_a_turn_in_the_order_of_coming(limit: int, order: list[ResourceKey]) -> None:
    slots, woken = with_wakes()
    running = [key for key in order if slots.reserve(SERVER, key, limit=limit)]
    turns = list(running)
    while running:
        slots.leave(running.pop(0))
        while woken:
            key = woken.pop(0)
            assert slots.reserve(SERVER, key, limit=limit), "woken for nothing"
            running.append(key)
            turns.append(key)
    assert turns == order
