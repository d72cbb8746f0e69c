"""The operator's own schema as files, migrations/ at the top of the repository; server.py applies them.

They are kept in Prisma's layout, and applied with Prisma's ledger, so that Prisma's tools read them too.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMigration:
    """One file of migrations/."""

    name: str
    script: bytes

    @property
    def checksum(self) -> str:
        """Return what Prisma's ledger holds of it: the SHA-256 of its bytes, in hexadecimal."""
        return hashlib.sha256(self.script).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All of them, in the order in which they are applied."""

    migrations: tuple[HistoryMigration, ...]

    def pending(self, applied: Collection[str]) -> tuple[HistoryMigration, ...]:
        """Return those that a ledger does not name yet."""
        return tuple(migration for migration in self.migrations if migration.name not in applied)


@cache
def read_history(folder: Path) -> History:
    """Read the migrations/ that lies in `folder`, once; a missing one is an error of the image, and raises."""
    scripts = sorted((folder / "migrations").glob("*/migration.sql"))
    if not scripts:
        raise FileNotFoundError(f"cannot read the history's migrations: there are none in {folder / 'migrations'}")
    return History(
        migrations=tuple(HistoryMigration(name=path.parent.name, script=path.read_bytes()) for path in scripts)
    )
