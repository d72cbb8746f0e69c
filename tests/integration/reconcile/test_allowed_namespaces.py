"""Servers for namespaces with a label: who is let in, what a label's change does, and what is said to whom."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from litellm_database_operator.kube.api_errors import ApiStatusError
from litellm_database_operator.kube.kinds import JOB, NAMESPACE, SECRET, SERVER
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.fake_api import Place
from tests.support.operator_process import OperatorProcess
from tests.support.world import NEW, World, condition

SELECTOR = {"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "frozen", "operator": "DoesNotExist"}]}


def platform(world: World) -> str:
    """Return the server's namespace."""
    return f"{world.namespace}-platform"


def label(world: World, **labels: str) -> None:
    """Give the tenant's namespace these labels, and no others."""
    world.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace, "labels": labels}})


@pytest.fixture
def world(make_world: WorldMaker) -> World:
    """Give a world whose server, in a namespace of its own, is for namespaces with a label."""
    made = make_world()
    made.add_namespace(platform(made))
    body = made.add_server("open", namespace=platform(made))
    allowed = {"allowedNamespaces": {"from": "Selector", "selector": SELECTOR}}
    made.api.put(body | {"spec": body["spec"] | allowed})
    made.add_database(serverRef={"name": "open", "namespace": platform(made)})
    return made


async def look(world: World) -> OperatorProcess:
    """Look at everything once more, and return when nothing is left to do."""
    process = world.processes[-1] if world.processes else await world.start()
    await process.look_again()
    await process.settle()
    return process


def said(world: World, name: str = "gateway") -> tuple[str, str]:
    """Return reason and message of Ready."""
    ready = condition(world.database(name), "Ready")
    return ready["reason"], ready["message"]


async def test_a_label_lets_in_at_the_next_look(world: World) -> None:
    world.add_database("astray", serverRef={"name": "none", "namespace": platform(world)})
    await look(world)
    reason, message = said(world)
    assert reason == "ServerNotAvailable"
    of_none = said(world, "astray")
    assert (reason, message.replace("/open", "/none")) == of_none, "a server that does not let in is as good as none"
    label(world, team="a")
    await look(world)
    assert said(world)[0] == "UpToDate"
    assert world.logs_in()


async def test_a_label_that_goes_cuts_nobody_off(world: World) -> None:
    label(world, team="a")
    await look(world)
    assert world.is_ready()
    label(world, team="a", frozen="yes")
    world.add_database(version=NEW, serverRef={"name": "open", "namespace": platform(world)})
    await look(world)
    assert said(world)[0] in {"ServerNotAvailable", "UpToDate"}, "an established Ready survives a minute of it"
    assert world.logs_in()
    assert world.databases_dropped() == 0
    world.delete_database()
    await look(world)
    assert not world.is_there()
    roles = world.snapshot()["postgres"]["roles"]
    assert roles
    assert not any(role["rolcanlogin"] for role in roles), "what was made is locked all the same"


async def test_a_look_reads_the_namespace_once(world: World) -> None:
    label(world, team="a")
    process = await look(world)
    read: list[Place] = []

    def count(method: str, place: Place) -> None:
        if method == "GET" and place.plural == NAMESPACE.plural:
            read.append(place)

    world.api.refuse = count
    await process.look_again()
    await process.settle()
    assert [place.name for place in read] == [world.namespace]


async def test_a_namespace_that_may_not_be_read_is_told_so_whatever_server_it_names(world: World) -> None:
    label(world, team="a")
    world.add_database("astray", serverRef={"name": "none", "namespace": platform(world)})
    text = f'namespaces "{world.namespace}" is forbidden'

    def forbid(_method: str, place: Place) -> ApiStatusError | None:
        if (place.plural, place.name) != (NAMESPACE.plural, world.namespace):
            return None
        return ApiStatusError(code=HTTPStatus.FORBIDDEN, reason="Forbidden", message=text)

    world.api.refuse = forbid
    await look(world)
    reason, message = said(world)
    assert reason == "ObjectRefused"
    assert text in message
    assert said(world, "astray") == (reason, message), "nothing is told of servers"
    world.api.refuse = lambda _method, _place: None
    await look(world)
    assert said(world)[0] == "UpToDate"


async def test_a_run_of_a_namespace_that_is_shut_out_ends_and_is_closed(world: World) -> None:
    label(world, team="a")
    world.jobs.held = True
    await look(world)
    assert said(world)[0] == "Migrating"
    label(world, team="b")
    await look(world)
    assert world.secret("gateway-migrator") is not None, "it may end its work"
    (job,) = world.api.all(JOB, world.namespace)
    world.jobs.end(job)
    await look(world)
    assert said(world)[0] == "ServerNotAvailable"
    assert world.secret("gateway-migrator") is None
    assert _open_logins(world, "_migrator") == []


async def test_a_migrators_secret_goes_although_its_login_cannot_be_locked(world: World) -> None:
    label(world, team="a")
    world.jobs.held = True
    await look(world)
    (job,) = world.api.all(JOB, world.namespace)
    world.jobs.end(job)
    label(world, team="b")
    world.api.lose(SECRET, platform(world), "admin")
    await look(world)
    assert world.secret("gateway-migrator") is None


async def test_what_a_lost_status_does_not_tell_the_mark_tells(world: World) -> None:
    label(world, team="a")
    process = await look(world)
    assert world.is_ready()
    await process.kill()
    label(world, team="b")
    world.api.put(world.database(), status={})
    world.delete_database()
    await (await world.start()).settle()
    assert not world.is_there()
    assert world.snapshot()["postgres"]["roles"]
    assert _open_logins(world, "") == [], "what was made is locked, let in or not"


def _open_logins(world: World, ending: str) -> list[str]:
    roles = world.snapshot()["postgres"]["roles"]
    return [role["rolname"] for role in roles if role["rolcanlogin"] and role["rolname"].endswith(ending)]


@pytest.mark.parametrize(("labels", "held"), [({"team": "a"}, True), ({"team": "b"}, False)])
async def test_who_is_not_let_in_cannot_hold_the_servers_deletion(
    world: World, labels: dict[str, str], *, held: bool
) -> None:
    label(world, **labels)
    process = await world.start()
    world.api.down = True  # nothing is made yet
    await process.settle(until=lambda: True)
    world.api.down = False
    world.api.put(_finalized(world))
    world.api.remove(SERVER, platform(world), "open")
    await look(world)
    assert (world.api.get(SERVER, platform(world), "open") is not None) == held


def _finalized(world: World) -> dict[str, object]:
    body = world.api.get(SERVER, platform(world), "open")
    assert body is not None
    body["metadata"]["finalizers"] = ["litellmdb.dev/server"]
    return body
