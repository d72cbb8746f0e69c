"""What the end of the last migration Job means: why no further one is started, or that another may be.

Called by migration.py for a database that is not at its target while no Job runs, and by preview.py.
"""

from datetime import timedelta
from typing import Final

from litellm_database_operator.model import report
from litellm_database_operator.model.bundle import ledger_fingerprint
from litellm_database_operator.model.observed import InsideFacts, JobFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.remedies import remedy_of
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.schema_state import SchemaState
from litellm_database_operator.planning.approval import awaiting
from litellm_database_operator.planning.commands import how_to_retry
from litellm_database_operator.planning.findings import Finding, stalled, waiting
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.question import Question, last_answer
from litellm_database_operator.planning.seen import state_of
from litellm_database_operator.planning.words import quoted

REPEAT_AFTER: Final = timedelta(minutes=10)
"""A run that a fault ended, or that succeeded and left the schema incomplete, is repeated this seldom."""
PASSING: Final = frozenset(
    {
        Reason.SERVER_UNREACHABLE,
        Reason.SERVER_READ_ONLY,
        Reason.SERVER_BUSY,
        Reason.LOGIN_FAILED,
        Reason.MIGRATION_INTERRUPTED,
    }
)
"""Failures of a run that say nothing against the bundle: another run may well go through."""
_SEEN_AS: Final = {
    Reason.FOREIGN_TABLES: SchemaState.FOREIGN,
    Reason.UNLEDGERED: SchemaState.UNLEDGERED,
    Reason.LEDGER_UNFINISHED: SchemaState.INTERRUPTED,
    Reason.AHEAD_OF_TARGET: SchemaState.AHEAD,
}
"""Failures that the database itself shows as long as they hold: where it does not, somebody mended it."""
_UNDONE_AFTER: Final = timedelta(minutes=1)
"""So long after its beginning a run is repeated whose work is not to be seen."""


def judge_last_run(
    resource: LiteLLMDatabase, question: Question, jobs: tuple[JobFacts, ...], inside: InsideFacts, occasion: Occasion
) -> Finding | None:
    """Return why no further Job is started: the last one answered just this question."""
    last = last_answer(question, jobs)
    if last is None:
        return None
    found = read_report(last)
    told = found if isinstance(found, report.Report) else None
    # a run that applied nothing may have failed before its first look: it left the ledger that it started from
    ended_at = told.ledger if told and told.applied else last.ledger
    if ended_at != question.ledger:
        return _undone(last, inside, occasion)
    if told and (plan := plan_that_waits(last)):
        return awaiting(resource, last, plan, serves=bool(inside.finished), applied=told.applied)
    if last.succeeded and told is not None:
        return _left_incomplete(last, inside, occasion)
    failure = told_of_failure(resource, last, f"Job {last.name} to bundle {question.target.version}")
    passes = failure.reason in PASSING or _was_mended(failure.reason, inside, occasion)
    return or_another_try(failure, last, occasion) if passes else failure


def _undone(last: JobFacts, inside: InsideFacts, occasion: Occasion) -> Finding | None:
    """Return a pause where the ledger is what the run began with, whatever it reports; None where it is another.

    A database that was restored looks like that, and so does a report that was forged: the one may run again, the
    other may not have it run again and again.
    """
    left = last.created + _UNDONE_AFTER - occasion.now
    if last.ledger != ledger_fingerprint(inside.finished) or left <= timedelta(0):
        return None
    text = f"Job {last.name} has ended, and nothing of what it reports is in the ledger; it is run again soon"
    return waiting(Reason.MIGRATING, text, retry_after=left.total_seconds())


def or_another_try(failure: Finding, last: JobFacts, occasion: Occasion) -> Finding | None:
    """Return the failure as one that passes, or None when it is time for another run."""
    left = last.created + REPEAT_AFTER - occasion.now
    if left <= timedelta(0):
        return None
    text = f"{failure.message}. It is run again by itself ten minutes after it began"
    return waiting(failure.reason, text, retry_after=left.total_seconds())


