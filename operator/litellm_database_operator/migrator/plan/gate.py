"""The gate between a plan and its first statement. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from litellm_database_operator.migrator.plan.plan import Plan
from litellm_database_operator.model.migration import Policy
from litellm_database_operator.model.report import clean

_LONGEST: Final = 200
"""Characters by which names are compared: a plan in the history has them cleaned, and the longest cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whether a plan passes, and why, in words for a person."""

    passes: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a plan stands for: its files, and what it could lose."""

    files: frozenset[tuple[str, str]]
    """Names and checksums."""
    losses: frozenset[tuple[str, str]]
    """Acts and objects."""

    def covers(self, other: "Scope") -> bool:
        """Whether another plan is a part of this one, and would lose nothing more."""
        return other.files <= self.files and other.losses <= self.losses


def ask_gate(policy: Policy, approved: str, plan: Plan, *, begun: Scope | None = None) -> Gate:
    """Say whether a plan passes; `approved` names one, or is empty.

    `begun` is the approved plan, where a run has begun it and did not come to its end: the rest of it is approved too.
    """
    if plan.does_nothing:
        return Gate(passes=True, words="there is nothing to approve")
    if approved and approved == plan.digest:
        return Gate(passes=True, words="the plan is approved")
    if approved and begun is not None and begun.covers(scope_of(plan)):
        return Gate(passes=True, words="the plan is the rest of an approved one, which a run has begun")
    why = _needs(policy, plan)
    if why is None:
        return Gate(passes=True, words=_unneeded(policy, approved))
    other = "; spec.migration.approvedPlan names another plan than this one" if approved else ""
    return Gate(passes=False, words=f"{why}{other}")


def scope_of(plan: Plan) -> Scope:
    """Return what a plan stands for."""
    return Scope(
        files=frozenset((clean(file.name, _LONGEST), file.checksum) for file in plan.files),
        losses=frozenset((str(statement.act), clean(statement.object, _LONGEST)) for statement in plan.losing),
    )


def read_scope(document: Mapping[str, Any]) -> Scope | None:
    """Return what a plan of the history stands for, as far as it is listed there; None for what is no plan.

    The owner's role can write there whatever it likes, which gives it nothing: it could run the statements itself.
    """
    try:
        files = document["files"]
        losing = [each for file in files for each in file["statements"] if each["loses"] and each["rows"] is not False]
        return Scope(
            files=frozenset((clean(file["name"], _LONGEST), str(file["checksum"])) for file in files),
            losses=frozenset((str(each["act"]), clean(each["object"], _LONGEST)) for each in losing),
        )
    except (LookupError, TypeError, AttributeError):
        return None


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
