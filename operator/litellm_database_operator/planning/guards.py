"""What must be so before anything is done for a database; each guard raises, and nothing has been touched then.

The worst that could happen is an empty database published over a real one, and one tenant's name taken by another:
these lines are what prevents both.
"""

from typing import Final

from litellm_database_operator.errors import InvalidSpecError, MustActError, NotOursError, UnavailableError
from litellm_database_operator.model import names
from litellm_database_operator.model.observed import CatalogFacts, Observed, SecretFacts, ServerFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import clean
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.planning.database import was_provisioned
from litellm_database_operator.planning.limits import check_connections

OLDEST_MAJOR: Final = 14
_PUBLIC_IS_CLOSED_SINCE: Final = 15
"""Before, schema public belongs to the bootstrap superuser and lets everybody create.
https://www.postgresql.org/docs/release/15.0/"""


def check_server(server: ServerFacts) -> None:
    """Refuse a server that nothing can be made on, whatever the resource asks for."""
    if server.major < OLDEST_MAJOR:
        raise MustActError(
            Reason.SERVER_TOO_OLD,
            f"cannot use the server: it is PostgreSQL {clean(server.version)}, "
            f"and {OLDEST_MAJOR} is the oldest supported",
        )
    if server.in_recovery:
        raise UnavailableError(
            Reason.SERVER_READ_ONLY,
            "cannot write to the server: it is in recovery (a replica, or a fail-over is under way)",
        )
    if server.missing_privileges:
        lacking = " and ".join(server.missing_privileges)
        raise MustActError(
            Reason.ADMIN_LACKS_PRIVILEGES,
            f"cannot make databases and roles: the admin lacks {lacking}; "
            f"as a superuser run: ALTER ROLE <the admin> {' '.join(server.missing_privileges)}",
        )


def check_request(resource: LiteLLMDatabase, *, server_namespace: str) -> None:
    """Refuse a chosen name that another namespace could claim; one that we made out of the resource's is its own."""
    namespace, chosen = resource.metadata.namespace, resource.spec.database
    prefix = names.foreign_prefix(namespace)
    if chosen and namespace != server_namespace and not chosen.startswith(prefix):
        raise InvalidSpecError(
            Reason.NAME_NOT_ALLOWED,
            f'cannot use spec.database: on a server of another namespace it must begin with "{prefix}"; '
            "create the resource anew with such a name, or without one",
        )


def check_observed(resource: LiteLLMDatabase, observed: Observed, mark: Mark) -> None:
    """Refuse to go on where something is another's, is gone, or is not what it was."""
    check_server(observed.server)
    _check_identity(observed)
    check_claim(observed.catalog, mark, resource)
    check_connections(resource, observed)
    _check_database(resource, observed)
    _check_runtime(resource, observed.server)
    for secret in (observed.secret, observed.ca_secret):
        _check_secret(secret)


def check_claim(catalog: CatalogFacts, mark: Mark, resource: LiteLLMDatabase) -> None:
    """Refuse roles and a database that do not bear our mark."""
    if catalog.mark is not None:
        _check_mark(catalog.mark, mark, resource)
    elif catalog.roles:
        raise NotOursError(
            Reason.ROLE_NOT_OURS,
            f"cannot use database {resource.database}: role {min(catalog.roles)} exists and bears no mark of this "
            "operator; choose another spec.database, or have the server's owner rename the role",
        )
    elif catalog.database is not None:
        raise NotOursError(
            Reason.DATABASE_NOT_OURS,
            f"cannot use database {resource.database}: it exists and bears no mark of this operator; "
            "choose another spec.database",
        )


def _check_mark(found: Mark, ours: Mark, resource: LiteLLMDatabase) -> None:
    if found.same_claim(ours):
        return
    if found.identity != ours.identity:
        claimant = "another installation of this operator"
    elif found.namespace == ours.namespace and found.namespace_uid != ours.namespace_uid:
        claimant = f"an earlier namespace {found.namespace}"
    else:
        claimant = clean(f"LiteLLMDatabase {found.namespace}/{found.name}")
    raise NotOursError(
        Reason.DATABASE_NOT_OURS,
        f"cannot use database {resource.database}: it is claimed by {claimant}; choose another spec.database",
    )


def _check_identity(observed: Observed) -> None:
    recorded = observed.recorded_system_identifier
    if recorded is not None and recorded != observed.server.system_identifier:
        raise MustActError(
            Reason.SERVER_CHANGED,
            f"cannot go on: the database was made on the server with system identifier {clean(recorded)}, "
            f"and this one has {observed.server.system_identifier} (a restore, another host?); nothing is made on it. "
            "Point the PostgresServer back, or delete this resource and its Secret and create it anew to begin empty",
        )


def _check_database(resource: LiteLLMDatabase, observed: Observed) -> None:
    database = observed.catalog.database
    if database is None:
        _check_never_made(resource, observed)
    elif not database.valid:
        raise MustActError(
            Reason.DATABASE_MISSING,
            f"cannot use database {resource.database}: a DROP DATABASE of it was interrupted (datconnlimit is -2); "
            "drop it and restore it",
        )
    elif not database.accepts_connections:
        raise UnavailableError(
            Reason.LOGIN_FAILED,
            f"cannot log in to database {resource.database}: somebody closed it (datallowconn is false); "
            "when that work is done, open it by ALTER DATABASE … ALLOW_CONNECTIONS true",
        )


def _check_never_made(resource: LiteLLMDatabase, observed: Observed) -> None:
    if was_provisioned(resource, observed):
        raise MustActError(
            Reason.DATABASE_MISSING,
            f"cannot find database {resource.database}, which was made on this server before; it is not made "
            "again, for it would be empty. Restore it; or, to begin empty, delete this resource and its Secret, have "
            f"the server's owner drop role {resource.roles.owner} and its like if they are still there, and create "
            "it anew",
        )


def _check_runtime(resource: LiteLLMDatabase, server: ServerFacts) -> None:
    if server.major < _PUBLIC_IS_CLOSED_SINCE and not server.superuser and resource.spec.schema_ == "public":
        raise MustActError(
            Reason.RUNTIME_MAY_CREATE,
            f"cannot keep the proxy from creating objects: on PostgreSQL {server.major} an admin who is no superuser "
            "cannot take CREATE on schema public from PUBLIC; create the resource anew with another spec.schema, "
            "such as litellm",
        )


def _check_secret(secret: SecretFacts | None) -> None:
    if secret is not None and secret.predecessor:
        raise UnavailableError(
            Reason.PROVISIONING,
            f"waiting for Secret {secret.name} of an earlier resource of this name to be collected",
        )
    if secret is not None and not secret.ours:
        raise NotOursError(
            Reason.SECRET_NOT_OURS,
            f"cannot publish Secret {secret.name}: one of that name exists and is not ours; "
            "choose another spec.secret.name, or delete it",
        )
