"""Our Go programs, built once: the cache's folders are named by the hash of what is built."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

from cluster.errors import ClusterError
from cluster.progress import step

SOURCES = Path(__file__).parent
KUBERNETES_VERSION = "v1.34.4"
FLAGS = (
    "-trimpath",
    "-ldflags",
    f"-s -w -X k8s.io/component-base/version.gitVersion={KUBERNETES_VERSION}",
)
# Titles, with what a first build takes on two cores.
PROGRAMS = {
    "kubernetes": "build Kubernetes and etcd (once, about 5 min)",
    "coredns": "build CoreDNS (once, about 1 min)",
    "pause": "build pause",
}


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
    inputs = inputs_hash(SOURCES / program, (*FLAGS, platform.machine()))
    return cache_folder() / inputs / program


def missing() -> list[str]:
    """Programs that must be built first."""
    return [program for program in PROGRAMS if not path_of(program).exists()]


def build_missing(log: Path, wanted: Iterable[str] = PROGRAMS) -> None:
    """Build what the cache lacks. Raises ClusterError with the compiler's words."""
    for program in sorted(set(wanted) & set(missing())):
        with step(PROGRAMS[program]):
            _build(program, path_of(program), log)


def _build(program: str, target: Path, log: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and then renamed: a build that was cut short leaves no program.
    unfinished = target.with_name(f"{program}.{os.getpid()}")
    with log.open("w") as output:
        result = subprocess.run(
            ["go", "build", *FLAGS, "-o", str(unfinished), "."],
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
