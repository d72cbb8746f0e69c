"""The operator's chart as Helm renders and installs it, and an API server for those tests that install it."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.integration.kube.api_server import ApiServer
from tests.support.helm import Helm, ensure_helm
from tests.support.kubectl import ROOT, Body
from tests.support.kubernetes_program import ensure_kubernetes_program

Render = Callable[..., list[Body]]

CHART: Final = ROOT / "charts/litellm-database-operator"
NAME: Final = "litellm-database-operator"
"""The release and the namespace that the README installs; everything is named so then."""
KUBERNETES: Final = "--kube-version=1.34"
"""Without a cluster to ask, Helm must be told."""


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Give Helm for no cluster."""
    return ensure_helm(tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """Give what the chart renders with values, as the README's release."""

    @cache
    def of(chart: Path, name: str, values: str) -> str:
        bodies = helm.template(chart, f"--namespace={NAME}", KUBERNETES, name=name, values=json.loads(values))
        return json.dumps(bodies)

    def with_values(*, chart: Path = CHART, name: str = NAME, **values: object) -> list[Body]:
        return json.loads(of(chart, name, json.dumps(values)))

    return with_values


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give a bare API server; namespaces end and get their ServiceAccount."""
    folder = tmp_path_factory.mktemp("api")
    ensure_kubernetes_program(folder)
    with closing(ApiServer(folder)) as server:
        server.start_controllers("namespace-controller", "garbage-collector-controller")
        yield server
