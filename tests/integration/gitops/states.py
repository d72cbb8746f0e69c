"""Every state that a resource can be in, as the operator itself brings it there: by the words of the docs' tables.

A state is a function that returns the resource as the API holds it then. The operator is the real one, its PostgreSQL
too; only the API server and the node are stood in for (tests/support/world.py).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import psycopg

from litellm_database_operator.control.passes import Reconcilers
from litellm_database_operator.kube.kinds import DATABASE, JOB, SECRET, SERVER, Body
from litellm_database_operator.model.bundle import ledger_fingerprint
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure, Outcome, Report, dump
from tests.integration.reconcile.conftest import WorldMaker
from tests.integration.reconcile.gated import GatedMigrator
from tests.support.fake_jobs import Ended, Run
from tests.support.operator_process import OperatorProcess, Seam
from tests.support.postgres_server import PostgresServers
from tests.support.world import NEW, OLD, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What states are made with."""

    make_world: WorldMaker
    servers: PostgresServers

    def world(self, **changes: Any) -> World:
        """Return a world with a PostgresServer named shared."""
        made = self.make_world(**changes)
        made.add_server()
        return made

    def world_of_its_own(self) -> World:
        """Return one whose server may be stopped."""
        server = self.servers.start()
        return self.world(postgres=server, admin=server.superuser)

    async def ready(self, world: World | None = None, **spec: Any) -> tuple[World, OperatorProcess]:
        """Return a world whose database is Ready, and its operator."""
        world = world or self.world()
        world.add_database(**spec)
        process = await world.start()
        await process.settle()
        assert world.is_ready()
        return world, process

    async def waiting_for_approval(self) -> tuple[World, OperatorProcess]:
        """Return a world whose database waits with a plan."""
        world, process = await self.ready(self.world(migrator=GatedMigrator()))
        world.add_database(version=NEW)
        await process.settle()
        return world, process


class _DiesAfter(Seam):
    """Dies after an effect of that name."""

    def __init__(self, last: str) -> None:
        super().__init__()
        self._last = last

    @asynccontextmanager
    async def __call__(self, name: str, /) -> AsyncGenerator[None]:
        async with super().__call__(name):
            yield
        if name == self._last:
            self._die()


State = Callable[[Lab], Awaitable[Body]]
DATABASE_STATES: Final[dict[str, State]] = {}
SERVER_STATES: Final[dict[str, State]] = {}


def _database(name: str) -> Callable[[State], State]:
    return lambda make: DATABASE_STATES.setdefault(name, make)


def _server(name: str) -> Callable[[State], State]:
    return lambda make: SERVER_STATES.setdefault(name, make)


def _let_a_minute_pass(process: OperatorProcess) -> None:
    """Let faults that are known of grow older than a Ready's patience."""
    reconcilers: Reconcilers = process.operator.control._reconcilers  # noqa: SLF001
    for each in (reconcilers.database, reconcilers.server):
        since: dict[object, float] = cast("Any", each)._patience._since  # noqa: SLF001
        for key in since:
            since[key] -= 61


async def _down_for_long(process: OperatorProcess, world: World) -> None:
    world.postgres.stop("immediate")
    await process.look_again()
    _let_a_minute_pass(process)
    await process.look_again()


# LiteLLMDatabase: on its way


@_database("just created, not yet looked at")
async def _unseen(lab: Lab) -> Body:
    world = lab.world()
    world.add_database()
    return world.database()


@_database("being provisioned")
async def _provisioning(lab: Lab) -> Body:
    world = lab.world()
    world.add_database()
    await (await world.start(_DiesAfter("CreateDatabase"))).settle()
    assert world.databases_made() == 1
    return world.database()


@_database("its embedded server starts")
async def _server_starts(lab: Lab) -> Body:
    world = lab.make_world()
    world.add(SERVER.name, "shared", {"embedded": {}})
    world.add_database()
    await (await world.start()).settle()
    return world.database()


@_database("migrating for the first time")
async def _migrating(lab: Lab) -> Body:
    world = lab.world()
    world.jobs.held = True
    world.add_database()
    await (await world.start()).settle()
    return world.database()


@_database("waiting for its turn to migrate")
async def _in_turn(lab: Lab) -> Body:
    world = lab.world()
    _limit(world, concurrentMigrations=1)
    world.jobs.held = True
    for name in ("gateway", "second"):
        world.add_database(name)
    await (await world.start()).settle()
    (job,) = world.api.all(JOB, world.namespace)
    (other,) = {"gateway", "second"} - {job["metadata"]["labels"]["litellmdb.dev/database"]}
    return world.database(other)


# LiteLLMDatabase: up to date, and what changes


@_database("up to date")
async def _up_to_date(lab: Lab) -> Body:
    world, _ = await lab.ready()
    return world.database()


