"""The programs that tests of charts and of health work with: a wrong answer is not blamed on a chart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.helm import Helm, HelmError, ensure_helm
from tests.support.kstatus import Verdict, ensure_kstatus, statuses
from tests.support.kubectl import Body

READY: Body = {"type": "Ready", "status": "True", "observedGeneration": 2}
STALLED: Body = {"type": "Stalled", "status": "True", "reason": "NotOurs", "message": "it is another's"}


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return ensure_helm(tmp_path_factory.mktemp("helm"))


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: small, version: 0.1.0, icon: https://example.org/i}\n")
    (tmp_path / "values.yaml").write_text("color: red\n")
    (tmp_path / "values.schema.json").write_text('{"properties": {"color": {"type": "string"}}}\n')
    (tmp_path / "templates/object.yaml").write_text(
        "{{- if .Values.none }}\n---\n{{- end }}\n"
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: {{ .Release.Name }}}, data: {color: {{ .Values.color }}}}\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("values", "color"), [pytest.param(None, "red", id="its own"), pytest.param({"color": "blue"}, "blue", id="given")]
)
def test_a_chart_is_rendered_with_its_values(helm: Helm, chart: Path, values: Body | None, color: str) -> None:
    (body,) = helm.template(chart, name="mine", values=values)
    assert (body["metadata"]["name"], body["data"]["color"]) == ("mine", color)


@pytest.mark.parametrize("command", ["template", "lint"])
def test_a_refusal_is_told_in_helms_words(helm: Helm, chart: Path, command: str) -> None:
    commands: dict[str, Callable[..., Any]] = {"template": helm.template, "lint": helm.lint}
    with pytest.raises(HelmError, match="color"):
        commands[command](chart, values={"color": 7})


def test_a_helm_without_a_cluster_finds_none(helm: Helm, chart: Path) -> None:
    with pytest.raises(HelmError, match=r"[Kk]ubernetes cluster unreachable|connection refused"):
        helm.install("mine", chart)


@pytest.fixture(scope="session")
def kstatus(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Verdict]]:
    ensure_kstatus(tmp_path_factory.mktemp("kstatus"))
    return statuses


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({}, "Current", id="no status at all"),
        pytest.param({"observedGeneration": -1}, "InProgress", id="never looked at"),
        pytest.param({"observedGeneration": 1, "conditions": [READY]}, "InProgress", id="a generation behind"),
        pytest.param({"observedGeneration": 2, "conditions": [READY]}, "Current", id="Ready"),
        pytest.param({"observedGeneration": 2, "conditions": [READY, STALLED]}, "Failed", id="Stalled"),
    ],
)
def test_kstatus_reads_conditions_and_generations(
    kstatus: Callable[..., list[Verdict]], status: Body, expected: str
) -> None:
    (verdict,) = kstatus([_resource(status)])
    assert verdict.status == expected


def test_kstatus_judges_one_object_after_the_other(kstatus: Callable[..., list[Verdict]]) -> None:
    stalled = _resource({"observedGeneration": 2, "conditions": [STALLED]})
    first, second = kstatus([stalled, _resource({"observedGeneration": 2, "conditions": [READY]})])
    assert first == Verdict(status="Failed", message="it is another's")
    assert second.status == "Current"


def _resource(status: Body) -> Body:
    return {
        "apiVersion": "litellmdb.dev/v1alpha1",
        "kind": "LiteLLMDatabase",
        "metadata": {"name": "gateway", "namespace": "default", "generation": 2},
        "spec": {},
        "status": status,
    }
