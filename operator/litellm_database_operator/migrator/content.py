"""What a bundle brings to a database, read from the image's library; docs/spec/bundle.md gives the files."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SHA256: Final = re.compile("[0-9a-f]{64}")


class ContentError(Exception):
    """The image's library does not hold what the Job was started for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration."""

    name: str
    script: bytes
    checksum: str
    """SHA-256 of the script, as Prisma's ledger has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that no migration builds."""

    name: str
    table: str
    definition: str
    """What follows `ON <table>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One of LiteLLM's views."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A bundle, ready to be applied."""

    objects: Path
    """The library's folder of files by their SHA-256: scripts and schema.prisma."""
    schema: str
    """SHA-256 of schema.prisma."""
    version: str
    digest: str
    migrations: tuple[Migration, ...]
    """In the order in which they are applied."""
    indexes: tuple[Index, ...]
    views: tuple[View, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The migrations' names, in order."""
        return tuple(migration.name for migration in self.migrations)

    @property
    def script_paths(self) -> Mapping[str, Path]:
        """Where the judge reads the scripts, by name of the migration, in order."""
        return {migration.name: self.objects / migration.checksum for migration in self.migrations}

    @property
    def datamodel(self) -> Path:
        """Where the judge reads schema.prisma."""
        return self.objects / self.schema

    def script(self, checksum: str) -> bytes | None:
        """Read a script of any bundle by its SHA-256; None where the library does not have it."""
        path = self.objects / checksum
        # Whoever writes to Prisma's ledger chose the text.
        return path.read_bytes() if _SHA256.fullmatch(checksum) and path.is_file() else None


def read_content(library: Path, version: str, *, digest: str) -> Content:
    """Read a bundle; ContentError when the image has none of that version, another digest, or no migration in it."""
    facts = _read_json(library / f"{version}.json")
    if facts["digest"] != digest:
        raise ContentError(f"cannot use bundle {version}: this image has {facts['digest']}, and the Job wants {digest}")
    objects = library / "objects"
    migrations = tuple(_read_migration(objects, **item) for item in facts["migrations"])
    if not migrations:
        raise ContentError(f"cannot use bundle {version}: it has no migrations")
    return Content(
        objects=objects,
        schema=facts["schema"],
        version=version,
        digest=digest,
        migrations=tuple(sorted(migrations, key=lambda migration: migration.name.encode())),
        indexes=tuple(Index(**item) for item in facts["indexes"]),
        views=tuple(View(**item) for item in facts["views"]),
    )


def _read_json(path: Path) -> Any:
    return json.loads(_read(path))


def _read_migration(objects: Path, *, name: str, checksum: str) -> Migration:
    script = _read(objects / checksum)
    if hashlib.sha256(script).hexdigest() != checksum:
        raise ContentError(f"cannot use migration {name}: it is not the file that was built in")
    return Migration(name=name, script=script, checksum=checksum)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ContentError(f"cannot read {path.name} of the library: {error.strerror}") from error
