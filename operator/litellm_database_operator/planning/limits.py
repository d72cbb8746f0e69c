"""What a PostgresServer's limits leave a database: how many connections, and whether it may be made at all.

A limit takes nothing from a database that exists: it keeps what it has, and is told of it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model.observed import Observed
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import UNLIMITED

HEALTH_CONNECTIONS: Final = 2
"""The health check logs in as the app does, from two operators at once in a hand-over."""


def connections_for(resource: LiteLLMDatabase, observed: Observed) -> int | None:
    """Return how many connections the proxies of a database may have; None for any number."""
    asked, ceiling = resource.spec.credentials.connection_limit, _ceiling(resource, observed)
    if asked is None or ceiling is None:
        return ceiling if asked is None else asked
    return min(asked, ceiling)


def check_connections(resource: LiteLLMDatabase, observed: Observed) -> None:
    """Refuse a database that is yet to be made and asks for more connections than it may have."""
    told = too_many_connections(resource, observed)
    if told and not _connections_had(resource, observed):
        raise InvalidSpecError(Reason.LIMIT_EXCEEDED, told)


def too_many_connections(resource: LiteLLMDatabase, observed: Observed) -> str | None:
    """Return what is said of one that asks for more connections than it may have or already has, or None."""
    asked, ceiling = resource.spec.credentials.connection_limit, _ceiling(resource, observed)
    if asked is None or ceiling is None or asked <= ceiling:
        return None
    serves = f" The database serves on with {ceiling}." if _connections_had(resource, observed) else ""
    return (
        f"cannot give database {resource.database} {asked} connections: limits.connectionsPerDatabase of "
        f"PostgresServer {observed.server_key} allows {observed.connections_allowed}.{serves} "
        f"Set spec.credentials.connectionLimit to {ceiling} or less, or ask the server's owner to raise the limit"
    )


def kept_connections(resource: LiteLLMDatabase, observed: Observed) -> str:
    """Return what is said of one that has more connections than a database gets by now; empty for any other."""
    allowed, has = observed.connections_allowed, connections_for(resource, observed)
    if allowed is None or (has is not None and has <= allowed):
        return ""
    return (
        f"; it keeps {has or 'any number of'} connections, more than the {allowed} that limits.connectionsPerDatabase "
        f"of PostgresServer {observed.server_key} gives by now, until spec.credentials.connectionLimit is set to less"
    )


def _ceiling(resource: LiteLLMDatabase, observed: Observed) -> int | None:
    allowed, had = observed.connections_allowed, _connections_had(resource, observed)
    if allowed is None or UNLIMITED in had:
        return None
    return max([allowed, *(each - HEALTH_CONNECTIONS for each in had)])


def _connections_had(resource: LiteLLMDatabase, observed: Observed) -> tuple[int, ...]:
    """Return the limits of the logins that exist."""
    roles = observed.catalog.roles
    return tuple(roles[login].connection_limit for login in resource.roles.logins() if login in roles)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Claimant:
    """A resource that has a database or wants one; the oldest comes first, and by name of those of one second."""

    created: str
    """As Kubernetes writes it, which orders as text."""
    name: str
    uid: str


def taken_before(mine: Claimant, *, holding: Collection[str], asking: Iterable[Claimant]) -> int:
    """Count the places that are taken for a resource: `holding` are the uids of those that have one, or were let in.

    Whoever asked before has his place, also where somebody must yet mend his resource.
    """
    before = {each.uid for each in asking if each < mine}
    return len((before | set(holding)) - {mine.uid})


def check_place(taken: int, limit: int, *, namespace: str, server: str) -> None:
    """Refuse one database too many of a namespace."""
    if taken >= limit:
        raise InvalidSpecError(
            Reason.LIMIT_EXCEEDED,
            f"cannot make the database: namespace {namespace} has {taken} on PostgresServer {server}, those counted "
            f"that were asked for before this one, and its limits.databasesPerNamespace allows {limit}. It is made by "
            "itself once a LiteLLMDatabase there is deleted; or ask the server's owner to raise the limit",
        )
