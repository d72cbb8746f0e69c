"""What the product says of a run: exit code, report and its row in the history, which must say the same."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from litellm_database_operator.model.report import Outcome
from tests.integration.migrator.place import Ended

INVALID = "a valid schema.prisma (P1012)"
"""The gap of a bundle whose schema.prisma the migrator's judge cannot read."""
_DONE = frozenset({Outcome.MIGRATED, Outcome.NOTHING_TO_DO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One run's verdict."""

    complete: bool
    """Whether the database is called migrated."""
    told: str
    """The outcome, and what was named."""
    missing: frozenset[str]
    """What was found missing, in the words in which a bundle's gaps are locked."""
    migration: str | None
    """The migration that failed or is in the way."""
    contradiction: str | None
    """Where exit code, report and history do not say the same."""


def read_verdict(ended: Ended, session: psycopg.Connection, job: str) -> Verdict:
    """Put together what a run said, and what it wrote into the history under its Job's name."""
    report = ended.report
    row = session.execute(
        "SELECT outcome, verified FROM litellm_operator.migration_runs WHERE job = %s", [job]
    ).fetchone()
    complete = report.outcome in _DONE
    says = {"exit code": ended.code == 0, "report": complete, "history": row == (report.outcome, True)}
    contradiction = None if len(set(says.values())) == 1 else f"contradictory: {says}, history row {row}"
    failure = report.failure
    words = [str(report.outcome)]
    if failure is not None:
        words += [str(failure.reason), failure.prisma_code or "", failure.migration or "", failure.sqlstate or ""]
        words += [failure.server_message or ""]
    words += report.missing
    return Verdict(
        complete=complete and contradiction is None,
        told=contradiction or " ".join(word for word in words if word),
        missing=frozenset([*report.missing, *([INVALID] if failure and failure.prisma_code == "P1012" else [])]),
        migration=failure.migration if failure else None,
        contradiction=contradiction,
    )
