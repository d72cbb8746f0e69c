"""What an effect means for a database: the words of effects.py and column_effects.py, and of whoever tells a plan."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from litellm_database_operator.migrator.plan.catalog import Table


class Lock(StrEnum):
    """A lock on a table, of those that somebody could notice."""

    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
    """Stops reads and writes."""
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    """Stops writes."""
    SHARE = "SHARE"
    """Stops writes."""
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    """Stops nothing but writes to the rows that the statement itself changes."""


class Long(StrEnum):
    """Why a lock is held for longer than a moment."""

    REWRITE = "rewrite"
    SCAN = "scan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether rows exist that a statement would hit."""

    table: str
    """As the catalogue has it now, and so the columns."""
    columns: tuple[str, ...] = ()
    """A row counts where one of them is not NULL; without columns every row does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one effect means."""

    table: Table | None = None
    """Whose rows or readers it is about."""
    loses: bool = False
    questions: tuple[Question, ...] = ()
    """What decides whether it loses something; none where nobody can tell."""
    breaks: bool = False
    """A proxy of the older version may fail after it."""
    lock: Lock | None = None
    long: Long | None = None

    @property
    def worth_saying(self) -> bool:
        """Whether somebody could notice."""
        return self.loses or self.breaks or self.lock is not None


NOTHING: Final = Verdict()
