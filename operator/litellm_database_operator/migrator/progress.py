"""How far a run came: written by each phase, read by the report whatever ends the run."""

import time
from dataclasses import dataclass, field

from litellm_database_operator.model.bundle import ledger_fingerprint
from litellm_database_operator.model.report import Outcome, PlanSummary
from litellm_database_operator.model.schema_state import SchemaState


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where the run is."""

    began: float = field(default_factory=time.monotonic)
    phase: str = "starting"
    """What it does, as it reads after `while`: `waiting for the database`."""
    total: int = 0
    finished: frozenset[str] = frozenset()
    """Names in the ledger, known to be finished."""
    applied: int = 0
    """Migrations applied by this run."""
    built: int = 0
    """Indexes and views made by this run."""
    migration: str | None = None
    """The one being applied."""
    statement: str | None = None
    """The one that the run stopped in, once it is known."""
    reached: int = -1
    """Statements of the migration that its last try completed; negative when none was begun."""
    obstacle: str = ""
    """Why the last try did not get further, in the server's words."""
    prisma_code: str | None = None
    """Of the obstacle, as is the next."""
    sqlstate: str | None = None
    blocked_by: str | None = None
    """Who holds what is waited for, as far as the migrator may see. Foreign text."""
    state: SchemaState | None = None
    """What the database was, once it is known."""
    plan: PlanSummary | None = None
    ended: Outcome | None = None
    """How the run ended without a change that it was meant to make."""
    missing: tuple[str, ...] | None = None
    """What the comparison found missing; None until there was one."""

    def begin(self, migration: str) -> None:
        """A migration is being applied from now on."""
        self.phase, self.migration, self.reached = "applying migrations", migration, -1
        self.pass_on()

    def reach(self, completed: int) -> None:
        """A try ended after so many statements; a negative number is no news."""
        self.reached = completed if completed >= 0 else self.reached

    def finish(self, migration: str) -> None:
        """It is applied."""
        self.migration = None
        self.applied += 1
        self.finished |= {migration}

    def hinder(self, words: str, *, prisma_code: str | None = None, sqlstate: str | None = None) -> None:
        """A try was in vain, and is made again: what the report says if the deadline comes first."""
        self.obstacle, self.prisma_code, self.sqlstate = words, prisma_code, sqlstate

    def block(self, by: str) -> None:
        """Somebody holds what the running statement needs: SQLSTATE 55P03, whether or not a timeout has said so yet."""
        self.blocked_by, self.sqlstate = by, "55P03"

    def pass_on(self) -> None:
        """Nothing is in the way any more."""
        self.obstacle, self.prisma_code, self.sqlstate, self.blocked_by = "", None, None, None

    @property
    def fingerprint(self) -> str:
        """The ledger's short name."""
        return ledger_fingerprint(self.finished)
