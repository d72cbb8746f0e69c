"""Gives container images to the cluster's own containerd."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from cluster.binaries import path_of
from cluster.commands import run
from cluster.configuration import PAUSE_IMAGE
from cluster.identity import Identity
from images import oci


def load(identity: Identity, archive: Path, snapshotter: str) -> None:
    """Import an image from a file. Raises ClusterError with containerd's words."""
    ctr = ["ctr", f"--address={identity.run}/containerd.sock", "--namespace=k8s.io"]
    run([*ctr, "images", "import", f"--snapshotter={snapshotter}", str(archive)])


def load_pause(identity: Identity, snapshotter: str) -> None:
    """Import the image that holds a pod's namespaces; the kubelet cannot start a pod without."""
    if PAUSE_IMAGE in names(identity):
        return
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "pause.tar"
        write_pause(archive)
        load(identity, archive, snapshotter)


def write_pause(archive: Path) -> None:
    """Write that image."""
    layer = archive.with_suffix(".layer")
    oci.write_layer(layer, [oci.file("pause", path_of("pause"), mode=0o755)])
    image = oci.Image(name=PAUSE_IMAGE, entrypoint=("/pause",), user="65535:65535")
    oci.write_image(archive, image, [layer])
    layer.unlink()


def names(identity: Identity) -> Iterable[str]:
    """Images that containerd has."""
    ctr = ["ctr", f"--address={identity.run}/containerd.sock", "--namespace=k8s.io"]
    return run([*ctr, "images", "list", "--quiet"]).split()
