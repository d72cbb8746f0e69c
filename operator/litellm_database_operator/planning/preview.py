"""What going to another target would do: spec.migration.preview, answered by a Job that plans and changes nothing."""

from dataclasses import dataclass
from datetime import timedelta

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import InsideFacts, JobFacts, Observed
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Outcome, PlanSummary, Report
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.schema_state import SchemaState
from litellm_database_operator.planning import state
from litellm_database_operator.planning.findings import Finding
from litellm_database_operator.planning.occasion import Occasion, PreviewTarget
from litellm_database_operator.planning.question import Question, preview_question, running_job
from litellm_database_operator.planning.running import held_up
from litellm_database_operator.planning.seen import state_of
from litellm_database_operator.planning.verdict import PASSING, REPEAT_AFTER, read_report, told_of_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewFinding:
    """What is told of a preview: its plan, or why there is none."""

    bundle: Bundle | None
    state: SchemaState | None = None
    plan: PlanSummary | None = None
    job: str | None = None
    message: str = ""
    failed: Reason | None = None
    """Why there is no plan, where a person must act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPlan:
    """What is told of a preview, and the run that is due for it."""

    finding: PreviewFinding | None = None
    question: Question | None = None
    retry_after: float | None = None


def previewed(occasion: Occasion) -> Bundle | None:
    """Return the bundle that a Job has to plan for; the target itself is planned for anyway."""
    asked = occasion.preview
    if asked is None or asked.bundle is None or asked.bundle.digest == occasion.target.digest:
        return None
    return asked.bundle


def plan_preview(
    resource: LiteLLMDatabase, observed: Observed, inside: InsideFacts, occasion: Occasion, *, settled: bool
) -> PreviewPlan:
    """Decide what is told of the preview, and which run is due for it: one for a target and a ledger.

    It waits until the database is `settled`, at its target or waiting for a person.
    """
    asked = occasion.preview
    if asked is None:
        return PreviewPlan()
    bundle = previewed(occasion)
    if bundle is None:
        return PreviewPlan(finding=_needs_no_run(asked))
    if refusal := _refusal(resource, bundle, inside):
        return PreviewPlan(finding=refusal)
    question = preview_question(resource, bundle, inside)
    last = _answer(question, observed.jobs)
    if last is not None and (answered := _answered(resource, question, last, occasion)):
        return answered
    told = _on_its_way(observed.jobs) if settled else "it is planned once the database is at its target"
    finding = PreviewFinding(bundle=bundle, state=state_of(bundle, inside), message=told)
    return PreviewPlan(finding=finding, question=question)


def _on_its_way(jobs: tuple[JobFacts, ...]) -> str:
    running = running_job(jobs)
    held = held_up(running) if running else None
    return held.message if held else "a Job plans it"


def _needs_no_run(asked: PreviewTarget) -> PreviewFinding:
    if asked.bundle is None:
        return PreviewFinding(bundle=None, message=asked.refusal, failed=asked.reason)
    text = "this is the target itself: what it brings is in status.schema.plan until it is done"
    return PreviewFinding(bundle=asked.bundle, message=text)


def _refusal(resource: LiteLLMDatabase, bundle: Bundle, inside: InsideFacts) -> PreviewFinding | None:
    """Return why no run could plan for that bundle, as the database itself shows."""
    found = state_of(bundle, inside)
    told: Finding
    match found:
        case SchemaState.FOREIGN:
            told = state.foreign(resource, inside)
        case SchemaState.UNLEDGERED:
            told = state.unledgered(inside)
        case SchemaState.AHEAD:
            told = state.ahead(bundle, inside, compatible=False)
        case _:
            return None
    return PreviewFinding(bundle=bundle, state=found, message=told.message, failed=told.reason)


def _answer(question: Question, jobs: tuple[JobFacts, ...]) -> JobFacts | None:
    """Return the newest finished Job that planned from this ledger; another try is due only where it has no plan."""
    asked = (question.mode, question.target.digest, question.ledger)
    answers = (job for job in jobs if job.finished and (job.mode, job.target, job.ledger) == asked)
    last = next(answers, None)
    return last if last and (_planned(last) or last.retry == question.retry) else None


def _planned(job: JobFacts) -> Report | None:
    found = read_report(job)
    if not isinstance(found, Report) or found.outcome is not Outcome.PLANNED or found.plan is None:
        return None
    return found if job.succeeded else None


def _answered(resource: LiteLLMDatabase, question: Question, last: JobFacts, occasion: Occasion) -> PreviewPlan | None:
    """Return what the last run says; None where it says nothing and is long enough ago."""
    bundle = question.target
    if planned := _planned(last):
        return PreviewPlan(finding=PreviewFinding(bundle=bundle, state=planned.state, plan=planned.plan, job=last.name))
    failure = told_of_failure(resource, last, f"Job {last.name}, which plans for bundle {bundle.version},")
    left = last.created + REPEAT_AFTER - occasion.now
    if failure.reason in PASSING and left <= timedelta(0):
        return None
    finding = PreviewFinding(bundle=bundle, job=last.name, message=failure.message, failed=failure.reason)
    return PreviewPlan(finding=finding, retry_after=left.total_seconds() if failure.reason in PASSING else None)
