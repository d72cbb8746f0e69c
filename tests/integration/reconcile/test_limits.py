"""Limits of a server: so many databases a namespace, so many connections a database; nobody is cut off by one."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from litellm_database_operator.kube.kinds import DATABASE
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.world import NEW, OLD, World, condition

BURST = [f"d{number}" for number in (5, 3, 1, 4, 2, 6)]
"""In the order in which they are applied: all of one second, so that names decide."""


def limit(world: World, **limits: int) -> None:
    """Give the shared server these limits, and no others."""
    body = world.server()
    world.api.put(body | {"spec": body["spec"] | {"limits": limits}})


def reasons(world: World, names: list[str]) -> dict[str, str]:
    """Return the reason of Ready by name."""
    return {name: condition(world.database(name), "Ready")["reason"] for name in sorted(names)}


def let_in(world: World, names: list[str]) -> set[str]:
    """Return those that are Ready; all others say LimitExceeded, and are Stalled."""
    said = reasons(world, names)
    assert set(said.values()) <= {"UpToDate", "LimitExceeded"}, said
    for name in names:
        stalled = condition(world.database(name), "Stalled")["status"] == "True"
        assert stalled == (said[name] == "LimitExceeded")
        assert stalled == (condition(world.database(name), "DatabaseProvisioned")["status"] == "False")
    return {name for name, reason in said.items() if reason == "UpToDate"}


def of_one_second(world: World, names: list[str]) -> None:
    """Let names alone decide, whenever the test ran."""
    for body in world.api.objects.values():
        if body["metadata"]["name"] in names:
            body["metadata"]["creationTimestamp"] = "2026-03-01T12:00:00Z"


@pytest.mark.parametrize("seed", range(3))
async def test_of_a_burst_the_oldest_get_in_and_the_next_when_one_goes(world: World, seed: int) -> None:
    limit(world, databasesPerNamespace=3)
    for name in BURST:
        world.add_database(name)
    of_one_second(world, BURST)
    world.api.latency = Random(seed)  # noqa: S311
    process = await world.start()
    await process.settle()
    assert let_in(world, BURST) == {"d1", "d2", "d3"}
    assert world.databases_made() == 3
    message = condition(world.database("d5"), "Ready")["message"]
    assert f"namespace {world.namespace} has 4 on PostgresServer {world.namespace}/shared" in message
    assert "limits.databasesPerNamespace allows 3" in message
    world.delete_database("d2")
    await process.settle()
    assert let_in(world, [name for name in BURST if name != "d2"]) == {"d1", "d3", "d4"}
    limit(world, databasesPerNamespace=4)
    await process.settle()
    assert let_in(world, [name for name in BURST if name != "d2"]) == {"d1", "d3", "d4", "d5"}


async def test_those_that_were_made_first_come_first_whatever_their_names(world: World) -> None:
    limit(world, databasesPerNamespace=1)
    for name, created in (("b", "2026-03-01T12:00:00Z"), ("a", "2026-03-01T12:00:01Z")):
        world.add_database(name)
        world.api.objects[DATABASE.plural, world.namespace, name]["metadata"]["creationTimestamp"] = created  # type: ignore[index]
    process = await world.start()
    await process.settle()
    assert let_in(world, ["a", "b"]) == {"b"}


async def test_a_lowered_limit_takes_nothing_and_a_released_database_needs_a_place_again(world: World) -> None:
    names = ["a", "b", "c"]
    for name in names:
        world.add_database(name)
    process = await world.start()
    await process.settle()
    limit(world, databasesPerNamespace=1)
    await process.settle()
    for name in names:
        world.add_database(name, version=NEW)
    await process.look_again()
    await process.settle()
    assert let_in(world, names) == set(names)
    assert all(world.logs_in(f"{name}-db") for name in names)
    world.delete_database("a")
    await process.settle()
    world.add_database("a", version=NEW)
    await process.settle()
    assert let_in(world, names) == {"b", "c"}
    for name in ("b", "c"):
        world.delete_database(name)
    await process.settle()
    assert let_in(world, ["a"]) == {"a"}
    assert world.databases_made() == 3, "the one that was kept is picked up"


async def test_a_namespace_has_its_own_places(make_world: WorldMaker) -> None:
    world = make_world()
    platform = f"{world.namespace}-platform"
    world.add_namespace(platform)
    body = world.add_server("open", namespace=platform)
    limits = {"allowedNamespaces": {"from": "All"}, "limits": {"databasesPerNamespace": 2}}
    world.api.put(body | {"spec": body["spec"] | limits})
    target = {"litellm": {"version": OLD}}
    for name in ("a", "b", "c"):
        world.add_database(name, serverRef={"name": "open", "namespace": platform})
        world.add(DATABASE.name, name, target | {"serverRef": {"name": "open"}}, namespace=platform)
    of_one_second(world, ["a", "b", "c"])
    process = await world.start()
    await process.settle()
    assert let_in(world, ["a", "b", "c"]) == {"a", "b"}
    theirs: list[Any] = [world.api.get(DATABASE, platform, name) for name in ("a", "b", "c")]
    assert [condition(each, "Ready")["reason"] for each in theirs] == ["UpToDate", "UpToDate", "LimitExceeded"]


@pytest.mark.parametrize("seed", range(4))
async def test_two_operators_at_once_let_in_one_too_many_at_most(world: World, seed: int) -> None:
    limit(world, databasesPerNamespace=3)
    for name in BURST:
        world.add_database(name)
    of_one_second(world, BURST)
    world.api.latency = Random(seed)  # noqa: S311
    both = [await world.start(), await world.start()]
    await asyncio.gather(*(each.settle() for each in both))
    world.api.latency = None
    for each in both:
        await each.settle()
    made = let_in(world, BURST)
    assert {"d1", "d2", "d3"} <= made
    assert len(made) <= 4
    assert len(world.snapshot()["postgres"]["databases"]) == len(made)


async def test_a_crash_while_databases_are_made_lets_in_no_more(world: World) -> None:
    limit(world, databasesPerNamespace=2)
    for name in BURST:
        world.add_database(name)
    of_one_second(world, BURST)
    first = await world.start()
    await first.settle(until=lambda: world.databases_made() > 0)
    await first.kill()
    second = await world.start()
    await second.settle()
    assert let_in(world, BURST) == {"d1", "d2"}


def connections_of(world: World, name: str) -> set[int]:
    """Return the CONNECTION LIMIT of a database's logins, without what health needs."""
    with world.postgres.connect() as session:
        found = session.execute(
            "SELECT rolconnlimit FROM pg_roles WHERE rolname = ANY (%s)",
            [[f"{world.namespace}_{name}_app_{letter}" for letter in "ab"]],
        ).fetchall()
    return {row[0] - 2 if row[0] > 0 else row[0] for row in found}


