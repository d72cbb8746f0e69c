"""Conditions as kstatus, kubectl wait and Argo CD read them; made by reconcile/summary.py and *_report.py.

Order matters: kstatus takes the first of Reconciling and Stalled that is True. Each carries its own
observedGeneration, which `kubectl wait` reads before that of status.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from litellm_database_operator.model.reasons import Reason

READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
DATABASE_PROVISIONED: Final = "DatabaseProvisioned"
CREDENTIALS_PUBLISHED: Final = "CredentialsPublished"
SCHEMA_MIGRATED: Final = "SchemaMigrated"
HEALTHY: Final = "Healthy"
_WORDS_VARY: Final = frozenset(
    {
        Reason.SERVER_UNREACHABLE,
        Reason.IMAGE_PULL_FAILED,
        Reason.POD_UNSCHEDULABLE,
        Reason.POD_REFUSED,
        # the pod of a comparison may not get to run either
        Reason.UP_TO_DATE,
        Reason.MIGRATED,
    }
)
_FOREIGN: Final = re.compile(r'"[^"]*"|\([^()]*\)')
MAX_MESSAGE: Final = 2000
"""Characters, so that the command after the longest report still fits; the API allows 32,768."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition, as it should be."""

    type: str
    status: str
    """True, False or Unknown."""
    reason: str
    """One of ours, or one that another version of the operator wrote."""
    message: str


def merge(
    found: Iterable[Mapping[str, Any]], wanted: Iterable[Condition], *, generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return `wanted` as the API has it; a condition whose status stays keeps its lastTransitionTime."""
    before = {each["type"]: each for each in found}
    return [_merged(before.get(each.type), each, generation, now) for each in wanted]


def says_the_same(before: Mapping[str, Any] | None, wanted: Condition) -> bool:
    """Tell whether a condition that was written says what is wanted.

    Of a fault that lasts, the words in quotes and brackets are others', and change from look to look.
    """
    if before is None or (before.get("status"), before.get("reason")) != (wanted.status, str(wanted.reason)):
        return False
    said, says = str(before.get("message")), wanted.message[:MAX_MESSAGE]
    return said == says or (wanted.reason in _WORDS_VARY and _own_words(said) == _own_words(says))


def _own_words(message: str) -> str:
    return _FOREIGN.sub("", message)


def _merged(before: Mapping[str, Any] | None, wanted: Condition, generation: int, now: datetime) -> dict[str, Any]:
    same = says_the_same(before, wanted)
    stays = before is not None and before.get("status") == wanted.status
    since = before["lastTransitionTime"] if before and stays else timestamp(now)
    return {
        "type": wanted.type,
        "status": wanted.status,
        "reason": str(wanted.reason),
        "message": before["message"] if before and same else wanted.message[:MAX_MESSAGE],
        "lastTransitionTime": since,
        "observedGeneration": generation,
    }


def timestamp(now: datetime) -> str:
    """Return a time as Kubernetes writes it: UTC, whole seconds."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition_status(conditions: Iterable[Mapping[str, Any]], kind: str) -> str | None:
    """Return the status of one condition, None when it is not there."""
    return next((str(each["status"]) for each in conditions if each["type"] == kind), None)
