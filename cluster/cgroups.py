"""The cluster's own cgroup: what was started below it is found and ended there, pods included.

A process cannot leave its cgroup by forking or by losing its parent, so this needs no list of pids.
https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from cluster.errors import ClusterError

# Where the programs themselves are put; the kubelet makes its own folder beside it.
PROGRAMS = "programs"


def hierarchies(mountinfo: str) -> list[Path]:
    """Where cgroups are mounted, version 2 first (it may stand beside version 1)."""
    found: list[tuple[str, Path]] = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind = after.split(" ", 1)[0]
        if kind in {"cgroup", "cgroup2"}:
            found.append((kind, Path(before.split()[4])))
    return [path for _, path in sorted(found, key=lambda pair: pair[0] != "cgroup2")]


def create(name: str) -> Path:
    """Make the cluster's cgroup in every hierarchy; return the file that takes programs' pids."""
    roots = _roots()
    for root in roots:
        (root / name).mkdir(exist_ok=True)
    programs = roots[0] / name / PROGRAMS
    programs.mkdir(exist_ok=True)
    return programs / "cgroup.procs"


def members(name: str) -> set[int]:
    """Every process of the cluster: programs, shims, pods."""
    return {pid for folder in _folders(name) for pid in _pids(folder / "cgroup.procs")}


def kill(name: str, *, seconds: float = 30.0) -> None:
    """End every process of the cluster. Raises ClusterError for one that does not go."""
    deadline = time.monotonic() + seconds
    while left := members(name):
        if time.monotonic() > deadline:
            raise ClusterError(f"cannot end the processes {sorted(left)}: the kernel holds them")
        for pid in left:
            _end(pid)
        time.sleep(0.05)


def remove(name: str, *, seconds: float = 10.0) -> None:
    """Remove the cluster's cgroup from every hierarchy. Raises OSError for one that stays in use."""
    deadline = time.monotonic() + seconds
    for folder in _folders(name):
        while not _removed(folder):
            if time.monotonic() > deadline:
                folder.rmdir()
            time.sleep(0.05)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:  # a process that was killed is still being taken apart
        return False
    return True


def _roots() -> list[Path]:
    roots = hierarchies(Path("/proc/self/mountinfo").read_text())
    if not roots:
        raise ClusterError("cannot start pods: no cgroup file system is mounted")
    return roots


def _folders(name: str) -> Iterator[Path]:
    """Deepest first, the order in which they can be removed."""
    for root in _roots():
        for folder, _, _ in os.walk(root / name, topdown=False):
            yield Path(folder)


def _pids(path: Path) -> list[int]:
    try:
        return [int(line) for line in path.read_text().splitlines()]
    except OSError:  # the cgroup went while we looked
        return []


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