async def test_connections_are_what_the_server_gives_unless_less_is_asked_for(world: World) -> None:
    limit(world, connectionsPerDatabase=20)
    world.add_database("plain")
    world.add_database("modest", credentials={"connectionLimit": 5})
    world.add_database("greedy", credentials={"connectionLimit": 21})
    process = await world.start()
    await process.settle()
    assert let_in(world, ["plain", "modest", "greedy"]) == {"plain", "modest"}
    assert (connections_of(world, "plain"), connections_of(world, "modest")) == ({20}, {5})
    assert connections_of(world, "greedy") == set(), "nothing is made"
    assert world.databases_made() == 2
    message = condition(world.database("greedy"), "Ready")["message"]
    assert "21 connections: limits.connectionsPerDatabase of PostgresServer" in message
    assert "allows 20. Set spec.credentials.connectionLimit to 20 or less, or ask" in message
    limit(world, connectionsPerDatabase=30)
    await process.settle()
    assert let_in(world, ["plain", "modest", "greedy"]) == {"plain", "modest", "greedy"}
    assert (connections_of(world, "plain"), connections_of(world, "greedy")) == ({30}, {21})


async def test_a_lowered_limit_leaves_connections_and_says_so(world: World) -> None:
    world.add_database("plain")
    world.add_database("asked", credentials={"connectionLimit": 40})
    process = await world.start()
    await process.settle()
    limit(world, connectionsPerDatabase=20)
    await process.look_again()
    await process.settle()
    assert let_in(world, ["plain", "asked"]) == {"plain", "asked"}
    assert (connections_of(world, "plain"), connections_of(world, "asked")) == ({-1}, {40})
    told = [condition(world.database(name), "DatabaseProvisioned")["message"] for name in ("plain", "asked")]
    assert "keeps any number of connections, more than the 20" in told[0]
    assert "keeps 40 connections, more than the 20" in told[1]
    world.add_database("asked", credentials={"connectionLimit": 50})
    world.add_database("plain", credentials={"connectionLimit": 10})
    await process.look_again()
    await process.settle()
    assert let_in(world, ["plain", "asked"]) == {"plain"}
    assert (connections_of(world, "plain"), connections_of(world, "asked")) == ({10}, {40})
    assert world.logs_in("asked-db")
    assert "serves on with 40" in condition(world.database("asked"), "Ready")["message"]
    world.add_database("asked", version=NEW, credentials={"connectionLimit": 50})
    world.add_secret("asked-db", dict(world.secret("asked-db") or {}) | {"DATABASE_PASSWORD": "edited"})
    await process.look_again()
    await process.settle()
    assert world.logs_in("asked-db"), "it is tended all the same"
    assert condition(world.database("asked"), "SchemaMigrated")["status"] == "True"
    assert reasons(world, ["asked"]) == {"asked": "LimitExceeded"}
