"""The first three conditions, Ready, Reconciling and Stalled, as both kinds of resource have them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from litellm_database_operator.errors import MustActError, OperatorError
from litellm_database_operator.model import conditions
from litellm_database_operator.model.conditions import Condition
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.planning.findings import Finding, State

_READY_SURVIVES: Final = 60.0
"""Seconds of a passing fault that an established Ready lives through: a fail-over must not ring for every database."""
_EXPECTED: Final = frozenset({Reason.STARTING, Reason.SERVER_NOT_READY})
"""What every first start goes through: no Warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was written before."""

    status: Mapping[str, Any]
    generation: int

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        """The conditions that were written."""
        return self.status.get("conditions") or []

    def was_ready(self) -> bool:
        """Tell whether this generation was Ready."""
        ready = conditions.condition_status(self.conditions, conditions.READY) == "True"
        return ready and self.status.get("observedGeneration") == self.generation

    def of_this_generation(self, kind: str) -> Mapping[str, Any] | None:
        """Return a condition as it was written of this generation, None where it was not."""
        told = self.conditions if self.status.get("observedGeneration") == self.generation else []
        return next((each for each in told if each["type"] == kind), None)


def past(body: Mapping[str, Any]) -> Past:
    """Return what a resource's status says."""
    return Past(status=body.get("status") or {}, generation=body["metadata"].get("generation", 1))


class Patience:
    """Since when each resource has been faulty; in memory, for a restart may begin anew."""

    def __init__(self) -> None:
        """Know of no fault."""
        self._since: dict[ResourceKey, float] = {}

    def with_fault_of(self, key: ResourceKey) -> bool:
        """Note a fault, and tell whether it is young enough to leave an established Ready as it is."""
        now = time.monotonic()
        return now - self._since.setdefault(key, now) < _READY_SURVIVES

    def ends(self, key: ResourceKey) -> None:
        """Note a pass without a fault."""
        self._since.pop(key, None)


def summary(status: str, finding: Finding) -> list[Condition]:
    """Return the three for what decides on Ready: True with nothing to do, else why not."""
    works = finding.state in (State.WAITING, State.STALLED)
    return [
        Condition(type=conditions.READY, status=status, reason=finding.reason, message=finding.message),
        _flag(conditions.RECONCILING, finding, on=works and finding.state is State.WAITING),
        _flag(conditions.STALLED, finding, on=works and finding.state is State.STALLED),
    ]


def _flag(kind: str, finding: Finding, *, on: bool) -> Condition:
    if on:
        return Condition(type=kind, status="True", reason=finding.reason, message=finding.message)
    return Condition(type=kind, status="False", reason=Reason.SETTLED, message="")


def event(ready: Condition, *, before: Past, bad: bool) -> Event | None:
    """Return the Event that goes with Ready, None where Ready says what it said before."""
    last = next((each for each in before.conditions if each["type"] == conditions.READY), None)
    if conditions.says_the_same(last, ready):
        return None
    return Event(type="Warning" if bad else "Normal", reason=ready.reason, message=ready.message)


def failed(
    error: OperatorError, details: Sequence[Condition], *, before: Past, now: datetime, patient: bool
) -> Outcome:
    """Say why a pass could not come to its end; `patient` leaves an established Ready as it is for a while."""
    must_act = isinstance(error, MustActError)
    if patient and not must_act and before.was_ready():
        return Outcome(status=None, failed=True)
    state = State.STALLED if must_act else State.WAITING
    finding = Finding(state=state, reason=error.reason, message=error.message)
    ready = "False" if must_act else _not_ready(before)
    wanted = [*summary(ready, finding), *details]
    status = dict(before.status) | {
        "observedGeneration": before.generation,
        "conditions": conditions.merge(before.conditions, wanted, generation=before.generation, now=now),
    }
    told = event(wanted[0], before=before, bad=error.reason not in _EXPECTED)
    return Outcome(status=status, event=told, failed=not must_act)


def _not_ready(before: Past) -> Literal["False", "Unknown"]:
    """Return False for what had been ready and is so no more, Unknown for what has not been yet."""
    if before.was_ready():
        return "False"
    lost = conditions.condition_status(before.conditions, conditions.READY) == "False"
    stalled = conditions.condition_status(before.conditions, conditions.STALLED) == "True"
    return "False" if lost and not stalled else "Unknown"
