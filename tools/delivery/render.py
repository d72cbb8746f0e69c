"""What users install, as it arrives at the API server: every chart and kustomization, rendered into build/delivery."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import yaml

from cluster import binaries

TOP: Final = Path(__file__).resolve().parents[2]
RENDERED: Final = TOP / "build/delivery"
CASES: Final = Path(__file__).parent / "values"
"""Values that a chart is rendered with besides its own: a folder a chart, a file a case, default.yaml where its own do
not suffice."""
OF_KUSTOMIZE: Final = frozenset({"kustomization.yaml", "replacements.yaml"})
"""Files that kustomize reads, and no API server."""
INSTALLATIONS: Final = ("manifests",)
"""Kustomizations that install the operator; manifests/local is the first with another image."""

Body = dict[str, Any]


def render_all() -> list[Path]:
    """Render everything and return the files; CalledProcessError where something does not render."""
    RENDERED.mkdir(parents=True, exist_ok=True)
    for old in RENDERED.glob("*.yaml"):
        old.unlink()
    return [_written(name, command) for name, command in renderings().items()]


def renderings() -> dict[str, list[str]]:
    """Return the commands that render what users install, by name; the programs are those of `make binaries`."""
    return dict((*_charts(), *_kustomizations()))


def charts() -> list[Path]:
    """Return the folders of our charts."""
    return sorted(each.parent for each in TOP.glob("charts/*/Chart.yaml"))


def cases(chart: Path) -> dict[str, list[str]]:
    """Return the arguments that give a chart the values it is tried with, by the case's name."""
    files = {file.stem: ["--values", str(file)] for file in sorted((CASES / chart.name).glob("*.yaml"))}
    return {"default": []} | files


def written_by_hand() -> list[Path]:
    """Return the files below manifests/ but kustomize's own: objects, and values of other people's charts."""
    return sorted(file for file in TOP.glob("manifests/**/*.yaml") if file.name not in OF_KUSTOMIZE)


def objects(text: str) -> list[Body]:
    """Return the objects of a YAML stream; a document without a kind is none."""
    documents: list[Any] = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    return [cast("Body", each) for each in documents if isinstance(each, dict) and "kind" in each]


def _charts() -> Iterator[tuple[str, list[str]]]:
    for chart in charts():
        command = [str(binaries.path_of("helm")), "template", chart.name, str(chart), "--namespace", chart.name]
        for case, values in cases(chart).items():
            yield f"{chart.name}-{case}", [*command, *values]


def _kustomizations() -> Iterator[tuple[str, list[str]]]:
    for folder in INSTALLATIONS:
        yield folder.replace("/", "-"), [str(binaries.path_of("kubernetes")), "kubectl", "kustomize", str(TOP / folder)]


def _written(name: str, command: list[str]) -> Path:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    file = RENDERED / f"{name}.yaml"
    file.write_text(done.stdout)
    return file
