"""The operator on the local cluster, two servers that all tests share, and namespaces of a test's own."""

import secrets
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.support.installation import install_operator
from tests.support.kubectl import Kubectl, is_ready
from tests.support.resources import sample
from tests.support.server_pod import ServerPod

READY_WITHIN: Final = 120.0
"""Seconds: alone it takes ten, and the machine may have others to serve."""

NewNamespace = Callable[[], Kubectl]


@pytest.fixture(scope="session")
def operator() -> Kubectl:
    """Install the operator by its chart, and give kubectl for its namespace."""
    return install_operator()


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
