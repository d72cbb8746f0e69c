"""A bundle as psql gets it: files in order, and what belongs to it and stands in no migration.

Read by docs/spec/bundle.md, and not by the migrator's own reader: what that one passed over would be missed here too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A migration's script."""

    name: str
    path: Path
    checksum: str

    @property
    def runs_alone(self) -> bool:
        """Whether it holds a statement that no transaction may hold."""
        text = self.path.read_text().upper()
        return any("CONCURRENTLY" in line and not line.lstrip().startswith("--") for line in text.splitlines())


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFiles:
    """What one bundle holds."""

    version: str
    files: tuple[File, ...]
    """In byte order of their names."""
    datamodel: Path
    """schema.prisma."""
    indexes: tuple[dict[str, str], ...]
    views: tuple[dict[str, str], ...]
    gaps: frozenset[str] = frozenset()
    """What the lock says that no file of it makes."""

    def after(self, older: BundleFiles) -> tuple[File, ...]:
        """Return what an upgrade runs: the files whose names the older bundle lacks."""
        known = {file.name for file in older.files}
        return tuple(file for file in self.files if file.name not in known)


def read_bundle(library: Path, version: str) -> BundleFiles:
    """Read one bundle of a library."""
    told: dict[str, Any] = json.loads((library / f"{version}.json").read_bytes())
    files = [
        File(name=each["name"], path=library / "objects" / each["checksum"], checksum=each["checksum"])
        for each in told["migrations"]
    ]
    return BundleFiles(
        version=version,
        files=tuple(sorted(files, key=lambda file: file.name.encode())),
        datamodel=library / "objects" / told["schema"],
        indexes=tuple(told["indexes"]),
        views=tuple(told["views"]),
        gaps=frozenset(told["gaps"]),
    )
