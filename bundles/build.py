"""Builds the library: the folder of bundles that the image holds, each file in it once."""

from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import chain
from pathlib import Path

from bundles.content import Content, json_bytes, sha256
from bundles.files import place
from bundles.lock import Lock, LockedBundle
from bundles.pip import PARALLEL, download
from bundles.views import views_of
from bundles.wheels import read_content

FORMAT = 2
"""Of the library; docs/spec/bundle.md has it."""


class DigestMismatchError(Exception):
    """The wheels are those of the lock, but what was read out of them is not."""


def build_library(lock: Lock, folder: Path) -> None:
    """Bring `folder` to exactly these bundles; what already lies there as it should is not touched.

    A file comes after those that it names: whoever reads meanwhile finds all of a bundle, or none.
    """
    _fetch(lock)
    files = library_files(lock, [read_locked(bundle) for bundle in lock.bundles])
    for path, data in files.items():
        place(folder / path, data)
    _remove_strangers(folder, files)


def _fetch(lock: Lock) -> None:
    """Bring what is read below into the cache, each wheel once, several at a time."""
    big = {bundle.litellm_wheel for bundle in lock.bundles}
    with ThreadPoolExecutor(PARALLEL) as threads:
        # the big ones first: they take longest
        views = threads.map(views_of, big)
        wheels = threads.map(download, [bundle.extras_wheel for bundle in lock.bundles])
        deque(chain(views, wheels), maxlen=0)  # raises what one of them raised


def read_locked(bundle: LockedBundle) -> Content:
    """Return what a bundle's wheels hold, fetched if need be; DigestMismatchError when it is not what was locked."""
    content = read_content(bundle.extras_wheel, views=views_of(bundle.litellm_wheel))
    if content.digest() != bundle.digest:
        raise DigestMismatchError(f"cannot build {bundle.version}: digest {content.digest()}, not {bundle.digest}")
    return content


def library_files(lock: Lock, contents: Iterable[Content]) -> dict[str, bytes]:
    """Return the library's files by path, each after those that it names. Pure."""
    objects: dict[str, bytes] = {}
    bundles: dict[str, bytes] = {}
    for bundle, content in zip(lock.bundles, contents, strict=True):
        objects |= {f"objects/{sha256(data)}": data for data in (content.datamodel, *content.migrations.values())}
        bundles[f"{bundle.version}.json"] = json_bytes(_facts(bundle, content))
    return objects | bundles | {"index.json": json_bytes(_index(lock))}


def _facts(bundle: LockedBundle, content: Content) -> Mapping[str, object]:
    return {
        "version": bundle.version,
        **_named(bundle),
        "schema": sha256(content.datamodel),
        "migrations": [{"name": name, "checksum": sha256(content.migrations[name])} for name in content.names()],
        "indexes": [asdict(index) for index in content.indexes],
        "views": [asdict(view) for view in content.views],
    }


def _named(bundle: LockedBundle) -> Mapping[str, object]:
    return {"digest": bundle.digest, "litellm": bundle.litellm, "gaps": bundle.gaps}


def _index(lock: Lock) -> Mapping[str, object]:
    return {
        "format": FORMAT,
        "bundles": {bundle.version: _named(bundle) for bundle in lock.bundles},
        "resolved": {each.release: {"bundle": each.bundle, "requires": each.requires} for each in lock.resolved},
        "refused": {each.release: each.facts() for each in lock.refused},
    }


def _remove_strangers(folder: Path, files: Mapping[str, bytes]) -> None:
    """Remove what does not belong; children come before their folders."""
    wanted = {folder / path for path in files}
    wanted |= {parent for path in wanted for parent in path.parents}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path not in wanted:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