@_database("up to date, its connections all in use")
async def _crowded(lab: Lab) -> Body:
    world, process = await lab.ready(credentials={"connectionLimit": 1})
    with ExitStack() as sessions:
        for _ in range(3):
            sessions.enter_context(psycopg.connect((world.secret() or {})["uri"]))
        await process.look_again()
        return world.database()


@_database("another version asked for, not yet looked at")
async def _asked(lab: Lab) -> Body:
    world, process = await lab.ready()
    process.deaf = True
    world.add_database(version=NEW)
    return world.database()


@_database("upgrading, the old proxy served")
async def _upgrading(lab: Lab) -> Body:
    world, process = await lab.ready()
    world.jobs.held = True
    world.add_database(version=NEW)
    await process.settle()
    assert world.logs_in()
    return world.database()


@_database("a plan waits for approval")
async def _awaiting(lab: Lab) -> Body:
    world, _ = await lab.waiting_for_approval()
    return world.database()


@_database("approved, not yet looked at")
async def _approved(lab: Lab) -> Body:
    world, process = await lab.waiting_for_approval()
    process.deaf = True
    digest = world.database()["status"]["schema"]["plan"]["digest"]
    world.add_database(version=NEW, migration={"approvedPlan": digest})
    return world.database()


@_database("the migration failed")
async def _failed(lab: Lab) -> Body:
    world = lab.world(migrator=_fails)
    world.add_database()
    await (await world.start()).settle()
    return world.database()


async def _fails(run: Run) -> Ended:
    """Report what a run reports whose first file PostgreSQL refuses."""
    first = run.bundle.migrations[0]
    failure = Failure(
        reason=Reason.MIGRATION_FAILED, message="cannot apply a migration", migration=first, sqlstate="42P01"
    )
    report = Report(
        outcome=Outcome.FAILED,
        bundle=run.bundle.version,
        digest=run.bundle.digest,
        applied=0,
        total=len(run.bundle.migrations),
        ledger=ledger_fingerprint(()),
        seconds=0.1,
        failure=failure,
    )
    return Ended(exit_code=1, message=dump(report))


@_database("the migration was killed")
async def _killed(lab: Lab) -> Body:
    world = lab.world()
    world.jobs.held = True
    world.add_database()
    process = await world.start()
    await process.settle()
    (job,) = world.api.all(JOB, world.namespace)
    world.jobs.end(job, exit_code=137)
    await process.settle()
    return world.database()


@_database("ahead of its target")
async def _ahead(lab: Lab) -> Body:
    world, process = await lab.ready(version=NEW)
    world.add_database(version=OLD)
    await process.settle()
    return world.database()


@_database("ahead of its target, and serving it")
async def _ahead_and_serving(lab: Lab) -> Body:
    world, process = await lab.ready()
    world.add_database(version=NEW)
    await process.settle()
    _say_in_the_history(world, "breaks = false, pending = ARRAY['20250103000000_third']")
    world.add_database(version=OLD)
    await process.settle()
    return world.database()


@_database("drifted")
async def _drifted(lab: Lab) -> Body:
    world, process = await lab.ready()
    _say_in_the_history(world, "verified = false, missing = ARRAY['column LiteLLM_Config.param_name']")
    await process.look_again()
    await process.settle()
    return world.database()


def _say_in_the_history(world: World, what: str) -> None:
    """Have its runs left something else than what the little migrator writes."""
    with world.postgres.connect(world.database()["status"]["connection"]["database"]) as session:
        session.execute(f"UPDATE litellm_operator.migration_runs SET {what}".encode())  # noqa: S608 - this file's words


# LiteLLMDatabase: its server


@_database("the server never answered")
async def _never_answered(lab: Lab) -> Body:
    world = lab.make_world()
    world.add_server(host="nowhere.invalid")
    world.add_database()
    await (await world.start()).settle()
    return world.database()


@_database("up to date, the server down for less than a minute")
async def _down_for_short(lab: Lab) -> Body:
    world, process = await lab.ready(lab.world_of_its_own())
    world.postgres.stop("immediate")
    await process.look_again()
    return world.database()


@_database("up to date, the server down for longer")
async def _down_for_longer(lab: Lab) -> Body:
    world, process = await lab.ready(lab.world_of_its_own())
    await _down_for_long(process, world)
    return world.database()


@_database("no server, or none that lets this namespace in")
async def _not_let_in(lab: Lab) -> Body:
    world = lab.make_world()
    world.add_namespace(other := f"{world.namespace}-platform")
    world.add_server("closed", namespace=other)
    world.add_database(serverRef={"name": "closed", "namespace": other})
    await (await world.start()).settle()
    return world.database()


# LiteLLMDatabase: what a person must mend


@_database("a version that the operator does not know")
async def _unknown_version(lab: Lab) -> Body:
    world = lab.world()
    world.add_database(version="9.9.9")
    await (await world.start()).settle()
    return world.database()


