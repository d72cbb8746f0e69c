"""The words of a run: what it is for, what lets its plan pass, and what applies the files."""

from enum import StrEnum


class RunMode(StrEnum):
    """What a run of the migrator is for."""

    MIGRATE = "Migrate"
    """Plan, ask the gate, apply, compare. With nothing to apply it is a proof: it compares."""
    PREVIEW = "Preview"
    """Plan, and change nothing."""


class Policy(StrEnum):
    """What lets a plan pass that nobody approved; an approved one always passes."""

    AUTO = "Auto"
    """Everything."""
    SAFE = "Safe"
    """A plan that loses no row which exists."""
    MANUAL = "Manual"
    """Nothing, where there is something to apply."""


class Engine(StrEnum):
    """What applies the files."""

    DIRECT = "Direct"
    """The migrator itself: a file and its row of the ledger in one transaction."""
    PRISMA_CLI = "PrismaCLI"
    """Upstream's way: `prisma migrate deploy`."""
