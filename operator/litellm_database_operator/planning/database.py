"""The steps from nothing to a database that its logins may enter."""

from collections.abc import Collection, Iterator

from litellm_database_operator.model.observed import CatalogFacts, Observed
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.planning.limits import connections_for
from litellm_database_operator.planning.roles import plan_roles
from litellm_database_operator.planning.steps import (
    AdmitLogins,
    CreateDatabase,
    ExtendHistory,
    PrepareDatabase,
    RestrictDatabase,
    Step,
)


def plan_database(resource: LiteLLMDatabase, observed: Observed, mark: Mark) -> Iterator[Step]:
    """Yield what is missing; guards have passed, so that whatever exists is ours.

    That the logins may CONNECT is granted last, and so tells that the inside was prepared.
    """
    catalog, roles = observed.catalog, resource.roles
    connections = connections_for(resource, observed)
    if shape := plan_roles(resource, catalog, server=observed.server, mark=mark, connections=connections):
        yield shape
    database = catalog.database
    if database is None:
        yield CreateDatabase(database=resource.database)
    elif database.public_rights:
        yield RestrictDatabase(database=resource.database)
    if is_new(resource, observed):
        yield PrepareDatabase(database=resource.database, schema=resource.spec.schema_, roles=roles)
    elif not is_prepared(resource, observed):
        # What tenants have their hands on is not prepared again.
        yield AdmitLogins(database=resource.database, roles=roles)


def plan_history(
    resource: LiteLLMDatabase, observed: Observed, files: Collection[str], *, needed: bool
) -> Iterator[Step]:
    """Yield what brings our own history in a database in use to `files`, the image's; one that has more is left.

    `needed` says that a run begins after it, which writes there. Otherwise it keeps nobody from being ready.
    """
    if observed.inside is not None and not observed.inside.history.issuperset(files):
        yield ExtendHistory(database=resource.database, roles=resource.roles, needed=needed)


def is_prepared(resource: LiteLLMDatabase, observed: Observed) -> bool:
    """Tell whether logins may enter the database."""
    database = observed.catalog.database
    return database is not None and {resource.roles.app, resource.roles.migrator} <= database.connecting


def was_provisioned(resource: LiteLLMDatabase, observed: Observed) -> bool:
    """Tell whether the database was once made to its end, by what outlives it.

    The record can be lost with status and Secret, in a cluster that was restored; that a login may log in cannot:
    it is let in only after the database was made.
    """
    return observed.recorded_system_identifier is not None or was_entered(resource, observed.catalog)


def was_entered(resource: LiteLLMDatabase, catalog: CatalogFacts) -> bool:
    """Tell whether the catalogues alone show that a login was let into the database once."""
    roles = catalog.roles
    may_log_in = any(login in roles and roles[login].login for login in resource.roles.logins())
    return may_log_in or (catalog.mark is not None and catalog.mark.released)


def is_new(resource: LiteLLMDatabase, observed: Observed) -> bool:
    """Tell whether no login could ever enter the database, so that it must be empty."""
    return not (is_prepared(resource, observed) or was_provisioned(resource, observed))
