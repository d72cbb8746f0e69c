"""Which roles and memberships a database should have, and what is to be done about those that it has."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from litellm_database_operator.model.names import RoleName, RoleNames
from litellm_database_operator.model.observed import CatalogFacts, ServerFacts
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import ATTRIBUTES, UNLIMITED, Grant, Mark, Membership, Role
from litellm_database_operator.planning.limits import HEALTH_CONNECTIONS
from litellm_database_operator.planning.steps import ShapeRoles
from litellm_database_operator.planning.words import quoted

_GRANTS_ARE_APART_SINCE: Final = 16


def wanted_roles(resource: LiteLLMDatabase, *, connections: int | None) -> tuple[Role, ...]:
    """Return the roles as they are created: none can log in before it is given a password.

    The proxies have `connections`, None for any number.
    """
    limit = UNLIMITED if connections is None else connections + HEALTH_CONNECTIONS
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


def plan_roles(
    resource: LiteLLMDatabase, catalog: CatalogFacts, *, server: ServerFacts, mark: Mark, connections: int | None
) -> ShapeRoles | None:
    """Return the one transaction that makes roles what they should be, or None when they are."""
    wanted = wanted_roles(resource, connections=connections)
    step = ShapeRoles(
        create=tuple(role for role in wanted if role.name not in catalog.roles),
        alter=tuple(_altered(wanted, catalog, resource.roles)),
        grant=_in_order(wanted_memberships(resource.roles, server.admin) - catalog.memberships),
        deprive=tuple(found for found in _privileged(resource, catalog) if _may_deprive(found, server)),
        revoke=tuple(
            grant for grant in _more_granted(resource, catalog, server) if _may_revoke(grant, resource.roles, server)
        ),
        mark=None if catalog.mark == mark else mark,
        owner=resource.roles.owner,
    )
    idle = replace(step, create=(), alter=(), grant=(), deprive=(), revoke=(), mark=None)
    return None if step == idle else step


def beyond_the_admin(resource: LiteLLMDatabase, catalog: CatalogFacts, server: ServerFacts) -> str | None:
    """Return what is said of a right that somebody gave a role of ours and the admin cannot take, or None."""
    for found in _privileged(resource, catalog):
        if not _may_deprive(found, server):
            given = [name for name in ATTRIBUTES if name in found.attributes]
            taken = " ".join(f"NO{name}" for name in given)
            return (
                f"somebody gave role {found.name} {' and '.join(given)}, which the server's admin cannot take back; "
                f"as a superuser run: ALTER ROLE {found.name} {taken}"
            )
    for grant in _more_granted(resource, catalog, server):
        if not _may_revoke(grant, resource.roles, server):
            return (
                f"role {grant.member} was put into {quoted(grant.group)} by {quoted(grant.grantor)}, which the "
                "server's admin cannot take back; have that grantor, or a superuser, revoke it"
            )
    return None


def _in_order(memberships: Iterable[Membership]) -> tuple[Membership, ...]:
    return tuple(sorted(memberships, key=lambda each: (each.group, each.member)))


def _altered(wanted: Iterable[Role], catalog: CatalogFacts, names: RoleNames) -> Iterable[Role]:
    for role in wanted:
        found = catalog.roles.get(role.name)
        if found is None:
            continue
        # Whether a login may log in changes with its password, not here.
        login = False if role.name in (names.owner, names.app) else found.login
        mended = replace(role, login=login)
        if mended != replace(found, attributes=frozenset()):
            yield mended


def _privileged(resource: LiteLLMDatabase, catalog: CatalogFacts) -> Iterable[Role]:
    """Yield our roles that somebody gave an attribute."""
    found = (catalog.roles.get(name) for name in resource.roles.all())
    return (role for role in found if role is not None and role.attributes)


def _may_deprive(role: Role, server: ServerFacts) -> bool:
    """Tell whether the admin can: only a superuser takes what makes a superuser, or what reads past the rights."""
    return server.superuser or role.attributes <= {"CREATEDB", "CREATEROLE"}


def _more_granted(resource: LiteLLMDatabase, catalog: CatalogFacts, server: ServerFacts) -> Iterable[Grant]:
    """Return what our roles were put into beside what they should be in.

    Who else is put into one of ours is the administrator's word, and gives ours nothing: it is left.
    """
    wanted = {(each.group, each.member) for each in wanted_memberships(resource.roles, server.admin)}
    more = (grant for grant in catalog.grants if (grant.group, grant.member) not in wanted)
    # what a role of ours has passed on comes first: it would go with what that role was given
    ours = resource.roles.all()
    return sorted(more, key=lambda grant: (grant.grantor not in ours, grant.group, grant.member, grant.grantor))


def _may_revoke(grant: Grant, roles: RoleNames, server: ServerFacts) -> bool:
    """Tell whether the admin can; since 16 a grant is its grantor's alone, and the admin has the rights of ours.

    https://www.postgresql.org/docs/release/16.0/
    """
    if server.superuser:
        return True
    if server.major < _GRANTS_ARE_APART_SINCE:
        return not grant.of_superuser
    return grant.grantor in {server.admin, *roles.all()}
