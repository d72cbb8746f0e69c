"""The only words in a PostgresServer's status."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from litellm_database_operator.errors import OperatorError
from litellm_database_operator.model import conditions
from litellm_database_operator.model.outcome import Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.planning.findings import done, waiting
from litellm_database_operator.reconcile import summary
from litellm_database_operator.reconcile.servers import Connected
from litellm_database_operator.reconcile.summary import Past

_NAMED_USERS = 5


def available(server: Connected, *, unread: Mapping[str, str], before: Past, now: datetime) -> Outcome:
    """Say that databases can be made on the server, what it is, and which namespaces it should let in and cannot.

    `unread` holds those whose labels could not be read, and why.
    """
    facts = server.facts
    text = f"PostgreSQL {facts.version} answers as {facts.admin}{_kept_out(unread)}"
    wanted = summary.summary("True", done(Reason.AVAILABLE, text))
    status = _facts(server) | {
        "observedGeneration": before.generation,
        "conditions": conditions.merge(before.conditions, wanted, generation=before.generation, now=now),
    }
    return Outcome(status=status, event=summary.event(wanted[0], before=before, bad=bool(unread)))


def _kept_out(unread: Mapping[str, str]) -> str:
    if not unread:
        return ""
    first = min(unread)
    more = f" and {len(unread) - 1} more" if len(unread) > 1 else ""
    return (
        f". Databases of namespace {first}{more} are kept out, because spec.allowedNamespaces.selector goes by labels "
        f"that the operator may not read ({unread[first]}): let it get namespaces there"
    )


def unfit(server: Connected, error: OperatorError, *, before: Past, now: datetime) -> Outcome:
    """Say why no database can be made on a server that answers, and what it is all the same."""
    outcome = summary.failed(error, (), before=before, now=now, patient=False)
    return replace(outcome, status=dict(outcome.status or {}) | _facts(server))


def _facts(server: Connected) -> dict[str, Any]:
    facts = server.facts
    return {
        "endpoint": server.endpoint.authority(),
        "version": facts.version,
        "systemIdentifier": facts.system_identifier,
        "inRecovery": facts.in_recovery,
        "admin": facts.admin,
        "missingPrivileges": list(facts.missing_privileges),
    }


def server_failed(error: OperatorError, *, before: Past, now: datetime, patient: bool) -> Outcome:
    """Say why the server cannot be used."""
    return summary.failed(error, (), before=before, now=now, patient=patient)


def in_use(users: list[ResourceKey], *, before: Past, now: datetime) -> Outcome:
    """Say who holds a deletion: the server serves on, and takes no new database."""
    named = ", ".join(map(str, users[:_NAMED_USERS]))
    more = f" and {len(users) - _NAMED_USERS} more" if len(users) > _NAMED_USERS else ""
    text = f"waiting to be deleted: used by LiteLLMDatabase {named}{more}; it takes no new database"
    wanted = summary.summary("False", waiting(Reason.IN_USE, text))
    merged = conditions.merge(before.conditions, wanted, generation=before.generation, now=now)
    status = dict(before.status) | {"observedGeneration": before.generation, "conditions": merged}
    return Outcome(status=status, event=summary.event(wanted[0], before=before, bad=True))
