"""What users install, shown to an API server: CRDs' rules, policies' CEL, duplicates and warnings are its to tell."""

import json
import subprocess
from typing import Any, Final

import pytest

from tests.integration.kube.api_server import ApiServer
from tests.support.helm import ensure_helm
from tools.delivery.linters import group_of
from tools.delivery.render import TOP, objects, renderings, written_by_hand

Body = dict[str, Any]

NOT_SERVED: Final = ("argoproj.io", "toolkit.fluxcd.io")
"""Groups of Argo CD and Flux, whose CRDs are not here."""
RENDERINGS: Final = renderings()
SAMPLES, GITOPS = TOP / "manifests/samples", TOP / "manifests/gitops"


@pytest.fixture(scope="module", autouse=True)
def helm(tmp_path_factory: pytest.TempPathFactory) -> None:
    ensure_helm(tmp_path_factory.mktemp("helm"))


@pytest.mark.parametrize("name", RENDERINGS)
def test_what_is_rendered_is_accepted_without_a_warning(api_server: ApiServer, name: str) -> None:
    done = subprocess.run(RENDERINGS[name], check=True, stdout=subprocess.PIPE, text=True)
    accept(api_server, _served(done.stdout))


def test_every_example_is_accepted_without_a_warning(api_server: ApiServer) -> None:
    examples = [file for file in written_by_hand() if file.is_relative_to(SAMPLES) or file.is_relative_to(GITOPS)]
    accept(api_server, [body for file in examples for body in _served(file.read_text())])


def test_a_warning_is_a_failure(api_server: ApiServer) -> None:
    pod: Body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "privileged"},
        "spec": {"containers": [{"name": "a", "image": "a"}]},
    }
    with pytest.raises(AssertionError, match="would violate PodSecurity"):
        accept(api_server, [pod])


def accept(api_server: ApiServer, bodies: list[Body]) -> None:
    """Ask the server whether it would take objects; AssertionError with its words.

    Only what others of them need is stored: their namespaces, which warn of what `restricted` refuses, and accounts.
    """
    namespaces = {body["metadata"].get("namespace", "default") for body in bodies}
    accounts = [body for body in bodies if body["kind"] == "ServiceAccount"]
    api_server.apply(*(_namespace(name) for name in namespaces), *accounts)
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--warnings-as-errors")
    try:
        api_server.kubectl("apply", *options, "--filename=-", stdin=items)
    except subprocess.CalledProcessError as error:
        raise AssertionError(error.stderr) from error


def _namespace(name: str) -> Body:
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _served(text: str) -> list[Body]:
    return [body for body in objects(text) if not group_of(body).endswith(NOT_SERVED)]
