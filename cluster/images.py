"""Gives container images to the cluster's own containerd.

Images that `python3 -m images` wrote lie in build/images, each with a record beside it.
"""

import json
import tempfile
from pathlib import Path

from cluster.binaries import path_of
from cluster.commands import run
from cluster.configuration import PAUSE_IMAGE
from cluster.identity import Identity
from cluster.progress import step
from images import oci


def load_image(identity: Identity, archive: Path) -> None:
    """Import an image from a file. Raises ClusterError with containerd's words."""
    stacked = f"--snapshotter={snapshotter(identity)}"
    run([*_ctr(identity), "images", "import", stacked, str(archive)])


def load_pause(identity: Identity) -> None:
    """Import the image that holds a pod's namespaces; the kubelet cannot start a pod without."""
    if PAUSE_IMAGE in digests(identity):
        return
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "pause.tar"
        write_pause(archive)
        load_image(identity, archive)


def load_new(identity: Identity) -> None:
    """Import those images of build/images that the cluster does not have."""
    present = digests(identity)
    for record in sorted((identity.root / "build" / "images").glob("*.json")):
        written = json.loads(record.read_text())
        archive = record.with_suffix(".tar")
        if archive.exists() and present.get(written["image"]) != written["digest"]:
            with step(f"load {written['image']}"):
                load_image(identity, archive)


def write_pause(archive: Path) -> None:
    """Write that image."""
    layer = archive.with_suffix(".layer")
    oci.write_layer(layer, [oci.file("pause", path_of("pause"), mode=0o755)])
    image = oci.Image(name=PAUSE_IMAGE, entrypoint=("/pause",), user="65535:65535")
    oci.write_image(archive, image, [layer])
    layer.unlink()


def digests(identity: Identity) -> dict[str, str]:
    """Images that containerd has, by name."""
    lines = run([*_ctr(identity), "images", "list"]).splitlines()[1:]
    return {fields[0]: fields[2] for fields in map(str.split, lines)}


def _ctr(identity: Identity) -> list[str]:
    return ["ctr", f"--address={identity.run}/containerd.sock", "--namespace=k8s.io"]


def snapshotter(identity: Identity) -> str:
    """How containerd stacks layers: an overlay cannot lie upon another overlay."""
    kind = run(["stat", "--file-system", "--format=%T", str(identity.state)]).strip()
    return "native" if kind == "overlayfs" else "overlayfs"
