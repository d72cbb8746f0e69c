"""How big the operator's image is on a node, and on the way to it."""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Figure
from tests.support.kubectl import ROOT

ARCHIVE: Final = ROOT / "build/images/operator.tar"
GZIP_LEVEL: Final = 6
"""What gzip takes by itself, and so do the tools that push an image."""
_GZIP_FORMAT: Final = 31
_MEBIBYTE: Final = 1 << 20
_CHUNK: Final = 1 << 20


def image_mib() -> Figure:
    """Add up the image's layers, which `make images` leaves uncompressed."""
    return _figure("image_mib", layer_sizes(ARCHIVE), "uncompressed layers")


def image_compressed_mib() -> Figure:
    """Add up the image's layers as a registry keeps them and a node fetches them."""
    return _figure("image_compressed_mib", compressed_sizes(ARCHIVE), f"gzip -{GZIP_LEVEL} of each layer")


def layer_sizes(archive: Path) -> list[int]:
    """Return the sizes of the layers in an image's archive."""
    with _opened(archive) as image:
        return [layer["size"] for layer in image.layers]


def compressed_sizes(archive: Path) -> list[int]:
    """Return the sizes that the layers have by gzip."""
    with _opened(archive) as image:
        return [_gzip_size(image, layer) for layer in image.layers]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    archive: tarfile.TarFile
    layers: list[dict[str, Any]]


@contextmanager
def _opened(archive: Path) -> Generator[_Image]:
    """Open an image's archive.

    https://github.com/opencontainers/image-spec/blob/main/image-layout.md
    """
    with tarfile.open(archive) as opened:
        index = _read(opened, "index.json")
        layers: list[dict[str, Any]] = _read(opened, _path(index["manifests"][0]))["layers"]
        assert not any(layer["mediaType"].endswith(("gzip", "zstd")) for layer in layers), "layers are compressed"
        yield _Image(archive=opened, layers=layers)


def _gzip_size(image: _Image, layer: dict[str, Any]) -> int:
    content = image.archive.extractfile(_path(layer))
    assert content is not None, f"{layer['digest']} is not in the archive"
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    size = 0
    while chunk := content.read(_CHUNK):
        size += len(compressor.compress(chunk))
    return size + len(compressor.flush())


def _figure(key: str, layers: list[int], how: str) -> Figure:
    parts = ", ".join(f"{size / _MEBIBYTE:.1f}" for size in layers)
    return Figure(
        key=key,
        value=round(sum(layers) / _MEBIBYTE, 1),
        how=f"{how}, build/images/{ARCHIVE.name}, base first: {parts} MiB",
    )


def _path(descriptor: dict[str, Any]) -> str:
    return f"blobs/{str(descriptor['digest']).replace(':', '/')}"


def _read(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    member = archive.extractfile(name)
    assert member is not None, f"{name} is not in the archive"
    return json.loads(member.read())
