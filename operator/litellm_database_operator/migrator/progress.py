"""How far a run came: written by each phase, read by the report whatever ends the run."""

import time
from dataclasses import dataclass, field

from litellm_database_operator.model.bundle import ledger_fingerprint


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
    obstacle: str = ""
    """Why the last try did not get further, in the server's words."""
    missing: tuple[str, ...] = field(default=())

    def begin(self, migration: str) -> None:
        """A migration is being applied from now on."""
        self.phase, self.migration, self.obstacle = "applying migrations", migration, ""

    def finish(self, migration: str) -> None:
        """It is applied."""
        self.migration = None
        self.applied += 1
        self.finished |= {migration}

    @property
    def fingerprint(self) -> str:
        """The ledger's short name."""
        return ledger_fingerprint(self.finished)
