"""Layers that were made before are taken from the cache, by the hash of what they are made from."""

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster.binaries import cache_folder
from cluster.progress import step
from images import oci
from images.content import HOME
from images.inputs import fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """How a layer is made, and from what."""

    title: str
    inputs: tuple[Path | str, ...]
    make: Callable[[Path], None]
    """Writes it to a path."""

    def key(self, root: Path) -> str:
        """Hash what the layer is made from."""
        return fingerprint(root, self.title, *self.inputs)

    def path(self, root: Path) -> Path:
        """Give the layer's file, made now if it never was. Raises ImageError."""
        target = cache_folder() / "layers" / f"{self.key(root)}.tar"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f"{os.getpid()}.tar")
            with step(f"make layer: {self.title}"):
                self.make(unfinished)
            unfinished.replace(target)
        return target


def of_folder(fill: Callable[[Path], None], place: str = HOME) -> Callable[[Path], None]:
    """Make a layer of whatever `fill` puts in a folder; it lies at `place` in the image."""

    def make(target: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            fill(Path(scratch))
            oci.write_layer(target, oci.tree(Path(scratch), place.strip("/")))

    return make


def of_entries(entries: Callable[[Path], Iterable[oci.Entry]]) -> Callable[[Path], None]:
    """Make a layer of entries whose content may be prepared in a scratch folder."""

    def make(target: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            oci.write_layer(target, entries(Path(scratch)))

    return make
