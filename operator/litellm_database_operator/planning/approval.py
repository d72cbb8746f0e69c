"""What is said of a plan that waits for a person, and how the person lets it pass."""

from litellm_database_operator.model.migration import Policy
from litellm_database_operator.model.observed import JobFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import PlanSummary
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.findings import Finding, stalled
from litellm_database_operator.planning.words import quoted


def awaiting(resource: LiteLLMDatabase, job: JobFacts, plan: PlanSummary, *, serves: bool, applied: int) -> Finding:
    """Return the finding for a plan that the gate did not let pass; its digest was checked when it was read.

    `serves`: there is a schema already, of an older bundle. `applied`: migrations that the run applied before it had
    to plan anew, and what was left of its way did not pass.
    """
    namespace = resource.metadata.namespace
    return stalled(
        Reason.AWAITING_APPROVAL,
        f"the migration waits for approval: {_why(resource, plan)}. {_done(applied, serves=serves)}."
        f"{_other_approval(resource, plan)} Read the whole plan (kubectl -n {namespace} logs job/{job.name}), "
        f"then let it pass: {how_to_approve(resource, plan)}",
    )


def how_to_approve(resource: LiteLLMDatabase, plan: PlanSummary) -> str:
    """Return the command that approves a plan."""
    meta = resource.metadata
    patch = f'{{"spec":{{"migration":{{"approvedPlan":"{plan.digest}"}}}}}}'
    return f"kubectl -n {meta.namespace} patch litellmdatabase {meta.name} --type merge -p '{patch}'"


def _why(resource: LiteLLMDatabase, plan: PlanSummary) -> str:
    if plan.loses:
        return f"rows that exist would be lost: {_worst(plan.loses, plan.loses_total)}"
    manual = "spec.migration.policy is Manual, and " if resource.spec.migration.policy is Policy.MANUAL else ""
    pending = f"{manual}still to be made: {_files(plan)}"
    if plan.blocks:
        return f"{pending}; it stops reads or writes: {_worst(plan.blocks, plan.blocks_total)}"
    return pending


def _done(applied: int, *, serves: bool) -> str:
    if applied:
        files = "1 migration was" if applied == 1 else f"{applied} migrations were"
        return f"{files} applied before that was known, and will not be undone; nothing else was changed"
    return "Nothing was changed, and the database serves on" if serves else "Nothing was changed"


def _files(plan: PlanSummary) -> str:
    if not plan.pending:
        return "indexes or views"
    first = f", the first {quoted(plan.first)}" if plan.first else ""
    return f"{plan.pending} {'migration' if plan.pending == 1 else 'migrations'}{first}"


def _worst(lines: tuple[str, ...], total: int) -> str:
    more = max(total, len(lines)) - 1
    return quoted(lines[0]) + (f" and {more} more" if more else "")


def _other_approval(resource: LiteLLMDatabase, plan: PlanSummary) -> str:
    """Say that somebody approved another plan: an older one, most often."""
    approved = resource.spec.migration.approved_plan
    if approved is None or approved == plan.digest:
        return ""
    return f" spec.migration.approvedPlan names another plan ({approved}): database or target changed since."
