"""The run's row in litellm_operator.migration_runs, which outlives the Job; docs/spec/history.md gives its columns."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from psycopg import sql

from litellm_database_operator import __version__
from litellm_database_operator.migrator.plan.plan import MAX_BYTES, Plan, dump_plan
from litellm_database_operator.migrator.settings import Settings
from litellm_database_operator.model.names import OPERATOR_SCHEMA
from litellm_database_operator.model.report import Outcome, Report
from litellm_database_operator.model.schema_state import SchemaState

_RUNS: Final = sql.Identifier(OPERATOR_SCHEMA, "migration_runs")
_VERIFIED: Final = frozenset({Outcome.MIGRATED, Outcome.NOTHING_TO_DO})


def begin(settings: Settings, *, row_id: str, total: int, ledger: str, state: SchemaState | None) -> sql.Composed:
    """Say that a run begins; the row of one that is killed stays `Running`.

    After a reconnection it is there already.
    """
    columns = {
        "id": row_id,
        "job": settings.job,
        "bundle": settings.bundle,
        "digest": settings.target,
        "ledger_before": ledger,
        "outcome": "Running",
        "total": total,
        "operator_version": __version__,
        "mode": str(settings.mode),
        "engine": str(settings.migration_engine),
        "state_before": None if state is None else str(state),
        "policy": str(settings.policy),
        "approved_plan": settings.approved or None,
    }
    return sql.SQL("INSERT INTO {runs} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING").format(
        runs=_RUNS,
        names=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(map(sql.Literal, columns.values())),
    )


def plan(planned: Plan, *, row_id: str) -> sql.Composed:
    """Say what it is going to do, before anything of it is done; after a reconnection the first plan stands."""
    return sql.SQL(
        "UPDATE {runs} SET plan_digest = {digest}, plan = {plan}, pending = {pending}, breaks = {breaks} "
        "WHERE id = {id} AND plan_digest IS NULL"
    ).format(
        runs=_RUNS,
        id=sql.Literal(row_id),
        digest=sql.Literal(planned.digest),
        plan=sql.Literal(dump_plan(planned)),
        pending=sql.Literal([file.name for file in planned.files]),
        breaks=sql.Literal(planned.breaks),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A row of `begun`."""

    plan: dict[str, Any]


def begun(settings: Settings) -> sql.Composed:
    """Read the approved plan, if a run has begun it and none has ended it since; columns as Begun, at most one row.

    Once it is done, an approval that is still there is none of what comes later.
    """
    return sql.SQL(
        "SELECT plan FROM {runs} begun WHERE plan_digest = {approved} AND approved_plan = {approved} "
        "AND digest = {target} AND mode = 'Migrate' AND pg_catalog.jsonb_typeof(plan) = 'object' "
        "AND pg_catalog.octet_length(plan::text) <= {most} AND NOT EXISTS (SELECT FROM {runs} ended "
        "WHERE ended.digest = {target} AND ended.verified AND ended.finished_at >= begun.started_at) "
        "ORDER BY started_at DESC LIMIT 1"
    ).format(
        runs=_RUNS,
        approved=sql.Literal(settings.approved),
        target=sql.Literal(settings.target),
        most=sql.Literal(2 * MAX_BYTES),
    )


def end(report: Report, *, row_id: str, missing: tuple[str, ...] | None) -> sql.Composed:
    """Say how it ended; verified is what succeeded, and `missing` is None where nothing was compared."""
    failure = None if report.failure is None else json.dumps(asdict(report.failure))
    return sql.SQL(
        "UPDATE {runs} SET finished_at = pg_catalog.clock_timestamp(), outcome = {outcome}, applied = {applied}, "
        "ledger_after = {ledger}, verified = {verified}, failure = {failure}, state_before = {state}, "
        "missing = {missing} WHERE id = {id}"
    ).format(
        runs=_RUNS,
        id=sql.Literal(row_id),
        outcome=sql.Literal(str(report.outcome)),
        applied=sql.Literal(report.applied),
        ledger=sql.Literal(report.ledger),
        verified=sql.Literal(report.outcome in _VERIFIED),
        failure=sql.Literal(failure),
        state=sql.Literal(None if report.state is None else str(report.state)),
        missing=sql.Literal(None if missing is None else list(missing)),
    )
