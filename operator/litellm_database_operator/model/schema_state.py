"""What a database is, seen from a target: one word, which migrator and operator agree on because both ask here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from litellm_database_operator.model.bundle import names_ahead
from litellm_database_operator.model.names import LEDGER_TABLE

_LITELLM: Final = "LiteLLM_"
"""How the name of every table begins that LiteLLM ever made; a test holds it against the library."""


class SchemaState(StrEnum):
    """One word for a database; the order is that in which they are asked for."""

    FOREIGN = "Foreign"
    """The schema holds tables that LiteLLM never made."""
    UNLEDGERED = "Unledgered"
    """LiteLLM's tables, and no row in the ledger."""
    INTERRUPTED = "Interrupted"
    """The ledger holds a migration that began and did not end: Prisma's P3009."""
    AHEAD = "Ahead"
    """Applied migrations are newer than the target's newest."""
    EMPTY = "Empty"
    """Nothing of LiteLLM."""
    BEHIND = "Behind"
    """Migrations of the target are not applied."""
    DRIFTED = "Drifted"
    """Every migration is applied, and yet something is missing."""
    CURRENT = "Current"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFacts:
    """What the word is found from."""

    tables: Collection[str]
    """Tables in LiteLLM's schema, partitions and members of extensions left out."""
    finished: Collection[str]
    """Names in Prisma's ledger that are applied."""
    unfinished: Collection[str]
    missing: Sequence[str] = ()
    """What the last comparison with the target found missing."""


def schema_state(target: Sequence[str], facts: SchemaFacts) -> SchemaState:
    """Name the state of a database, seen from the names of a target's migrations."""
    tables = set(facts.tables) - {LEDGER_TABLE}
    questions = (
        (SchemaState.FOREIGN, bool(foreign_tables(tables))),
        (SchemaState.UNLEDGERED, bool(tables) and not facts.finished and not facts.unfinished),
        (SchemaState.INTERRUPTED, bool(facts.unfinished)),
        (SchemaState.AHEAD, bool(names_ahead(target, facts.finished))),
        (SchemaState.EMPTY, not facts.finished),
        (SchemaState.BEHIND, not set(facts.finished).issuperset(target)),
        (SchemaState.DRIFTED, bool(facts.missing)),
    )
    return next((state for state, holds in questions if holds), SchemaState.CURRENT)


def foreign_tables(tables: Collection[str]) -> tuple[str, ...]:
    """Return those that LiteLLM never made, in byte order."""
    foreign = (name for name in tables if not name.startswith(_LITELLM) and name != LEDGER_TABLE)
    return tuple(sorted(foreign, key=str.encode))
