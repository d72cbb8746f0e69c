"""The gate between a plan and its first statement. Pure."""

from dataclasses import dataclass

from litellm_database_operator.migrator.planned import Plan
from litellm_database_operator.model.migration import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whether a plan passes, and why, in words for a person."""

    passes: bool
    words: str


def ask_gate(policy: Policy, approved: str, plan: Plan, *, begun: Plan | None = None) -> Gate:
    """Say whether a plan passes; `approved` names one, or is empty.

    `begun` is the plan that this run had first: what a lost connection left of an approved plan is approved, too.
    """
    if plan.does_nothing:
        return Gate(passes=True, words="there is nothing to approve")
    if approved and approved in _names(plan, begun):
        return Gate(passes=True, words="the plan is approved")
    why = _needs(policy, plan)
    if why is None:
        return Gate(passes=True, words=_unneeded(policy, approved))
    other = "; spec.migration.approvedPlan names another plan than this one" if approved else ""
    return Gate(passes=False, words=f"{why}{other}")


def _names(plan: Plan, begun: Plan | None) -> frozenset[str]:
    """Return the digests that stand for a plan: also that of the plan which this one is the rest of."""
    if begun is None or not (_files(plan) <= _files(begun) and _losses(plan) <= _losses(begun)):
        return frozenset({plan.digest})
    return frozenset({plan.digest, begun.digest})


def _files(plan: Plan) -> frozenset[tuple[str, str]]:
    return frozenset((file.name, file.checksum) for file in plan.files)


def _losses(plan: Plan) -> frozenset[tuple[str, str]]:
    return frozenset((statement.act, statement.object) for statement in plan.losing)


def _needs(policy: Policy, plan: Plan) -> str | None:
    """Say why a plan needs an approval; None where it needs none."""
    match policy:
        case Policy.AUTO:
            return None
        case Policy.SAFE:
            return f"policy Safe: {len(plan.losing)} statements could lose rows that exist" if plan.losing else None
        case Policy.MANUAL:
            return "policy Manual: nothing is changed without an approval"


def _unneeded(policy: Policy, approved: str) -> str:
    if approved:
        return f"policy {policy} lets this plan pass; spec.migration.approvedPlan names another one, and was not needed"
    return f"policy {policy} lets this plan pass"