@_database("its Secret's name taken by somebody else")
async def _secret_taken(lab: Lab) -> Body:
    world = lab.world()
    world.add_secret("gateway-db", {"mine": "yes"})
    world.add_database()
    await (await world.start()).settle()
    return world.database()


@_database("one more than its namespace may have")
async def _one_too_many(lab: Lab) -> Body:
    world, process = await lab.ready()
    _limit(world, databasesPerNamespace=1)
    world.add_database("second")
    await process.settle()
    return world.database("second")


@_database("asking for more connections than it may have")
async def _too_many_connections(lab: Lab) -> Body:
    world = lab.world()
    _limit(world, connectionsPerDatabase=5)
    world, process = await lab.ready(world, credentials={"connectionLimit": 5})
    world.add_database(credentials={"connectionLimit": 50})
    await process.settle()
    assert world.logs_in()
    return world.database()


def _limit(world: World, **limits: int) -> None:
    body = world.server()
    world.api.put(body | {"spec": body["spec"] | {"limits": limits}})


@_database("its database gone")
async def _database_gone(lab: Lab) -> Body:
    world, process = await lab.ready()
    name = world.database()["status"]["connection"]["database"]
    with world.postgres.connect() as session:
        session.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
    await process.look_again()
    return world.database()


# LiteLLMDatabase: suspended, or going


@_database("suspended from the start")
async def _suspended_from_the_start(lab: Lab) -> Body:
    world = lab.world()
    world.add_database(suspend=True)
    await (await world.start()).settle()
    return world.database()


@_database("suspended when up to date")
async def _suspended(lab: Lab) -> Body:
    world, process = await lab.ready()
    world.add_database(suspend=True)
    await process.settle()
    return world.database()


@_database("suspended, and another version asked for")
async def _suspended_behind(lab: Lab) -> Body:
    world, process = await lab.ready()
    world.add_database(suspend=True)
    await process.settle()
    world.add_database(suspend=True, version=NEW)
    await process.settle()
    return world.database()


@_database("suspended while a plan waits")
async def _suspended_while_waiting(lab: Lab) -> Body:
    world, process = await lab.waiting_for_approval()
    world.add_database(version=NEW, suspend=True)
    await process.settle()
    return world.database()


@_database("being deleted")
async def _being_deleted(lab: Lab) -> Body:
    world, process = await lab.ready()
    await process.kill()
    world.delete_database()
    return world.database()


@_database("being deleted, the server down")
async def _deletion_waits(lab: Lab) -> Body:
    world, process = await lab.ready(lab.world_of_its_own())
    world.postgres.stop("immediate")
    world.delete_database()
    await process.look_again()
    return world.database()


# PostgresServer


@_server("just created, not yet looked at")
async def _server_unseen(lab: Lab) -> Body:
    return lab.world().server()


@_server("embedded, starting")
async def _embedded_starts(lab: Lab) -> Body:
    world = lab.make_world()
    world.add(SERVER.name, "shared", {"embedded": {}})
    await (await world.start()).settle()
    return world.server()


@_server("available")
async def _available(lab: Lab) -> Body:
    world = lab.world()
    await (await world.start()).settle()
    return world.server()


@_server("changed, not yet looked at")
async def _server_changed(lab: Lab) -> Body:
    world = lab.world()
    process = await world.start()
    await process.settle()
    process.deaf = True
    world.add_server(host="nowhere.invalid")
    return world.server()


@_server("available, then down for less than a minute")
async def _server_down_for_short(lab: Lab) -> Body:
    world = lab.world_of_its_own()
    process = await world.start()
    await process.settle()
    world.postgres.stop("immediate")
    await process.look_again()
    return world.server()


@_server("available, then down for longer")
async def _server_down_for_longer(lab: Lab) -> Body:
    world = lab.world_of_its_own()
    process = await world.start()
    await process.settle()
    await _down_for_long(process, world)
    return world.server()


@_server("its admin's Secret missing")
async def _admin_missing(lab: Lab) -> Body:
    world = lab.world()
    world.api.remove(SECRET, world.namespace, "admin")
    await (await world.start()).settle()
    return world.server()


@_server("no TLS at the server")
async def _no_tls(lab: Lab) -> Body:
    world = lab.make_world()
    world.add_server(tls={"mode": "require"})
    await (await world.start()).settle()
    return world.server()


@_server("a host that is not allowed")
async def _host_not_allowed(lab: Lab) -> Body:
    world = lab.world()
    await (await world.start(allowed_servers=("*.example.com",))).settle()
    return world.server()


@_server("being deleted, and in use")
async def _server_in_use(lab: Lab) -> Body:
    world, process = await lab.ready()
    world.api.remove(SERVER, world.namespace, "shared")
    await process.settle()
    assert world.api.all(DATABASE, world.namespace)
    return world.server()
