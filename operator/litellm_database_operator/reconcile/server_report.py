"""The only words in a PostgresServer's status."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from litellm_database_operator.errors import OperatorError
from litellm_database_operator.model import conditions
from litellm_database_operator.model.outcome import Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import PostgresServer
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.planning.findings import done, waiting
from litellm_database_operator.reconcile import summary
from litellm_database_operator.reconcile.server_users import how_to_let_go
from litellm_database_operator.reconcile.servers import Connected
from litellm_database_operator.reconcile.summary import Past

_NAMED_USERS = 5


def available(server: Connected, *, before: Past, now: datetime) -> Outcome:
    """Say that databases can be made on the server, and what it is."""
    facts = server.facts
    wanted = summary.summary("True", done(Reason.AVAILABLE, f"PostgreSQL {facts.version} answers as {facts.admin}"))
    status = _facts(server) | {
        "observedGeneration": before.generation,
        "conditions": conditions.merge(before.conditions, wanted, generation=before.generation, now=now),
    }
    return Outcome(status=status, event=summary.event(wanted[0], before=before, bad=False))


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


def in_use(
    server: PostgresServer, seen: list[ResourceKey], unseen: list[ResourceKey], *, before: Past, now: datetime
) -> Outcome:
    """Say who holds a deletion: the server serves on, and takes no new database.

    `seen` are LiteLLMDatabases; where there is none, `unseen` are those of which the operator knows by a mark alone.
    """
    text = f"waiting to be deleted: used by LiteLLMDatabase {_named(seen or unseen)}; it takes no new database"
    if not seen:
        text += (
            f". The operator cannot look into namespace {_named({each.namespace for each in unseen})}, and goes by the "
            f"marks on the server: have it watch there again, and delete them. {how_to_let_go(server)}"
        )
    wanted = summary.summary("False", waiting(Reason.IN_USE, text))
    merged = conditions.merge(before.conditions, wanted, generation=before.generation, now=now)
    status = dict(before.status) | {"observedGeneration": before.generation, "conditions": merged}
    return Outcome(status=status, event=summary.event(wanted[0], before=before, bad=True))


def _named(users: Iterable[object]) -> str:
    named = sorted(map(str, users))
    more = f" and {len(named) - _NAMED_USERS} more" if len(named) > _NAMED_USERS else ""
    return ", ".join(named[:_NAMED_USERS]) + more
