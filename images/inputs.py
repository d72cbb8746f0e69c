"""Hashes of what something is made from: the same hash means that nothing must be made again."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

# Made by tools on the way, never a part of the sources.
NOT_SOURCES = frozenset({"__pycache__", "node_modules"})


def fingerprint(root: Path, *inputs: Path | str) -> str:
    """Hash files, folders and words; paths count relative to `root`. Raises FileNotFoundError."""
    hashed = hashlib.sha256()
    for given in inputs:
        if isinstance(given, str):
            hashed.update(f"word\0{given}\0".encode())
            continue
        for path in _files(given):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            hashed.update(f"file\0{path.relative_to(root)}\0{content}\0".encode())
    return hashed.hexdigest()[:16]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for child in sorted(path.iterdir()):
        if child.name not in NOT_SOURCES and child.suffix != ".pyc":
            yield from _files(child)
