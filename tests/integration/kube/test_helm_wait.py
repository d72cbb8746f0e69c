"""`helm install --wait` on a LiteLLMDatabase: Helm 4 reads our conditions with no script, as `make test-helm4` shows.

Helm 3 waits for no custom resource, and these tests say that too.
"""

import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import pytest

from tests.integration.kube.api_server import ApiServer
from tests.support.helm import HELM, Helm, HelmError, ensure_helm
from tests.support.kubectl import ROOT

WAITS: Final = HELM != "helm"
CHART: Final = ROOT / "charts/litellm-database"
NAME: Final = "gateway"
READY: Final = {"type": "Ready", "status": "True", "reason": "UpToDate", "message": ""}
STALLED: Final = {"type": "Stalled", "status": "True", "reason": "NotOurs", "message": "the name is another's"}
_NEVER: Final = "60s"
"""A timeout that no test reaches."""


@pytest.fixture
def helm(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return ensure_helm(tmp_path_factory.mktemp("helm"), api_server.kubeconfig)


def install(helm: Helm, namespace: str, timeout: str) -> str:
    """Install a database, wait for it, and return what Helm says to a failure, nothing for success."""
    values = {"fullnameOverride": NAME, "database": {"litellm": {"version": "1.81.12"}}}
    try:
        helm.install(NAME, CHART, f"--namespace={namespace}", "--wait", f"--timeout={timeout}", values=values)
    except HelmError as error:
        return str(error)
    return ""


@contextmanager
def operator_that_says(server: ApiServer, namespace: str, condition: dict[str, str]) -> Generator[None]:
    """Write a condition as soon as there is a resource."""

    def answer() -> None:
        resource = f"lldb/{NAME}"
        server.kubectl("wait", "--for=create", resource, f"--namespace={namespace}", "--timeout=50s")
        written = {**condition, "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}
        status: dict[str, Any] = {"status": {"observedGeneration": 1, "conditions": [written]}}
        change = ("--subresource=status", "--type=merge", f"--patch={json.dumps(status)}")
        server.kubectl("patch", resource, f"--namespace={namespace}", *change)

    with ThreadPoolExecutor(1) as pool:
        answered = pool.submit(answer)
        yield
        answered.result()


def test_ready_ends_the_wait(api_server: ApiServer, helm: Helm, namespace: str) -> None:
    with operator_that_says(api_server, namespace, READY):
        assert install(helm, namespace, _NEVER) == ""


def test_stalled_ends_it_at_once_with_its_message(api_server: ApiServer, helm: Helm, namespace: str) -> None:
    with operator_that_says(api_server, namespace, STALLED):
        told = install(helm, namespace, _NEVER)
    assert (STALLED["message"] in told) is WAITS, told
    assert "deadline" not in told


def test_what_nobody_has_looked_at_is_not_done(helm: Helm, namespace: str) -> None:
    told = install(helm, namespace, "3s")
    assert ("InProgress" in told) is WAITS, told
