"""Plans, and Jobs that made one: what tests of gate and preview are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from litellm_database_operator.model.bundle import Bundle, ledger_fingerprint
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.observed import JobFacts
from litellm_database_operator.model.report import Outcome, PlanSummary, Report, dump
from litellm_database_operator.model.schema_state import SchemaState
from tests.support.planning import BUNDLE, NEWER, job_of, pod_of

DIGEST: Final = "sha256:" + "1" * 64
OTHER_DIGEST: Final = "sha256:" + "2" * 64
LOSES: Final = PlanSummary(
    digest=DIGEST,
    pending=1,
    first="20250301000000_third",
    loses=("DROP COLUMN old of LiteLLM_TeamTable", "DROP TABLE LiteLLM_Old"),
    loses_total=5,
    blocks=("ALTER COLUMN spend of LiteLLM_SpendLogs rewrites 12 GB",),
    blocks_total=1,
    breaks=True,
)
HARMLESS: Final = PlanSummary(digest=DIGEST, pending=1, first="20250301000000_third")


def planned(
    plan: PlanSummary | None = LOSES,
    *,
    outcome: Outcome = Outcome.AWAITING_APPROVAL,
    target: Bundle = NEWER,
    ledger: Iterable[str] = BUNDLE.migrations,
    applied: int = 0,
    **changes: object,
) -> JobFacts:
    """Return a Job that made a plan to `target`, changed nothing (but for `applied`), and ended well."""
    told = Report(
        outcome=outcome,
        bundle=target.version,
        digest=target.digest,
        applied=applied,
        total=len(target.migrations),
        ledger=ledger_fingerprint(ledger),
        seconds=0.7,
        state=SchemaState.BEHIND,
        plan=plan,
    )
    left = pod_of(left=dump(told), exit_code=0)
    return replace(job_of(target, ledger=ledger, finished=True, succeeded=True, pod=left), **changes)


def previewed(plan: PlanSummary | None = LOSES, **changes: Any) -> JobFacts:
    """Return a Job that planned, for a preview, to the newer bundle."""
    preview: dict[str, Any] = {"name": "gateway-migrate-11111111", "mode": RunMode.PREVIEW, "gate": ""}
    return planned(plan, outcome=Outcome.PLANNED, **(preview | changes))
