"""The linters, each a function from files to findings. What it cannot read is an error, never a clean result."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]

from cluster import binaries
from tools.delivery.finding import Finding
from tools.delivery.render import TOP, Body, cases, charts, objects

VERSIONS: Final = ("1.30", "1.34")
"""The oldest Kubernetes that is promised, and the one that the tests run on."""
SERVED_BY_CRDS: Final = ("litellmdb.dev", "argoproj.io", "toolkit.fluxcd.io")
"""Groups that no Kubernetes knows by itself; ours are tried on an API server."""
WITHOUT_A_FAULT: Final = 10
"""kube-score's best grade."""


def helm_lint() -> Iterator[Finding]:
    """Ask `helm lint --strict` about every chart, with its own values and with each case."""
    for chart in charts():
        for case, values in cases(chart).items():
            done = _run(binaries.path_of("helm"), "lint", "--strict", chart, *values)
            if done.returncode:
                says = (done.stdout + done.stderr).strip()
                yield Finding(rule="helm lint", object=chart.name, source=f"{_short(chart)} ({case})", says=says)


def kubernetes_schemas(files: Iterable[Path]) -> Iterator[Finding]:
    """Hold every object against the API's own schemas, strictly: a field that does not exist is a finding."""
    for file in files:
        for body in objects(file.read_text()):
            if not group_of(body).endswith(SERVED_BY_CRDS):
                yield from schema_findings(body, source=_short(file))


def schema_findings(body: Body, *, source: str) -> Iterator[Finding]:
    """Hold one object against the schemas of each version."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(body, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            rule = f"Kubernetes {version}"
            yield Finding(rule=rule, object=_named(body), source=source, says=str(error.message))


def group_of(body: Body) -> str:
    """Return an object's API group, empty for the core one."""
    group, _, version = str(body["apiVersion"]).rpartition("/")
    return group if version else ""


def checkov(manifests: Iterable[Path], dockerfile: Path) -> list[Finding]:
    """Ask checkov about the rendered objects and the Dockerfile, without its server."""
    framework = ("--framework", "kubernetes", "dockerfile")
    files = ("--file", *manifests, dockerfile)
    program = TOP / "build/checkov/bin/checkov"
    done = _run(program, *files, *framework, "--compact", "--quiet", "--skip-download", "--output=json")
    return list(checkov_findings(json.loads(done.stdout), source_of=_short))


def checkov_findings(reports: list[Any], *, source_of: Any = str) -> Iterator[Finding]:
    """Read checkov's reports, one a framework; ValueError where one looked at nothing or could not read it."""
    for report in reports:
        summary = report["summary"]
        if not summary["resource_count"] or summary["parsing_errors"]:
            raise ValueError(f"checkov could not read everything: {report['check_type']} {summary}")
        for failed in report["results"]["failed_checks"]:
            yield Finding(
                rule=f"checkov {failed['check_id']}",
                object=_checked(report["check_type"], failed["resource"]),
                source=source_of(failed["file_path"]),
                says=failed["check_name"],
            )


def kube_score(manifests: Iterable[Path]) -> list[Finding]:
    """Ask kube-score about the rendered objects."""
    options = ("--output-format=json", f"--kubernetes-version=v{VERSIONS[0]}")
    found: list[Finding] = []
    for file in manifests:
        done = _run(binaries.path_of("kube-score"), "score", *options, file)
        # null where there is nothing that it knows
        found += kube_score_findings(json.loads(done.stdout) or [], source=_short(file))
    return found


def kube_score_findings(scored: list[Any], *, source: str) -> Iterator[Finding]:
    """Read kube-score's report."""
    for each in scored:
        name = f"{each['type_meta']['kind']}/{each['object_meta']['name']}"
        for check in each["checks"]:
            if not check["skipped"] and check["grade"] < WITHOUT_A_FAULT:
                rule = f"kube-score {check['check']['id']}"
                comments: list[Any] = check["comments"] or []
                says = "; ".join(f"{one['path']} {one['summary']}".strip() for one in comments)
                yield Finding(rule=rule, object=name, source=source, says=says or check["check"]["comment"])


def hadolint(dockerfile: Path) -> list[Finding]:
    """Ask hadolint about the Dockerfile."""
    done = _run(TOP / ".venv/bin/hadolint", "--format=json", dockerfile)
    return [
        Finding(
            rule=f"hadolint {each['code']}",
            object=dockerfile.name,
            source=f"{dockerfile.name}:{each['line']}",
            says=each["message"],
        )
        for each in json.loads(done.stdout)
    ]


def _checked(framework: str, resource: str) -> str:
    """Take the kind and the name out of checkov's word for an object: Kind.namespace.name, more behind it for pods."""
    if framework == "dockerfile":
        return "Dockerfile"
    kind, _, name, *_ = resource.split(".")
    return f"{kind}/{name}"


def _named(body: Body) -> str:
    return f"{body['kind']}/{body['metadata']['name']}"


def _short(file: Path | str) -> str:
    return str(file).removeprefix(f"{TOP}/").removeprefix("/")


def _run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a linter, whose findings are its exit code too."""
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True, cwd=TOP)
