"""What the cluster needs from this machine, looked at before anything is changed."""

import os
import platform
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import run
from cluster.errors import ClusterError
from cluster.progress import step

# Where Debian, and where the CNI project's own releases, put the plugins.
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
# What our go.mod files ask for, as the modules of Kubernetes do.
GO = (1, 24)
GO_DOCS = "https://go.dev/doc/install"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found on this machine."""

    system: str
    architecture: str
    is_root: bool
    has_apt: bool
    missing_packages: tuple[str, ...]
    needs_go: bool
    has_go: bool


def is_recent_go(version: str) -> bool:
    """Whether a Go builds our modules as it is, without fetching a newer one of itself."""
    found = re.search(r"go(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= GO


def cni_folder() -> Path | None:
    """Where the network plugins are."""
    return next((folder for folder in CNI_FOLDERS if (folder / "bridge").exists()), None)


# Debian's package, and how it is seen that it is there. The last two are for images.
PACKAGES: dict[str, Callable[[], object]] = {
    "containerd": lambda: shutil.which("containerd") and shutil.which("ctr"),
    "runc": lambda: shutil.which("runc"),
    "containernetworking-plugins": cni_folder,
    "iptables": lambda: shutil.which("iptables"),
    "iproute2": lambda: shutil.which("ip"),
    "util-linux": lambda: shutil.which("nsenter") and shutil.which("unshare"),
    "openssl": lambda: shutil.which("openssl"),
    "binutils": lambda: shutil.which("strip"),
    "mmdebstrap": lambda: shutil.which("mmdebstrap"),
}


def inspect(*, needs_go: bool) -> Machine:
    """Look at this machine."""
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        is_root=os.geteuid() == 0,
        has_apt=shutil.which("apt-get") is not None,
        missing_packages=tuple(name for name, present in PACKAGES.items() if not present()),
        needs_go=needs_go,
        has_go=shutil.which("go") is not None and is_recent_go(run(["go", "version"])),
    )


def obstacles(machine: Machine) -> list[str]:
    """Say what stands in the way, a sentence each; empty when the cluster can be started."""
    found: list[str] = []
    if machine.system != "Linux" or machine.architecture not in {"x86_64", "aarch64"}:
        found.append(
            "The local cluster runs on Linux, amd64 or arm64, only: "
            f"this is {machine.system} on {machine.architecture}."
        )
    if not machine.is_root:
        found.append("Containers and network namespaces need root: run this with sudo.")
    if machine.needs_go and not machine.has_go:
        wanted = ".".join(map(str, GO))
        found.append(f"Go ({wanted} or newer) is missing, it builds the cluster's programs: {GO_DOCS}")
    if machine.missing_packages and not (machine.is_root and machine.has_apt):
        names = " ".join(machine.missing_packages)
        found.append(f"These programs are missing, named as Debian's packages are: {names}.")
    return found


def prepare(*, needs_go: bool) -> None:
    """Make sure that this machine has what is needed.

    Raises ClusterError, before anything is changed, with every obstacle at once.
    """
    machine = inspect(needs_go=needs_go)
    if found := obstacles(machine):
        raise ClusterError("\n".join(found))
    _install(machine)


def _install(machine: Machine) -> None:
    if not machine.missing_packages:
        return
    names = machine.missing_packages
    with step(f"install {' '.join(names)}"):
        run(["apt-get", "update", "-q"])
        run(["apt-get", "install", "-qy", "--no-install-recommends", *names])
    if left := inspect(needs_go=False).missing_packages:
        raise ClusterError(f"cannot find the programs of {' '.join(left)} after installing them")
