"""Chart and manifests/ are one truth: rendered, they are compared object by object."""

import subprocess
from typing import Final

import pytest

from tests.integration.charts.operator.conftest import NAME, Render
from tests.support.helm import bodies_of
from tests.support.kubectl import ROOT, Body
from tests.support.kubernetes_program import ensure_kubernetes_program, kubernetes_program

Key = tuple[str, str]

HELMS: Final = frozenset(
    {f"app.kubernetes.io/{each}" for each in ("instance", "managed-by", "version")} | {"helm.sh/chart"}
)
"""Labels by which people find what a release holds."""
IN_MANIFESTS_ONLY: Final = {
    ("Namespace", NAME): "Helm makes it by --create-namespace, and must not delete it with what else is in it",
}
IN_THE_CHART_ONLY: Final = {
    ("Pod", f"{NAME}-check"): "helm test: kubectl apply has no such thing",
}
KEEP: Final = {"helm.sh/resource-policy": "keep"}
"""On CRDs: what makes uninstalling keep them, and every resource with them."""


def key_of(body: Body) -> Key:
    """Return what tells an object from the others; an installation is in one namespace."""
    return body["kind"], body["metadata"]["name"]


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Body]:
    """Give what `kubectl apply -k manifests` applies."""
    ensure_kubernetes_program(tmp_path_factory.mktemp("kubectl"))
    command = [kubernetes_program(), "kubectl", "kustomize", str(ROOT / "manifests")]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {key_of(body): body for body in bodies_of(text)}


@pytest.fixture(scope="module")
def chart(render: Render) -> dict[Key, Body]:
    """Give what the README's release installs."""
    return {key_of(body): body for body in render()}


def without_helms_own(body: Body) -> Body:
    """Leave out what Helm adds to an object; CRDs must be kept."""
    meta: Body = dict(body["metadata"])
    meta["labels"] = {name: value for name, value in meta["labels"].items() if name not in HELMS}
    if body["kind"] == "CustomResourceDefinition":
        assert meta.pop("annotations") == KEEP
    return body | {"metadata": meta}


def test_both_hold_the_same_objects(chart: dict[Key, Body], manifests: dict[Key, Body]) -> None:
    assert manifests.keys() - chart.keys() == IN_MANIFESTS_ONLY.keys()
    assert chart.keys() - manifests.keys() == IN_THE_CHART_ONLY.keys()


def test_each_object_is_the_same(chart: dict[Key, Body], manifests: dict[Key, Body]) -> None:
    for key in sorted(chart.keys() & manifests.keys()):
        assert without_helms_own(chart[key]) == manifests[key], key


def test_helm_labels_what_it_makes(chart: dict[Key, Body]) -> None:
    assert [key for key, body in chart.items() if not body["metadata"]["labels"].keys() >= HELMS] == []


def test_the_selector_holds_nothing_of_the_release(chart: dict[Key, Body]) -> None:
    # A selector cannot change: with a release's name in it, nothing made by hand could be taken over.
    spec = chart["Deployment", NAME]["spec"]
    labels = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "operator"}
    assert spec["selector"]["matchLabels"] == labels == spec["template"]["metadata"]["labels"]
