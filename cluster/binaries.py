"""Our Go programs, built once: the cache's folders are named by the hash of what is built."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError
from cluster.progress import step

SOURCES = Path(__file__).parent
KUBERNETES_VERSION = "v1.34.4"
KUBERNETES_MINOR = KUBERNETES_VERSION.split(".")[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoProgram:
    """One program of a folder beside this file."""

    title: str
    """What is said while it is built, with the time on two cores."""
    package: str = "."
    """What is built: our own main, or a tool that the folder's go.mod requires."""
    variables: tuple[str, ...] = ()
    """What the linker sets, besides the version that Kubernetes' own programs tell."""

    def flags(self) -> tuple[str, ...]:
        """Return how it is built."""
        variables = (f"k8s.io/component-base/version.gitVersion={KUBERNETES_VERSION}", *self.variables)
        return ("-trimpath", "-ldflags", " ".join(("-s -w", *(f"-X {each}" for each in variables))))


CLUSTER = {
    "kubernetes": GoProgram(title="build Kubernetes and etcd (once, about 5 min)"),
    "coredns": GoProgram(title="build CoreDNS (once, about 1 min)"),
    "pause": GoProgram(title="build pause"),
}
"""What the cluster is made of."""
CLIENTS = {
    "helm": GoProgram(
        title="build Helm (once, about 2 min)",
        package="helm.sh/helm/v3/cmd/helm",
        # As in its releases. Without, a chart is rendered for Kubernetes 1.20 where no cluster is asked.
        variables=tuple(
            f"helm.sh/helm/v3/pkg/{package}.k8sVersion{part}={number}"
            for package in ("chartutil", "lint/rules")
            for part, number in (("Major", "1"), ("Minor", KUBERNETES_MINOR))
        ),
    ),
    "helm4": GoProgram(title="build Helm 4 (once, about 9 min)", package="helm.sh/helm/v4/cmd/helm"),
    "kstatus": GoProgram(title="build kstatus, what Flux and Helm 4 wait by"),
    "kube-score": GoProgram(
        title="build kube-score (once, about 1 min)", package="github.com/zegl/kube-score/cmd/kube-score"
    ),
}
"""What users bring to a cluster, for the tests."""
PROGRAMS = CLUSTER | CLIENTS


def cache_folder() -> Path:
    """Where things are kept that any checkout may use again."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "litellm-database-operator"


def inputs_hash(folder: Path, extra: Iterable[str]) -> str:
    """Hash the files of a folder, by name and content, and what else the result depends on."""
    hashed = hashlib.sha256("\0".join(extra).encode())
    for path in sorted(folder.iterdir()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        hashed.update(f"\0{path.name}\0{content}".encode())
    return hashed.hexdigest()[:16]


def path_of(program: str) -> Path:
    """Where a program is, or will be once it is built."""
    inputs = inputs_hash(SOURCES / program, (*PROGRAMS[program].flags(), platform.machine()))
    return cache_folder() / inputs / program


def missing(wanted: Iterable[str] = CLUSTER) -> list[str]:
    """Return those that must be built first. Raises ClusterError for a name that is none of ours."""
    if unknown := set(wanted) - set(PROGRAMS):
        raise ClusterError(f"cannot build {', '.join(sorted(unknown))}: choose from {', '.join(PROGRAMS)}")
    return sorted(program for program in wanted if not path_of(program).exists())


def build_missing(log: Path, wanted: Iterable[str] = CLUSTER) -> None:
    """Build what the cache lacks. Raises ClusterError with the compiler's words."""
    for program in missing(wanted):
        with step(PROGRAMS[program].title):
            _build(program, path_of(program), log)


def _build(program: str, target: Path, log: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and then renamed: a build that was cut short leaves no program.
    unfinished = target.with_name(f"{program}.{os.getpid()}")
    with log.open("w") as output:
        result = subprocess.run(
            ["go", "build", *PROGRAMS[program].flags(), "-o", str(unfinished), PROGRAMS[program].package],
            cwd=SOURCES / program,
            env=os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if result.returncode:
        words = log.read_text().strip().splitlines()[-5:]
        raise ClusterError(f"cannot build {program}: {' / '.join(words)}")
    unfinished.replace(target)
