"""status.schema: what the database is, what its next migration would do, and how the last one ended."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from litellm_database_operator.kube.reading import part
from litellm_database_operator.model import conditions, report
from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.observed import InsideFacts, JobFacts, Observed
from litellm_database_operator.model.remedies import remedy_of
from litellm_database_operator.model.report import PlanSummary, Report
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.plan import Plan
from litellm_database_operator.planning.preview import PreviewFinding
from litellm_database_operator.planning.question import is_aside, last_answer, migration_question, running_job
from litellm_database_operator.planning.seen import state_of
from litellm_database_operator.planning.steps import StartMigration
from litellm_database_operator.planning.verdict import read_report
from litellm_database_operator.reconcile.summary import Past

_SEEN_INSIDE: Final = ("state", "applied", "pending", "next", "verifiedAt", "plan")
"""What stays as it was last said of that bundle, where nobody could look."""


def schema_status(
    resource: LiteLLMDatabase, observed: Observed, plan: Plan, *, before: Past, now: datetime
) -> dict[str, Any]:
    """Return status.schema; what says nothing is left out."""
    last, target = part(before.status, "schema"), plan.target
    inside = observed.inside
    if inside is None:
        same = last.get("digest") == target.digest
        seen = {key: last.get(key) for key in _SEEN_INSIDE if same} | {"preview": last.get("preview")}
    else:
        progress = _progress(target, inside, observed.jobs)
        seen = progress | {
            "plan": _pending_plan(resource, target, observed.jobs, inside),
            "running": _running(progress, inside, _began(observed, plan, now), part(last, "running")),
            "preview": _preview(resource, plan.aside.preview),
        }
    asked = {"litellm": resource.spec.litellm.version, "bundle": target.version, "digest": target.digest}
    runs = {"total": len(target.migrations), "lastRun": _last_run(observed.jobs) or last.get("lastRun")}
    return _said(asked | seen | runs)


def _said(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is not None}


def _progress(target: Bundle, inside: InsideFacts, jobs: tuple[JobFacts, ...]) -> dict[str, Any]:
    if running_job(jobs):
        # what a run has begun is no migration that somebody broke off
        inside = replace(inside, unfinished=frozenset())
    pending = [name for name in target.migrations if name not in inside.finished]
    judged = inside.comparison(target.digest)
    return {
        "state": str(state_of(target, inside)),
        "applied": len(target.migrations) - len(pending),
        "pending": len(pending),
        "next": pending[0] if pending else None,
        "verifiedAt": conditions.timestamp(judged.at) if judged and not judged.missing else None,
    }


def _began(observed: Observed, plan: Plan, now: datetime) -> datetime | None:
    """Return when the run to the target began that goes on, or begins now; None where there is none."""
    job = running_job(observed.jobs)
    if job is not None and not is_aside(job) and job.target == plan.target.digest:
        return job.created
    started = (step for step in plan.steps if isinstance(step, StartMigration))
    return now if any(step.mode is RunMode.MIGRATE and not step.proof for step in started) else None


def _running(
    progress: Mapping[str, Any], inside: InsideFacts, began: datetime | None, last: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return how far a run is, as the ledger has it; once all is applied, it builds indexes and compares.

    Since when is said once for each file: looking again is no news.
    """
    if began is None:
        return None
    total = progress["applied"] + progress["pending"]
    at = {"migration": progress["next"], "number": min(progress["applied"] + 1, total), "total": total}
    same = all(last.get(key) == value for key, value in at.items())
    since = last.get("since") if same else conditions.timestamp(max(began, inside.last_finished or began))
    return _said(at | {"since": since})


def _pending_plan(
    resource: LiteLLMDatabase, target: Bundle, jobs: tuple[JobFacts, ...], inside: InsideFacts
) -> dict[str, Any] | None:
    """Return the plan of the last run that planned from this ledger and has not brought the database further."""
    question = migration_question(resource, target, inside)
    last = last_answer(question, jobs)
    found = read_report(last) if last is not None and last.ledger == question.ledger else None
    told = isinstance(found, Report) and found.outcome in (report.Outcome.AWAITING_APPROVAL, report.Outcome.FAILED)
    return plan_summary(found.plan) if isinstance(found, Report) and told and found.plan else None


def plan_summary(plan: PlanSummary) -> dict[str, Any]:
    """Return a plan as status has it."""
    return _said(
        {
            "digest": plan.digest,
            "pending": plan.pending,
            "first": plan.first,
            "loses": list(plan.loses) or None,
            "losesTotal": plan.loses_total,
            "blocks": list(plan.blocks) or None,
            "blocksTotal": plan.blocks_total,
            "breaks": plan.breaks,
        }
    )


def _preview(resource: LiteLLMDatabase, found: PreviewFinding | None) -> dict[str, Any] | None:
    asked = resource.spec.migration.preview
    if found is None or asked is None:
        return None
    return _said(
        {
            "litellm": asked.version,
            "bundle": found.bundle.version if found.bundle else asked.bundle,
            "digest": found.bundle.digest if found.bundle else None,
            "state": found.state and str(found.state),
            "plan": found.plan and plan_summary(found.plan),
            "job": found.job,
            "message": found.message[: conditions.MAX_MESSAGE] or None,
        }
    )


def _last_run(jobs: tuple[JobFacts, ...]) -> dict[str, Any] | None:
    """Return the newest finished run; while the newest still runs, what was written before stays."""
    job = next((each for each in jobs if each.finished and each.mode is RunMode.MIGRATE), None)
    if job is None:
        return None
    found = read_report(job)
    run: dict[str, Any] = {
        "job": job.name,
        "outcome": "Failed" if not job.succeeded else None,
        "startedAt": conditions.timestamp(job.created),
    }
    if isinstance(found, Report):
        run |= {
            "outcome": str(found.outcome),
            "seconds": round(found.seconds),
            "missing": list(found.missing) or None,
        } | _failure(found.failure)
    return _said(run)


def _failure(failure: report.Failure | None) -> dict[str, Any]:
    if failure is None:
        return {}
    remedy = remedy_of(failure.prisma_code, failure.sqlstate)
    return {
        "reason": str(failure.reason),
        "message": failure.message,
        "prismaCode": failure.prisma_code,
        "sqlstate": failure.sqlstate,
        "migration": failure.migration,
        "statement": failure.statement,
        "blockedBy": failure.blocked_by,
        "remedy": remedy.remedy if remedy else None,
    }
