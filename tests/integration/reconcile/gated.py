"""A migrator that plans and asks the gate as the real one does, and applies by `migrate_at_once`."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from litellm_database_operator.model.bundle import Bundle, ledger_fingerprint
from litellm_database_operator.model.report import Outcome, PlanSummary, Report, dump
from litellm_database_operator.model.schema_state import SchemaState
from tests.support.fake_jobs import Ended, Run, migrate_at_once, no_database


@dataclass(slots=True)
class GatedMigrator:
    """Says of every upgrade that it loses rows, while `loses` is set."""

    loses: bool = True
    runs: list[str] = field(default_factory=list[str])
    """Mode and outcome of each run."""

    async def __call__(self, run: Run) -> Ended:
        """Plan; then report the plan, or apply it."""
        try:
            plan, finished = await asyncio.to_thread(_plan, run, loses=self.loses)
        except psycopg.OperationalError as error:
            return no_database(run, error)
        told = run.environment
        if told["LITELLMDB_MODE"] == "Preview":
            return self._ended(run, Outcome.PLANNED, plan, finished)
        if not _passes(plan, told["LITELLMDB_POLICY"], told["LITELLMDB_APPROVED"]):
            return self._ended(run, Outcome.AWAITING_APPROVAL, plan, finished)
        self.runs.append("Migrate Applied")
        return await migrate_at_once(run)

    def _ended(self, run: Run, outcome: Outcome, plan: PlanSummary, finished: frozenset[str]) -> Ended:
        self.runs.append(f"{run.environment['LITELLMDB_MODE']} {outcome}")
        report = Report(
            outcome=outcome,
            bundle=run.bundle.version,
            digest=run.bundle.digest,
            applied=0,
            total=len(run.bundle.migrations),
            ledger=ledger_fingerprint(finished),
            seconds=0.1,
            state=SchemaState.BEHIND if finished else SchemaState.EMPTY,
            plan=plan,
        )
        return Ended(exit_code=0, message=dump(report))


def _passes(plan: PlanSummary, policy: str, approved: str) -> bool:
    by_itself = {"Auto": True, "Safe": not plan.loses, "Manual": not plan.pending}[policy]
    return by_itself or approved == plan.digest


def _plan(run: Run, *, loses: bool) -> tuple[PlanSummary, frozenset[str]]:
    finished = _finished(run)
    pending = [name for name in run.bundle.migrations if name not in finished]
    lost = tuple(f"DROP COLUMN old of LiteLLM_{name}" for name in pending) if loses and finished else ()
    plan = PlanSummary(
        digest=_digest(run.bundle, pending, lost),
        pending=len(pending),
        first=pending[0] if pending else None,
        loses=lost,
        loses_total=len(lost),
    )
    return plan, finished


def _digest(bundle: Bundle, pending: list[str], lost: tuple[str, ...]) -> str:
    return "sha256:" + hashlib.sha256("\n".join((bundle.digest, *pending, *lost)).encode()).hexdigest()


def _finished(run: Run) -> frozenset[str]:
    ledger = sql.Identifier(run.files["schema"], "_prisma_migrations")
    with run.connect() as session:
        try:
            rows = session.execute(sql.SQL("SELECT migration_name FROM {}").format(ledger)).fetchall()
        except psycopg.errors.UndefinedTable:
            return frozenset()
    return frozenset(str(row[0]) for row in rows)
