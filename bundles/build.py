"""Builds the library: the folder of bundles that the image holds."""

import shutil
from pathlib import Path

from bundles.content import Content, json_bytes, sha256
from bundles.lock import LockedBundle
from bundles.pip import download
from bundles.wheels import read_content


class DigestMismatchError(Exception):
    """The wheels are those of the lock, but what was read out of them is not."""


def build_library(bundles: tuple[LockedBundle, ...], folder: Path) -> None:
    """Bring `folder` to exactly these bundles; what already lies there as it should is not touched."""
    folder.mkdir(parents=True, exist_ok=True)
    for bundle in bundles:
        _place(folder / bundle.version, _files(bundle, _read(bundle)))
    index = {bundle.version: {"digest": bundle.digest, "litellm": list(bundle.litellm)} for bundle in bundles}
    (folder / "index.json").write_bytes(json_bytes(index))
    for stranger in [path for path in folder.iterdir() if path.is_dir() and path.name not in index]:
        shutil.rmtree(stranger)


def _read(bundle: LockedBundle) -> Content:
    content = read_content(extras=download(bundle.extras_wheel), litellm=download(bundle.litellm_wheel))
    if content.digest() != bundle.digest:
        raise DigestMismatchError(f"cannot build {bundle.version}: digest {content.digest()}, not {bundle.digest}")
    return content


def _files(bundle: LockedBundle, content: Content) -> dict[str, bytes]:
    facts = {
        "version": bundle.version,
        "digest": bundle.digest,
        "litellm": list(bundle.litellm),
        "migrations": [{"name": name, "checksum": sha256(content.migrations[name])} for name in content.names()],
    }
    return {**content.files(), "bundle.json": json_bytes(facts)}


def _place(folder: Path, files: dict[str, bytes]) -> None:
    """Write a bundle's folder beside the old one and exchange them: a reader never sees half a bundle."""
    if _present(folder) == files:
        return
    fresh = folder.with_name(f".{folder.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    for path, data in files.items():
        target = fresh / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _present(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