def _was_mended(reason: Reason, inside: InsideFacts, occasion: Occasion) -> bool:
    return reason in _SEEN_AS and state_of(occasion.target, inside) is not _SEEN_AS[reason]


def plan_that_waits(last: JobFacts) -> report.PlanSummary | None:
    """Return the plan that a run made and was not let go through with, or None."""
    found = read_report(last) if last.succeeded else None
    waits = isinstance(found, report.Report) and found.outcome is report.Outcome.AWAITING_APPROVAL
    return found.plan if isinstance(found, report.Report) and waits else None


def _left_incomplete(last: JobFacts, inside: InsideFacts, occasion: Occasion) -> Finding | None:
    target = occasion.target
    if occasion.now - last.created >= REPEAT_AFTER or _broken_off_since(last, inside, occasion):
        return None
    lacking = sorted((set(target.migrations) - inside.finished) | (set(target.views) - inside.views))
    what = ", ".join(lacking[:3]) or "the record of its comparison"
    return stalled(
        Reason.SCHEMA_INCOMPLETE,
        f"Job {last.name} succeeded, yet the database lacks {what}; something removed it afterwards. "
        "The run is repeated in ten minutes",
    )


def _broken_off_since(last: JobFacts, inside: InsideFacts, occasion: Occasion) -> bool:
    """Tell whether somebody began a migration after a run that brought the ledger to what it is."""
    begun = state_of(occasion.target, inside) is SchemaState.INTERRUPTED
    return begun and last.ledger != ledger_fingerprint(inside.finished)


def told_of_failure(resource: LiteLLMDatabase, last: JobFacts, how: str) -> Finding:
    """Return why a Job failed, by its report or by how it ended, and how to have another try."""
    found, command = read_report(last), how_to_retry(resource)
    if isinstance(found, report.Report) and found.failure is not None:
        return stalled(
            found.failure.reason, f"{how} failed: {_told(found.failure)}. {_remedy(found.failure)} {command}"
        )
    if isinstance(found, str):
        text = f"{how} failed and its report cannot be read ({found}). See its log, then: {command}"
        return stalled(Reason.REPORT_INVALID, text)
    if last.deadline_exceeded:
        text = (
            f"{how} outlived its deadline and was ended by Kubernetes: its pod could not start (see the Job's Events), "
            f"or needs a longer spec.migration.deadline. Mend it, then: {command}"
        )
        return stalled(Reason.MIGRATION_DEADLINE_EXCEEDED, text)
    code = f" (exit code {last.pod.exit_code})" if last.pod and last.pod.exit_code is not None else ""
    return stalled(
        Reason.MIGRATION_INTERRUPTED,
        f"{how} ended without a report{code}: its pod was deleted or killed, or its node went. What it had applied is "
        f"recorded and stays. See kubectl logs job/{last.name}, then: {command}",
    )


def read_report(job: JobFacts) -> report.Report | str | None:
    """Return a Job's report, why it is none, or None where nothing was left."""
    text = job.pod.termination_message if job.pod else None
    if not text:
        return None
    try:
        return report.parse(text)
    except report.ReportError as error:
        return str(error)


def _remedy(failure: report.Failure) -> str:
    known = remedy_of(failure.prisma_code, failure.sqlstate)
    return f"{known.remedy} Then:" if known else "Mend the cause, then:"


def _told(failure: report.Failure) -> str:
    parts = [quoted(failure.message)]  # the migrator's word, and so a tenant's namespace's
    if failure.migration:
        parts.append(f"migration {quoted(failure.migration)}")
    codes = [code for code in (failure.prisma_code, failure.sqlstate and f"SQLSTATE {failure.sqlstate}") if code]
    if codes:
        parts.append(", ".join(codes))
    if failure.server_message:
        parts.append(f"PostgreSQL says {quoted(failure.server_message)}")
    if failure.statement:
        parts.append(f"at {quoted(failure.statement)}")
    if failure.blocked_by:
        parts.append(f"blocked by {quoted(failure.blocked_by)}")
    return "; ".join(parts)
