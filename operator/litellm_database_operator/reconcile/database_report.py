"""The only words in a LiteLLMDatabase's status: from a plan, or from the error that ended a pass."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from litellm_database_operator.errors import OperatorError
from litellm_database_operator.kube.reading import part
from litellm_database_operator.model import conditions
from litellm_database_operator.model.conditions import Condition
from litellm_database_operator.model.observed import LoginState, Observed
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.findings import Finding, State, done, stalled
from litellm_database_operator.planning.plan import Plan
from litellm_database_operator.reconcile import summary
from litellm_database_operator.reconcile.schema_report import schema_status
from litellm_database_operator.reconcile.summary import Past

_DETAILS: Final = (
    conditions.DATABASE_PROVISIONED,
    conditions.CREDENTIALS_PUBLISHED,
    conditions.SCHEMA_MIGRATED,
    conditions.HEALTHY,
)
_BLAMED: Final = {
    Reason.DATABASE_NOT_OURS: conditions.DATABASE_PROVISIONED,
    Reason.ROLE_NOT_OURS: conditions.DATABASE_PROVISIONED,
    Reason.DATABASE_MISSING: conditions.DATABASE_PROVISIONED,
    Reason.SERVER_CHANGED: conditions.DATABASE_PROVISIONED,
    Reason.LIMIT_EXCEEDED: conditions.DATABASE_PROVISIONED,
    Reason.SECRET_NOT_OURS: conditions.CREDENTIALS_PUBLISHED,
    Reason.UNKNOWN_VERSION: conditions.SCHEMA_MIGRATED,
    Reason.BUNDLE_INCOMPLETE: conditions.SCHEMA_MIGRATED,
}
"""Which detail an error speaks of; any other says that health could not be seen."""
_WARNED_OF: Final = frozenset(
    {Reason.IMAGE_PULL_FAILED, Reason.POD_UNSCHEDULABLE, Reason.POD_REFUSED, Reason.AHEAD_AND_COMPATIBLE}
)
"""Nobody must act at once, and yet somebody should know."""
_NOTHING_IS_LEFT: Final = frozenset({Reason.DATABASE_MISSING, Reason.SERVER_CHANGED})


def settled(resource: LiteLLMDatabase, observed: Observed, plan: Plan, *, before: Past, now: datetime) -> Outcome:
    """Say how a pass that came to its end left the database."""
    if observed.login is LoginState.CROWDED and (told := _last_told(plan, before)):
        plan = replace(plan, migrated=told)
    decisive = plan.decisive()
    wanted = [
        *_summary(resource, plan, before, is_seen=observed.inside is not None),
        *map(_detail, _DETAILS, plan.findings()),
    ]
    said = {
        "observedGeneration": before.generation,
        "conditions": conditions.merge(before.conditions, wanted, generation=before.generation, now=now),
    }
    # Suspended, nothing was made or mended: what stands there is what was made before.
    status = (
        dict(before.status) | said
        if resource.spec.suspend
        else said | _made(resource, observed, plan, before=before, now=now)
    )
    return Outcome(
        status=status,
        event=summary.event(wanted[0], before=before, bad=_is_bad(decisive or plan.migrated))
        or _of_preview(plan, before),
        retry_after=plan.retry_after(),
    )


def _made(resource: LiteLLMDatabase, observed: Observed, plan: Plan, *, before: Past, now: datetime) -> dict[str, Any]:
    """Return what was made, and where: no secret."""
    return {
        "binding": {"name": resource.secret_name},
        "connection": {
            "host": observed.endpoint.host,
            "port": observed.endpoint.port,
            "database": resource.database,
            "schema": resource.spec.schema_,
        },
        "schema": schema_status(resource, observed, plan, before=before, now=now),
        "credentials": {"login": resource.roles.app_a},
        "server": _server(observed),
    }


def failed(error: OperatorError, *, before: Past, now: datetime, patient: bool) -> Outcome:
    """Say why a pass could not come to its end."""
    return summary.failed(error, _kept_details(error, before), before=before, now=now, patient=patient)


def _is_bad(finding: Finding) -> bool:
    return finding.state is State.STALLED or finding.reason in _WARNED_OF


def _of_preview(plan: Plan, before: Past) -> Event | None:
    """Return the Event of a preview that cannot be made; Ready has nothing to say of it."""
    found = plan.aside.preview
    said = part(before.status, "schema", "preview").get("message")
    if found is None or found.failed is None or found.message == said:
        return None
    return Event(type="Warning", reason=found.failed, message=f"spec.migration.preview: {found.message}")


def _last_told(plan: Plan, before: Past) -> Finding | None:
    """Return how the schema stood, of a database whose proxies use all of its connections: it works, as it did.

    What waits for a person waits on, rather than look as if it were under way.
    """
    last = before.of_this_generation(conditions.SCHEMA_MIGRATED)
    reason = next((each for each in Reason if last and each == last["reason"]), None)
    if last is None or reason is None or plan.migrated.reason is not Reason.SERVER_BUSY:
        return None
    if last["status"] == "True":
        return done(reason, f"as it was last seen, at bundle {plan.target.version}")
    return stalled(reason, last["message"]) if last["status"] == "False" else None


def _summary(resource: LiteLLMDatabase, plan: Plan, before: Past, *, is_seen: bool) -> list[Condition]:
    decisive = plan.decisive()
    if resource.spec.suspend:
        return _suspended(plan, before, is_seen=is_seen)
    if decisive is None:
        well = plan.migrated.reason if plan.migrated.reason is Reason.AHEAD_AND_COMPATIBLE else Reason.UP_TO_DATE
        return summary.summary("True", done(well, plan.migrated.message))
    return summary.summary("False" if decisive.state is State.STALLED else "Unknown", decisive)


def _suspended(plan: Plan, before: Past, *, is_seen: bool) -> list[Condition]:
    """Say what is so where nothing is healed: a proxy must not start on a schema that is seen not to be its own."""
    text = "spec.suspend is set: nothing is changed or healed"
    if plan.decisive() is None:
        return summary.summary("True", done(Reason.SUSPENDED, text))
    if is_seen and plan.migrated.state is not State.DONE:
        return summary.summary("False", done(Reason.SUSPENDED, f"{text}. The schema: {plan.migrated.message}"))
    ready = conditions.condition_status(before.conditions, conditions.READY) or "Unknown"
    return summary.summary(ready, done(Reason.SUSPENDED, f"{text}; Ready is what it was before"))


def _detail(kind: str, finding: Finding) -> Condition:
    status = {State.DONE: "True", State.WAITING: "Unknown"}.get(finding.state, "False")
    return Condition(type=kind, status=status, reason=finding.reason, message=finding.message)


def _kept_details(error: OperatorError, before: Past) -> list[Condition]:
    """Return the details as they were last seen, but for the one that the error speaks of.

    What was seen of another generation, or of a database that is not there any more, is not known now.
    """
    blamed = _BLAMED.get(error.reason, conditions.HEALTHY)
    outdated = before.status.get("observedGeneration") != before.generation or error.reason in _NOTHING_IS_LEFT
    last = {} if outdated else {each["type"]: each for each in before.conditions}
    return [
        Condition(type=kind, status="False", reason=error.reason, message=error.message)
        if kind == blamed
        else _as_before(kind, last.get(kind), error)
        for kind in _DETAILS
    ]


def _as_before(kind: str, last: Mapping[str, Any] | None, error: OperatorError) -> Condition:
    if last is None:
        text = f"not looked at, because of {error.reason}"
        return Condition(type=kind, status="Unknown", reason=Reason.PENDING, message=text)
    return Condition(type=kind, status=last["status"], reason=last["reason"], message=last["message"])


def _server(observed: Observed) -> dict[str, Any]:
    namespace, name = observed.server_key.split("/", 1)
    return {
        "namespace": namespace,
        "name": name,
        "version": observed.server.version,
        "systemIdentifier": observed.server.system_identifier,
    }
