"""The run's row in litellm_operator.migration_runs, which outlives the Job; docs/spec/history.md gives its columns."""

import json
from dataclasses import asdict
from typing import Final

from psycopg import sql

from litellm_database_operator import __version__
from litellm_database_operator.migrator.content import Content
from litellm_database_operator.model.names import OPERATOR_SCHEMA
from litellm_database_operator.model.report import Report

_RUNS: Final = sql.Identifier(OPERATOR_SCHEMA, "migration_runs")


def begin(*, row_id: str, job: str, content: Content, ledger: str) -> sql.Composed:
    """Say that a run begins; the row of one that is killed stays `Running`.

    After a reconnection it is there already.
    """
    return sql.SQL(
        "INSERT INTO {runs} (id, job, bundle, digest, ledger_before, outcome, total, operator_version) "
        "VALUES ({id}, {job}, {bundle}, {digest}, {ledger}, 'Running', {total}, {version}) ON CONFLICT DO NOTHING"
    ).format(
        runs=_RUNS,
        id=sql.Literal(row_id),
        job=sql.Literal(job),
        bundle=sql.Literal(content.version),
        digest=sql.Literal(content.digest),
        ledger=sql.Literal(ledger),
        total=sql.Literal(len(content.migrations)),
        version=sql.Literal(__version__),
    )


def end(report: Report, *, row_id: str) -> sql.Composed:
    """Say how it ended; verified is what succeeded."""
    failure = None if report.failure is None else json.dumps(asdict(report.failure))
    return sql.SQL(
        "UPDATE {runs} SET finished_at = pg_catalog.clock_timestamp(), outcome = {outcome}, applied = {applied}, "
        "ledger_after = {ledger}, verified = {verified}, failure = {failure} WHERE id = {id}"
    ).format(
        runs=_RUNS,
        id=sql.Literal(row_id),
        outcome=sql.Literal(str(report.outcome)),
        applied=sql.Literal(report.applied),
        ledger=sql.Literal(report.ledger),
        verified=sql.Literal(report.failure is None),
        failure=sql.Literal(failure),
    )
