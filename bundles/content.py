"""What a bundle consists of, and its digest. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that LiteLLM's own Job builds after the migrations: schema.prisma names it, no migration makes it."""

    name: str
    table: str
    definition: str
    """What follows `ON <table>`: the columns in parentheses, quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view that a starting proxy would make."""

    name: str
    sql: str
    """As LiteLLM writes it: names without a schema, `CREATE VIEW` or `CREATE OR REPLACE VIEW`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything of a bundle that reaches a database."""

    datamodel: bytes
    migrations: Mapping[str, bytes]
    """Script by name of the migration."""
    indexes: tuple[Index, ...]
    views: tuple[View, ...]

    def files(self) -> dict[str, bytes]:
        """Return the content as files, by path, in byte order of the paths."""
        files = {
            "schema.prisma": self.datamodel,
            "indexes.json": json_bytes([asdict(index) for index in self.indexes]),
            "views.json": json_bytes([asdict(view) for view in self.views]),
            **{f"migrations/{name}/migration.sql": script for name, script in self.migrations.items()},
        }
        return dict(sorted(files.items(), key=lambda item: item[0].encode()))

    def digest(self) -> str:
        """Return `sha256:…` over what `sha256sum` prints of the files in byte order: checked with a shell alone."""
        lines = (f"{sha256(data)}  {path}\n" for path, data in self.files().items())
        return f"sha256:{sha256(''.join(lines).encode())}"

    def names(self) -> list[str]:
        """Return the migrations in the order in which Prisma applies them."""
        return sorted(self.migrations, key=str.encode)


def sha256(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal; of a script it is also Prisma's checksum in the ledger."""
    return hashlib.sha256(data).hexdigest()


def json_bytes(value: object) -> bytes:
    """Return JSON that is the same on every machine: it goes into a digest."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
