"""How big the operator's image is on a node."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Figure
from tests.support.kubectl import ROOT

ARCHIVE: Final = ROOT / "build/images/operator.tar"
_MEBIBYTE: Final = 1 << 20


def image_mib() -> Figure:
    """Add up the image's layers, which `make images` leaves uncompressed."""
    layers = layer_sizes(ARCHIVE)
    parts = ", ".join(f"{size / _MEBIBYTE:.1f}" for size in layers)
    return Figure(
        key="image_mib",
        value=round(sum(layers) / _MEBIBYTE, 1),
        how=f"uncompressed layers of build/images/{ARCHIVE.name}, base first: {parts} MiB",
    )


def layer_sizes(archive: Path) -> list[int]:
    """Return the sizes of the layers in an image's archive.

    https://github.com/opencontainers/image-spec/blob/main/image-layout.md
    """
    with tarfile.open(archive) as opened:
        index = _read(opened, "index.json")
        digest = str(index["manifests"][0]["digest"]).replace(":", "/")
        layers: list[dict[str, Any]] = _read(opened, f"blobs/{digest}")["layers"]
    assert not any(layer["mediaType"].endswith(("gzip", "zstd")) for layer in layers), "layers are compressed"
    return [layer["size"] for layer in layers]


def _read(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    member = archive.extractfile(name)
    assert member is not None, f"{name} is not in the archive"
    return json.loads(member.read())
