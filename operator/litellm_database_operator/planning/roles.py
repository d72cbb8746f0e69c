"""Which roles and memberships a database should have, and what is to be done about those that it has."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from litellm_database_operator.model.names import RoleName, RoleNames
from litellm_database_operator.model.observed import CatalogFacts
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark, Membership, Role
from litellm_database_operator.planning.steps import ShapeRoles

_HEALTH_CONNECTIONS: Final = 2
"""The health check logs in as the app does, from two operators at once in a hand-over."""
_UNLIMITED: Final = -1


def wanted_roles(resource: LiteLLMDatabase) -> tuple[Role, ...]:
    """Return the roles as they are created: none can log in before it is given a password."""
    asked = resource.spec.credentials.connection_limit
    limit = _UNLIMITED if asked is None else asked + _HEALTH_CONNECTIONS
    roles = resource.roles
    return (
        Role(name=roles.owner, login=False),
        Role(name=roles.migrator, login=False, acts_as=roles.owner),
        Role(name=roles.app, login=False),
        *(Role(name=login, login=False, connection_limit=limit) for login in roles.logins()),
    )


def wanted_memberships(roles: RoleNames, admin: RoleName) -> frozenset[Membership]:
    """Return who belongs to whom.

    The admin inherits each role, or one with CREATEROLE alone could neither end its sessions nor drop it.
    """
    return frozenset(
        {
            Membership(group=roles.owner, member=roles.migrator, inherit=False),
            *(Membership(group=roles.app, member=login, inherit=True) for login in roles.logins()),
            *(Membership(group=role, member=admin, inherit=True) for role in roles.all()),
        }
    )


def plan_roles(resource: LiteLLMDatabase, catalog: CatalogFacts, *, admin: RoleName, mark: Mark) -> ShapeRoles | None:
    """Return the one transaction that makes roles what they should be, or None when they are."""
    wanted = wanted_roles(resource)
    create = tuple(role for role in wanted if role.name not in catalog.roles)
    alter = tuple(_altered(wanted, catalog, resource.roles))
    grant = wanted_memberships(resource.roles, admin) - catalog.memberships
    marked = catalog.mark == mark
    if not (create or alter or grant) and marked:
        return None
    return ShapeRoles(
        create=create,
        alter=alter,
        grant=tuple(sorted(grant, key=lambda each: (each.group, each.member))),
        mark=None if marked else mark,
        owner=resource.roles.owner,
    )


def _altered(wanted: Iterable[Role], catalog: CatalogFacts, names: RoleNames) -> Iterable[Role]:
    for role in wanted:
        found = catalog.roles.get(role.name)
        if found is None:
            continue
        # Whether a login may log in changes with its password, not here.
        login = False if role.name in (names.owner, names.app) else found.login
        mended = replace(role, login=login)
        if mended != found:
            yield mended
