"""Takes the cluster away: processes, mounts, network, cgroups, files. Works after a half start too.

The state is thrown away, so nothing is asked to end politely.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from cluster import cgroups, mounts, network
from cluster.identity import Identity, load
from cluster.progress import step

CNI_RESULTS = Path("/var/lib/cni/results")
CONTAINER_LOGS = Path("/var/log/containers")


def down(root: Path) -> None:
    """Leave nothing of a checkout's cluster. Raises ClusterError or OSError if something stays."""
    begun = time.monotonic()
    identity = load(root)
    if identity is None:
        shutil.rmtree(root / ".cluster", ignore_errors=True)
        print("There is no cluster.")
        return
    with step("end all processes, unmount, remove the network"):
        sweep(identity)
        network.remove(identity)
    if identity.run.exists():
        identity.run.rmdir()
    shutil.rmtree(identity.state)
    print(f"The cluster is gone ({time.monotonic() - begun:.1f} s).")


def sweep(identity: Identity) -> None:
    """End what runs and unmount what is mounted; the files stay."""
    cgroups.kill(identity.name)
    for leftover in [*_shim_sockets(identity), *_files_elsewhere(identity)]:
        leftover.unlink(missing_ok=True)
    mounts.unmount_below(identity.run)
    cgroups.remove(identity.name)


def _shim_sockets(identity: Identity) -> Iterator[Path]:
    """Where the shims listened: outside our folder, each noted in a file beside its container."""
    tasks = identity.state / "containerd" / "state" / "io.containerd.runtime.v2.task"
    for note in tasks.glob("*/*/address"):
        yield Path(note.read_text().removeprefix("unix://"))


def _files_elsewhere(identity: Identity) -> Iterator[Path]:
    """What containerd and the kubelet keep in places that cannot be chosen."""
    sandboxes = identity.state / "containerd" / "root" / "io.containerd.grpc.v1.cri" / "sandboxes"
    for sandbox in sandboxes.glob("*"):
        yield from CNI_RESULTS.glob(f"*-{sandbox.name}-*")
    for link in CONTAINER_LOGS.glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(identity.run):
            yield link
