"""Writes container images as one file: an OCI image layout in a tar, as `ctr images import` reads it.

The same layers give the same bytes: names are sorted, times and owners are fixed.
https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

import hashlib
import io
import json
import os
import platform
import stat
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What an image is made of besides its layers."""

    name: str
    """In full, as containerd keeps it: registry, path and tag."""
    entrypoint: tuple[str, ...]
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    user: str = "0:0"
    working_dir: str = "/"
    ports: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, folder or link of a layer."""

    name: str
    """Its path in the image, without a leading slash."""
    mode: int
    source: Path | None = None
    """Where a file's content comes from; None for a folder or a link."""
    target: str | None = None
    """Where a symbolic link leads."""
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """How one blob refers to another; the fields are named as in the specification."""

    mediaType: str  # noqa: N815 -- the specification's word
    digest: str
    size: int


def folder(name: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    """A folder of an image."""
    return Entry(name=name, mode=mode, uid=uid, gid=gid)


def file(name: str, source: Path, *, mode: int = 0o644) -> Entry:
    """A file of an image."""
    return Entry(name=name, mode=mode, source=source)


def tree(source: Path, prefix: str) -> Iterator[Entry]:
    """Everything in a folder, root's and readable by all: an image runs under any uid."""
    yield folder(prefix)
    for path in sorted(source.rglob("*")):
        name = f"{prefix}/{path.relative_to(source)}"
        if path.is_symlink():
            yield Entry(name=name, mode=0o777, target=str(path.readlink()))
        elif path.is_dir():
            yield folder(name)
        else:
            executable = path.stat().st_mode & stat.S_IXUSR
            yield file(name, path, mode=0o755 if executable else 0o644)


def write_layer(target: Path, entries: Iterable[Entry]) -> None:
    """Write a layer."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            _add(tar, entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An image that was written."""

    digest: str
    size: int
    """Bytes of its layers, uncompressed."""


def write_image(target: Path, image: Image, layers: Iterable[Path]) -> Written:
    """Write an image; appears at its place when it is whole."""
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar:
        _add_bytes(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        descriptors = [_add_layer(tar, path) for path in layers]
        config = _add_blob(tar, CONFIG, _json(_config(image, descriptors)))
        manifest: dict[str, object] = {"schemaVersion": 2, "mediaType": MANIFEST, "config": asdict(config)}
        manifest["layers"] = [asdict(layer) for layer in descriptors]
        pointer = _add_blob(tar, MANIFEST, _json(manifest))
        names = {
            "io.containerd.image.name": image.name,
            "org.opencontainers.image.ref.name": image.name.rpartition(":")[2],
        }
        index = {"schemaVersion": 2, "manifests": [asdict(pointer) | {"annotations": names}]}
        _add_bytes(tar, "index.json", _json(index))
    unfinished.replace(target)
    return Written(digest=pointer.digest, size=sum(layer.size for layer in descriptors))


def _config(image: Image, layers: Sequence[Descriptor]) -> dict[str, object]:
    return {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {
            "User": image.user,
            "Env": list(image.environment),
            "Entrypoint": list(image.entrypoint),
            "Cmd": list(image.command),
            "WorkingDir": image.working_dir,
            "ExposedPorts": {port: {} for port in image.ports},
            "StopSignal": image.stop_signal,
        },
        # A layer is not compressed, so its digest is also that of its content.
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
    }


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.name)
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    if entry.target is not None:
        info.type, info.linkname = tarfile.SYMTYPE, entry.target
        tar.addfile(info)
    elif entry.source is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    else:
        info.size = entry.source.stat().st_size
        with entry.source.open("rb") as content:
            tar.addfile(info, content)


def _add_layer(tar: tarfile.TarFile, path: Path) -> Descriptor:
    hashed = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK):
            hashed.update(chunk)
    name = f"blobs/sha256/{hashed.hexdigest()}"
    _add(tar, file(name, path))
    digest = f"sha256:{hashed.hexdigest()}"
    return Descriptor(mediaType=LAYER, digest=digest, size=path.stat().st_size)


def _add_blob(tar: tarfile.TarFile, kind: str, content: bytes) -> Descriptor:
    digest = hashlib.sha256(content).hexdigest()
    _add_bytes(tar, f"blobs/sha256/{digest}", content)
    return Descriptor(mediaType=kind, digest=f"sha256:{digest}", size=len(content))


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.size = 0o644, len(content)
    tar.addfile(info, io.BytesIO(content))


def _json(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
