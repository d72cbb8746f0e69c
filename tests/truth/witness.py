"""The witness: compares a database with one that psql made, and says what it saw. Knows nothing of the migrator."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from tests.truth.catalogue import LEDGER, Fact
from tests.truth.datamodel import Gap

_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the witness saw."""

    missing: tuple[str, ...]
    """What the reference has and the database lacks, or has otherwise."""
    unrecorded: tuple[str, ...]
    """Migrations that Prisma's ledger does not hold for applied."""
    extra: tuple[str, ...]
    """What the database has beyond the reference, or otherwise."""

    gaps: tuple[Gap, ...] = ()
    """What schema.prisma names, and the bundle's own files do not make: the reference lacks it, too."""

    @property
    def intact(self) -> bool:
        """Whether the database has all that the bundle's files make."""
        return not self.missing and not self.unrecorded

    @property
    def complete(self) -> bool:
        """Whether it has all that the bundle means."""
        return self.intact and not self.gaps

    @property
    def told(self) -> str:
        """What was seen, in one line."""
        if not self.intact:
            return f"lacks {_few(self.missing + self.unrecorded)}"
        if self.gaps:
            return f"no file of the bundle makes {_few(tuple(gap.told for gap in self.gaps))}"
        return "complete" if not self.extra else f"complete, and beyond it {_few(self.extra)}"


def compare(
    found: frozenset[Fact], *, reference: frozenset[Fact], unrecorded: Iterable[str], gaps: tuple[Gap, ...] = ()
) -> Comparison:
    """Compare."""
    return Comparison(
        missing=_words(reference - found),
        unrecorded=tuple(f"ledger row {name}" for name in unrecorded),
        extra=_words(found - reference),
        gaps=gaps,
    )


def read_unrecorded(session: psycopg.Connection, schema: str, names: Collection[str]) -> list[str]:
    """Return those migrations that the ledger does not hold for applied, or holds for unfinished as well."""
    ledger = sql.Identifier(schema, LEDGER)
    row = session.execute("SELECT to_regclass(%s) IS NULL", [ledger.as_string(session)]).fetchone()
    if row is None or row[0]:
        return sorted(names)
    query = sql.SQL(
        "SELECT migration_name FROM {} GROUP BY migration_name HAVING "
        "bool_or(finished_at IS NOT NULL AND rolled_back_at IS NULL) "
        "AND NOT bool_or(finished_at IS NULL AND rolled_back_at IS NULL)"
    )
    applied = {name for (name,) in session.execute(query.format(ledger)).fetchall()}
    return sorted(set(names) - applied)


def _words(facts: Iterable[Fact]) -> tuple[str, ...]:
    return tuple(sorted({fact.told for fact in facts}))


def _few(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
