"""An API server for all tests of this folder, and a namespace for each."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from litellm_database_operator.kube.api import Api, connect
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.resources import Resources
from tests.integration.kube.accounts import Account
from tests.integration.kube.api_server import ApiServer
from tests.support.kubernetes_program import ensure_kubernetes_program


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give an API server with our CRDs, and those controllers that Jobs and namespaces need."""
    folder = tmp_path_factory.mktemp("api")
    ensure_kubernetes_program(folder)
    with closing(ApiServer(folder)) as server:
        server.install_crds()
        server.start_controllers(
            "job-controller",
            "namespace-controller",
            "garbage-collector-controller",
            "serviceaccount-controller",
            "resourcequota-controller",
        )
        yield server


@pytest.fixture
async def api(api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Give a connection as the administrator."""
    monkeypatch.setenv("KUBECONFIG", str(api_server.kubeconfig))
    connection = await connect()
    yield connection
    await connection.close()


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    """Give a namespace of the test's own."""
    name = f"t{secrets.token_hex(4)}"
    api_server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
def account(api_server: ApiServer, namespace: str, tmp_path: Path) -> Account:
    """Give an account without rights, in the test's namespace."""
    return Account(api_server, namespace, tmp_path)


@pytest.fixture
def own_api_server(tmp_path: Path, api_server: ApiServer) -> Iterator[ApiServer]:
    """Give an API server without our CRDs, for one test; the shared one has brought the program."""
    del api_server
    with closing(ApiServer(tmp_path)) as server:
        yield server


@pytest.fixture
def cluster(api: Api) -> Cluster:
    """Give the gateway to objects."""
    return Cluster(api)


@pytest.fixture
def resources(api: Api) -> Resources:
    """Give the gateway to our own resources."""
    return Resources(api, instance="operator-1")
