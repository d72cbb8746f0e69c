"""The operator itself: what it writes, and what comes of it when it is killed, restarted, doubled or misconfigured."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.e2e.conftest import READY_WITHIN, NewNamespace
from tests.support import audit
from tests.support.installation import OPERATOR
from tests.support.kubectl import Kubectl, condition, has_reason, is_ready
from tests.support.resources import database
from tests.support.server_pod import ServerPod

pytestmark = pytest.mark.alone

_IDLE_SECONDS: Final = 20.0
"""A server is looked at every 15 seconds; a database once a minute, and when the operator starts."""
_FIRST_READY: Final = 8
"""Writes until Ready, at most: finalizer, Secret, migrator's Secret made and removed, Job, three of status."""
_SEVERAL: Final = ("one", "two", "three", "four")

_HAND_OVER: Final = 15.0
_MISSING: Final = f"localhost/{OPERATOR}:none"
"""Of the operator's own repository, or the admission policy would refuse it."""

Image = Callable[..., None]


@pytest.fixture(scope="module")
def ready(any_namespace: NewNamespace, shared: ServerPod) -> tuple[Kubectl, list[str]]:
    """Give one database that is Ready, and the writes that it took."""
    kubectl = any_namespace()
    since = audit.end()
    _ask(kubectl, shared, "gateway")
    _wait_until_ready(kubectl, "gateway")
    audit.settled(kubectl)
    return kubectl, audit.operator_writes(since, kubectl.namespace)


@pytest.fixture
def doubled(operator: Kubectl) -> Iterator[Kubectl]:
    """Have two operators while this lasts."""
    _scale(operator, 2)
    yield operator
    _scale(operator, 1)


@pytest.fixture
def image(operator: Kubectl) -> Iterator[Image]:
    """Give a way to say what migration Jobs run; it is as it was in the end."""
    template = operator.there("deployment", OPERATOR)["spec"]["template"]["spec"]
    variables = {each["name"]: each.get("value") for each in template["containers"][0]["env"]}
    before = variables["LITELLMDB_IMAGE"]

    def choose(name: str = before) -> None:
        operator.run("set", "env", f"deployment/{OPERATOR}", f"LITELLMDB_IMAGE={name}")
        _wait_for_rollout(operator)

    yield choose
    choose()


def test_first_ready_takes_few_writes(ready: tuple[Kubectl, list[str]]) -> None:
    _, writes = ready
    assert 0 < len(writes) <= _FIRST_READY, "\n".join(writes)


def test_nothing_is_written_while_nothing_happens(ready: tuple[Kubectl, list[str]], shared: ServerPod) -> None:
    kubectl, _ = ready
    since = audit.settled(kubectl)
    seen = list(kubectl.watch("lldb", within=_IDLE_SECONDS))
    assert len(seen) == 1, "as it is at the begin, and no change"
    assert audit.operator_writes(since, kubectl.namespace, shared.namespace) == []


def test_nothing_is_written_after_a_restart(
    ready: tuple[Kubectl, list[str]], shared: ServerPod, operator: Kubectl
) -> None:
    kubectl, _ = ready
    since = audit.settled(kubectl)
    operator.run("delete", "pod", f"--selector=app.kubernetes.io/name={OPERATOR}")
    _wait_for_rollout(operator)
    assert len(list(kubectl.watch("lldb", within=_IDLE_SECONDS))) == 1
    assert audit.operator_writes(since, kubectl.namespace, shared.namespace) == []


def test_operator_that_is_killed_half_way_begins_where_it_was(
    kubectl: Kubectl, shared: ServerPod, operator: Kubectl
) -> None:
    _ask(kubectl, shared, *_SEVERAL)
    next(kubectl.watch("job", within=READY_WITHIN))
    pods = f"--selector=app.kubernetes.io/name={OPERATOR}"
    operator.run("delete", "pod", pods, "--grace-period=0", "--force")
    _wait_until_ready(kubectl, *_SEVERAL)
    jobs = kubectl.list_all("job")
    assert len(jobs) == len(_SEVERAL), "none was made twice"
    for name in _SEVERAL:
        shared.enter(kubectl.secret(f"{name}-db")).close()


def test_second_operator_takes_over_within_seconds(doubled: Kubectl, kubectl: Kubectl, shared: ServerPod) -> None:
    leader = _leader(doubled)
    doubled.delete("pod", leader, wait=False)
    doubled.wait_for(
        "lease", OPERATOR, lambda lease: lease["spec"]["holderIdentity"] not in ("", leader), within=_HAND_OVER
    )
    _ask(kubectl, shared, "gateway")
    _wait_until_ready(kubectl, "gateway")


def test_image_that_cannot_be_pulled_is_named_and_the_right_one_taken(
    image: Image, kubectl: Kubectl, shared: ServerPod
) -> None:
    image(_MISSING)
    _ask(kubectl, shared, "gateway")
    stuck = kubectl.wait_for("lldb", "gateway", has_reason("ImagePullFailed"), within=READY_WITHIN)
    assert _MISSING in condition(stuck, "Ready")["message"]
    image()
    _wait_until_ready(kubectl, "gateway")


def _ask(kubectl: Kubectl, server: ServerPod, *names: str) -> None:
    kubectl.apply(*(database(name, server=server.name, of=server.namespace) for name in names))


def _wait_until_ready(kubectl: Kubectl, *names: str) -> None:
    for name in names:
        kubectl.wait_for("lldb", name, is_ready, within=READY_WITHIN)


def _scale(operator: Kubectl, replicas: int) -> None:
    operator.run("scale", f"deployment/{OPERATOR}", f"--replicas={replicas}")
    _wait_for_rollout(operator)


def _wait_for_rollout(operator: Kubectl) -> None:
    operator.run("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", at_most=150)


def _leader(operator: Kubectl) -> str:
    """Return the pod that holds the Lease."""
    holder: str = operator.there("lease", OPERATOR)["spec"]["holderIdentity"]
    return holder
