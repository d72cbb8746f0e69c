"""The steps from nothing to a database that its logins may enter."""

from collections.abc import Iterator

from litellm_database_operator.model.observed import Observed
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.planning.roles import plan_roles
from litellm_database_operator.planning.steps import CreateDatabase, PrepareDatabase, RestrictDatabase, Step


def plan_database(resource: LiteLLMDatabase, observed: Observed, mark: Mark) -> Iterator[Step]:
    """Yield what is missing; guards have passed, so that whatever exists is ours.

    That the logins may CONNECT is granted last, and so tells that the inside was prepared.
    """
    catalog, roles = observed.catalog, resource.roles
    if shape := plan_roles(resource, catalog, admin=observed.server.admin, mark=mark):
        yield shape
    database = catalog.database
    if database is None:
        yield CreateDatabase(database=resource.database)
    elif database.public_rights:
        yield RestrictDatabase(database=resource.database)
    if not is_prepared(resource, observed):
        yield PrepareDatabase(database=resource.database, schema=resource.spec.schema_, roles=roles)


def is_prepared(resource: LiteLLMDatabase, observed: Observed) -> bool:
    """Tell whether logins may enter the database; none ever has when they may not."""
    database = observed.catalog.database
    return database is not None and {resource.roles.app, resource.roles.migrator} <= database.connecting
