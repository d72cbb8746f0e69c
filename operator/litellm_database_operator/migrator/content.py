"""What a bundle brings to a database, read from its folder in the image; docs/spec/bundle.md gives the files."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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

    folder: Path
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
    def migrations_folder(self) -> Path:
        """Where the judge reads the migrations."""
        return self.folder / "migrations"

    @property
    def datamodel(self) -> Path:
        """Where the judge reads schema.prisma."""
        return self.folder / "schema.prisma"


def read_content(library: Path, version: str, *, digest: str) -> Content:
    """Read a bundle; ContentError when the image has none of that version, another digest, or no migration in it."""
    folder = library / version
    facts = _read_json(folder / "bundle.json")
    if facts["digest"] != digest:
        raise ContentError(f"cannot use bundle {version}: this image has {facts['digest']}, and the Job wants {digest}")
    migrations = tuple(_read_migration(folder, item) for item in facts["migrations"])
    if not migrations:
        raise ContentError(f"cannot use bundle {version}: it has no migrations")
    return Content(
        folder=folder,
        version=version,
        digest=digest,
        migrations=tuple(sorted(migrations, key=lambda migration: migration.name.encode())),
        indexes=tuple(Index(**item) for item in _read_json(folder / "indexes.json")),
        views=tuple(View(**item) for item in _read_json(folder / "views.json")),
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ContentError(f"cannot read {path.parent.name}/{path.name}: {error.strerror}") from error


def _read_migration(folder: Path, facts: dict[str, str]) -> Migration:
    name = facts["name"]
    script = (folder / "migrations" / name / "migration.sql").read_bytes()
    checksum = hashlib.sha256(script).hexdigest()
    if checksum != facts["checksum"]:
        raise ContentError(f"cannot use bundle {folder.name}: {name} is not the file that was built in")
    return Migration(name=name, script=script, checksum=checksum)
