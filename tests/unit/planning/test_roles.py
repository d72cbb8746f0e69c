"""What somebody gave to roles of ours: what is taken back, and what only a superuser can take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.observed import CatalogFacts, ServerFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.roles import ATTRIBUTES, Grant
from litellm_database_operator.planning.findings import State
from litellm_database_operator.planning.plan import make_plan
from litellm_database_operator.planning.roles import beyond_the_admin, plan_roles
from litellm_database_operator.planning.steps import ShapeRoles
from tests.support.planning import ADMIN, catalog_of, mark_of, occasion_of, ready, resource_of, server_of

RESOURCE = resource_of()
ROLES = RESOURCE.roles
MANAGED_16, MANAGED_14 = server_of(superuser=False), server_of(140010, superuser=False)
SUPERUSER = RoleName("postgres")


def _with(*attributes: str) -> CatalogFacts:
    catalog = catalog_of(RESOURCE)
    given = replace(catalog.roles[ROLES.app_a], attributes=frozenset(attributes))
    return replace(catalog, roles=dict(catalog.roles) | {ROLES.app_a: given})


def _granted(group: str, member: RoleName = ROLES.app_a, **changes: object) -> CatalogFacts:
    grant = Grant(group=RoleName(group), member=member, grantor=ADMIN, of_superuser=False)
    return replace(catalog_of(RESOURCE), grants=frozenset({replace(grant, **changes)}))


def _plan(catalog: CatalogFacts, server: ServerFacts) -> ShapeRoles | None:
    return plan_roles(RESOURCE, catalog, server=server, mark=mark_of(RESOURCE), connections=None)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_superuser_takes_every_attribute(attribute: str) -> None:
    step = _plan(_with(attribute), server_of())
    assert step is not None
    assert [(role.name, role.attributes) for role in step.deprive] == [(ROLES.app_a, {attribute})]
    assert (step.create, step.alter, step.grant, step.revoke, step.mark) == ((), (), (), (), None)
    assert beyond_the_admin(RESOURCE, _with(attribute), server_of()) is None


def test_another_admin_takes_what_it_has_itself() -> None:
    step = _plan(_with("CREATEDB", "CREATEROLE"), MANAGED_16)
    assert step is not None
    assert step.deprive


@pytest.mark.parametrize("attribute", ["SUPERUSER", "REPLICATION", "BYPASSRLS"])
def test_and_names_the_statement_for_the_rest(attribute: str) -> None:
    catalog = _with(attribute, "CREATEDB")
    assert _plan(catalog, MANAGED_16) is None
    taken = " ".join(f"NO{name}" for name in ATTRIBUTES if name in ("CREATEDB", attribute))
    told = beyond_the_admin(RESOURCE, catalog, MANAGED_16)
    assert told is not None
    assert told.endswith(f"as a superuser run: ALTER ROLE {ROLES.app_a} {taken}")


def test_what_our_roles_should_be_in_is_left() -> None:
    for group, member in ((ROLES.owner, ROLES.migrator), (ROLES.app, ROLES.app_a), (ROLES.app, ROLES.app_b)):
        for grantor in (ADMIN, SUPERUSER):
            catalog = _granted(group, member, grantor=grantor)
            for server in (server_of(), MANAGED_16, MANAGED_14):
                assert _plan(catalog, server) is None
                assert beyond_the_admin(RESOURCE, catalog, server) is None


@pytest.mark.parametrize(
    ("catalog", "server", "mended"),
    [
        pytest.param(_granted("pg_write_all_data"), server_of(), True, id="by the superuser's operator"),
        pytest.param(_granted("x", grantor=SUPERUSER), server_of(), True, id="which takes anybody's grant"),
        pytest.param(_granted(ROLES.owner), MANAGED_16, True, id="the proxy in the owner, by the admin"),
        pytest.param(_granted(ROLES.app, ROLES.migrator), MANAGED_16, True, id="the migrator in the proxy"),
        pytest.param(_granted("x", grantor=SUPERUSER), MANAGED_16, False, id="by a superuser, on 16"),
        pytest.param(_granted("x", grantor=SUPERUSER), MANAGED_14, True, id="by a superuser, on 14"),
        pytest.param(_granted("x", of_superuser=True), MANAGED_14, False, id="in a superuser, on 14"),
    ],
)
def test_what_our_roles_were_put_into(catalog: CatalogFacts, server: ServerFacts, mended: bool) -> None:  # noqa: FBT001
    step, told = _plan(catalog, server), beyond_the_admin(RESOURCE, catalog, server)
    assert (step.revoke if step else ()) == (tuple(catalog.grants) if mended else ())
    assert (told is None) is mended
    if told:
        (grant,) = catalog.grants
        assert f'role {grant.member} was put into "{grant.group}" by "{grant.grantor}"' in told


def test_what_the_admin_cannot_take_keeps_nobody_from_being_ready() -> None:
    catalog = _with("SUPERUSER")
    plan = make_plan(RESOURCE, ready(RESOURCE, catalog=catalog, server=MANAGED_16), occasion_of(RESOURCE))
    assert plan.decisive() is None
    assert (plan.healthy.state, plan.healthy.reason) == (State.UNWELL, Reason.ADMIN_LACKS_PRIVILEGES)
