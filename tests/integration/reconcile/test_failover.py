"""A fail-over must not ring for every database: a short fault leaves an established Ready, and status, untouched."""

from __future__ import annotations

from typing import Any, cast

import pytest

from litellm_database_operator.control.passes import Reconcilers
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.operator_process import OperatorProcess
from tests.support.postgres_server import PostgresServers
from tests.support.world import World, condition


@pytest.fixture
async def ready(make_world: WorldMaker, postgres_servers: PostgresServers) -> World:
    server = postgres_servers.start()
    world = make_world(postgres=server, admin=server.superuser)
    world.add_server()
    world.add_database()
    await (await world.start()).settle()
    assert world.is_ready()
    return world


def _let_time_pass(process: OperatorProcess, seconds: float) -> None:
    reconcilers: Reconcilers = process.operator.control._reconcilers  # noqa: SLF001
    for each in (reconcilers.database, reconcilers.server):
        since: dict[object, float] = cast("Any", each)._patience._since  # noqa: SLF001
        for key in since:
            since[key] -= seconds


async def test_a_blip_writes_nothing(ready: World) -> None:
    process = ready.processes[-1]
    before = (ready.database(), ready.server(), list(ready.api.writes))
    ready.postgres.stop("immediate")
    await process.look_again()
    _let_time_pass(process, 55)
    await process.look_again()
    assert (ready.database(), ready.server(), ready.api.writes) == before
    assert process.due(), "it is looked at again by itself"
    ready.postgres.start()
    await process.settle()
    assert (ready.database(), ready.server(), ready.api.writes) == before


async def test_a_longer_one_is_told_and_ends(ready: World) -> None:
    process = ready.processes[-1]
    ready.postgres.stop("immediate")
    await process.look_again()
    _let_time_pass(process, 61)
    await process.look_again()
    for body in (ready.database(), ready.server()):
        assert (condition(body, "Ready")["status"], condition(body, "Ready")["reason"]) == (
            "False",
            "ServerUnreachable",
        )
        assert condition(body, "Reconciling")["status"] == "True"
    assert condition(ready.database(), "SchemaMigrated")["status"] == "True"
    ready.postgres.start()
    await process.settle()
    assert ready.is_ready()
    assert condition(ready.server(), "Ready")["status"] == "True"


async def test_faults_that_are_apart_do_not_add_up(ready: World) -> None:
    process = ready.processes[-1]
    before = ready.database()
    for _ in range(2):
        ready.postgres.stop("immediate")
        await process.look_again()
        _let_time_pass(process, 50)
        await process.look_again()
        ready.postgres.start()
        await process.settle()
        await process.look_again()
    assert ready.database() == before
