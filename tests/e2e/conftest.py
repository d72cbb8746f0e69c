"""The operator on the local cluster, two servers that all tests share, and namespaces of a test's own."""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.support.kubectl import ROOT, Body, Kubectl, is_ready, local_kubectl
from tests.support.resources import sample
from tests.support.server_pod import ServerPod

OPERATOR: Final = "litellm-database-operator"
READY_WITHIN: Final = 120.0
"""Seconds: alone it takes ten, and the machine may have others to serve."""

NewNamespace = Callable[[], Kubectl]


@pytest.fixture(scope="session")
def operator() -> Kubectl:
    """Install the operator as the README does, and give kubectl for its namespace."""
    kubectl = local_kubectl().within(OPERATOR)
    kubectl.run("apply", "--server-side", "-k", "manifests/local")
    _roll_if_rebuilt(kubectl)
    kubectl.run("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", at_most=150)
    return kubectl


def _roll_if_rebuilt(kubectl: Kubectl) -> None:
    """The image's tag stays the same when its content does not; its digest in the template makes a new pod."""
    record = ROOT / "build/images/operator.json"
    if record.exists():
        annotations = {"litellmdb.dev/image-digest": json.loads(record.read_text())["digest"]}
        template: Body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        kubectl.patch("deployment", OPERATOR, template)


@pytest.fixture(scope="session")
def any_namespace(operator: Kubectl) -> Iterator[NewNamespace]:
    """Give a maker of namespaces that take `restricted` pods only; they go after the last test."""
    made: list[str] = []

    def make() -> Kubectl:
        name = f"e2e-{secrets.token_hex(4)}"
        made.append(name)
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        operator.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        return operator.within(name)

    yield make
    if made:
        operator.run("delete", "namespace", "--ignore-not-found", "--wait=false", *made)


@pytest.fixture
def kubectl(any_namespace: NewNamespace) -> Kubectl:
    """Give kubectl for a namespace of the test's own."""
    return any_namespace()


@pytest.fixture(scope="session")
def shared(any_namespace: NewNamespace) -> ServerPod:
    """Give a server that somebody else runs, as manifests/samples/external.yaml has it, for every namespace."""
    server = ServerPod(kubectl=any_namespace())
    server.start()
    server.kubectl.wait_for("pgs", server.name, is_ready, within=READY_WITHIN)
    return server


@pytest.fixture(scope="session")
def home(any_namespace: NewNamespace) -> Kubectl:
    """Give the namespace where manifests/samples/embedded.yaml was applied and has become Ready."""
    kubectl = any_namespace()
    kubectl.apply(*sample("embedded", kubectl.namespace))
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    return kubectl
