"""The one program that is a whole Kubernetes, kubectl too: `make binaries` builds it into the cache."""

from pathlib import Path

from cluster import binaries


def kubernetes_program() -> str:
    """Return where it is; its first argument says what it is to be: kube-apiserver, etcd, kubectl."""
    return str(binaries.path_of("kubernetes"))


def ensure_kubernetes_program(folder: Path) -> None:
    """Build it where the cache has none."""
    if not Path(kubernetes_program()).exists():
        binaries.build_missing(folder / "build.log", ["kubernetes"])
