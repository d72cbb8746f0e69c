"""Each guard refuses what it is for, in words that help, and before anything is planned."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from litellm_database_operator.errors import (
    InvalidSpecError,
    MustActError,
    NotOursError,
    OperatorError,
    UnavailableError,
)
from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.observed import CatalogFacts, LoginState, Observed
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.roles import Role
from litellm_database_operator.planning.guards import check_request
from litellm_database_operator.planning.plan import make_plan
from tests.support.planning import (
    SYSTEM,
    catalog_of,
    empty_catalog,
    mark_of,
    nothing,
    occasion_of,
    ready,
    resource_of,
    secret_of,
    server_of,
)

RESOURCE = resource_of()
MARK = mark_of(RESOURCE)


def catalog(**changes: Any) -> CatalogFacts:
    """Return the catalogues of a ready database, but for `changes`."""
    return replace(catalog_of(RESOURCE), **changes)


def database(**changes: Any) -> CatalogFacts:
    """Return the same with another database."""
    found = catalog_of(RESOURCE)
    assert found.database is not None
    return replace(found, database=replace(found.database, **changes))


def locked_out(**changes: Any) -> CatalogFacts:
    """Return catalogues in which no login can log in."""
    roles = {name: replace(role, login=False) for name, role in catalog_of(RESOURCE).roles.items()}
    return catalog(roles=roles, **changes)


def roles_named(*suffixes: str) -> dict[RoleName, Role]:
    """Return roles as somebody else may have made them."""
    found = [RoleName(f"{RESOURCE.database}_{suffix}") for suffix in suffixes]
    return {name: Role(name=name, login=True) for name in found}


Look = Callable[[], Observed]


def look(make: Callable[..., Observed], **changes: Any) -> Look:
    """Return how a table's observation is made."""
    return lambda: make(RESOURCE, **changes) if make is ready else make(**changes)


@pytest.mark.parametrize(
    ("observe", "kind", "reason", "told"),
    [
        pytest.param(look(nothing, server=server_of(130014)), MustActError, Reason.SERVER_TOO_OLD, "13.14",
                     id="PostgreSQL 13 is too old"),
        pytest.param(look(ready, server=replace(server_of(), in_recovery=True)), UnavailableError,
                     Reason.SERVER_READ_ONLY, "recovery", id="a replica is waited for"),
        pytest.param(look(nothing, server=replace(server_of(), missing_privileges=("CREATEDB", "CREATEROLE"))),
                     MustActError, Reason.ADMIN_LACKS_PRIVILEGES, "ALTER ROLE <the admin> CREATEDB CREATEROLE",
                     id="an admin who lacks both privileges is told the command"),
        pytest.param(look(nothing, server=replace(server_of(), missing_privileges=("CREATEROLE",))), MustActError,
                     Reason.ADMIN_LACKS_PRIVILEGES, "lacks CREATEROLE;", id="an admin who lacks one is told which"),
        pytest.param(look(ready, recorded_system_identifier="999"), MustActError, Reason.SERVER_CHANGED, "999",
                     id="another server behind the host"),
        pytest.param(look(nothing, recorded_system_identifier="999"), MustActError, Reason.SERVER_CHANGED, SYSTEM,
                     id="an empty server behind the host"),
        pytest.param(look(nothing, recorded_system_identifier=SYSTEM), MustActError, Reason.DATABASE_MISSING,
                     "Restore it", id="database and roles gone from the server that they were made on"),
        pytest.param(look(ready, catalog=catalog(database=None)), MustActError, Reason.DATABASE_MISSING, "Restore it",
                     id="the database alone is gone"),
        pytest.param(look(ready, catalog=catalog(database=None), recorded_system_identifier=None, secret=None),
                     MustActError, Reason.DATABASE_MISSING, "drop role team-a_gateway_owner",
                     id="the database is gone, and status and Secret with it: its login still tells"),
        pytest.param(look(ready, catalog=catalog(database=None, mark=replace(MARK, uid="old")), secret=None,
                          recorded_system_identifier=None),
                     MustActError, Reason.DATABASE_MISSING, "not made again",
                     id="the database of an earlier resource is gone, its roles were restored"),
        pytest.param(look(ready, catalog=database(valid=False)), MustActError, Reason.DATABASE_MISSING, "interrupted",
                     id="a database half dropped"),
        pytest.param(look(ready, catalog=database(accepts_connections=False), login=LoginState.SHUT_OUT),
                     UnavailableError, Reason.LOGIN_FAILED, "ALLOW_CONNECTIONS true", id="a database that is closed"),
        pytest.param(look(ready, catalog=catalog(mark=replace(MARK, namespace="b", namespace_uid="uid-of-b"))),
                     NotOursError, Reason.DATABASE_NOT_OURS, "claimed by LiteLLMDatabase b/gateway",
                     id="claimed by the same name in another namespace"),
        pytest.param(look(ready, catalog=catalog(mark=replace(MARK, name="other"))), NotOursError,
                     Reason.DATABASE_NOT_OURS, "claimed by LiteLLMDatabase team-a/other",
                     id="claimed by another name in the same namespace"),
        pytest.param(look(ready, catalog=catalog(mark=replace(MARK, identity="other"))), NotOursError,
                     Reason.DATABASE_NOT_OURS, "another installation", id="claimed by another installation"),
        pytest.param(look(ready, catalog=catalog(mark=replace(MARK, namespace_uid="old"))), NotOursError,
                     Reason.DATABASE_NOT_OURS, "an earlier namespace team-a", id="claimed by the namespace that was"),
        pytest.param(look(ready, catalog=catalog(mark=replace(MARK, namespace_uid="old", released=True))),
                     NotOursError, Reason.DATABASE_NOT_OURS, "an earlier", id="released by the namespace that was"),
        pytest.param(look(nothing, catalog=replace(empty_catalog(), roles=roles_named("app"))), NotOursError,
                     Reason.ROLE_NOT_OURS, "team-a_gateway_app", id="a role without a mark"),
        pytest.param(look(ready, catalog=catalog(mark=None)), NotOursError, Reason.ROLE_NOT_OURS,
                     "bears no mark", id="an owner role with a foreign comment, and a database"),
        pytest.param(look(nothing, catalog=catalog(mark=None, roles={}, memberships=frozenset())), NotOursError,
                     Reason.DATABASE_NOT_OURS, "exists and bears no mark", id="a database without a mark"),
        pytest.param(look(nothing, server=server_of(140011, superuser=False)), MustActError, Reason.RUNTIME_MAY_CREATE,
                     "another spec.schema", id="PostgreSQL 14 without a superuser, in schema public"),
        pytest.param(look(ready, secret=secret_of("gateway-db", {}, ours=False)), NotOursError, Reason.SECRET_NOT_OURS,
                     "Secret gateway-db", id="a Secret of that name that is not ours"),
        pytest.param(look(ready, ca="PEM", ca_secret=secret_of("gateway-db-ca", {}, ours=False)), NotOursError,
                     Reason.SECRET_NOT_OURS, "Secret gateway-db-ca", id="a CA Secret of that name that is not ours"),
    ],
)  # fmt: skip
def test_a_guard_refuses(observe: Look, kind: type[OperatorError], reason: Reason, told: str) -> None:
    with pytest.raises(OperatorError) as refused:
        make_plan(RESOURCE, observe(), occasion_of(RESOURCE))
    assert (type(refused.value), refused.value.reason) == (kind, reason)
    assert told in refused.value.message


@pytest.mark.parametrize(
    "observe",
    [
        pytest.param(look(nothing), id="nothing is there"),
        pytest.param(look(ready), id="all is there"),
        pytest.param(look(nothing, server=server_of(140011)), id="PostgreSQL 14 with a superuser"),
        pytest.param(look(nothing, server=server_of(150005, superuser=False)), id="PostgreSQL 15 without one"),
        pytest.param(look(nothing, server=server_of(180000)), id="PostgreSQL 18"),
        pytest.param(look(ready, catalog=catalog(mark=replace(MARK, uid="old"))), id="the resource was made again"),
        pytest.param(look(ready, catalog=locked_out(mark=replace(MARK, uid="old", released=True)), secret=None,
                          login=LoginState.UNTRIED, recorded_system_identifier=None),
                     id="released by the resource that was"),
        pytest.param(look(nothing, catalog=locked_out(database=None)), id="roles were made, and then a crash"),
        pytest.param(look(ready, recorded_system_identifier=None), id="the record is lost, the database is there"),
    ],
)  # fmt: skip
def test_the_guards_let_pass(observe: Look) -> None:
    make_plan(RESOURCE, observe(), occasion_of(RESOURCE))


def test_a_schema_of_its_own_helps_on_postgresql_14() -> None:
    resource = resource_of({"schema": "litellm"})
    make_plan(resource, nothing(server=server_of(140011, superuser=False)), occasion_of(resource))


@pytest.mark.parametrize(
    "observe",
    [
        pytest.param(look(ready, recorded_system_identifier="1\n2\x1b[31m" + "9" * 5_000), id="a Secret's annotation"),
        pytest.param(look(nothing, server=replace(server_of(130000), version="13\x00\n" + "x" * 5_000)),
                     id="a server's version"),
        pytest.param(look(ready, catalog=catalog(mark=replace(MARK, name="\x1b[31m\n" + "x" * 5_000))),
                     id="a mark's name"),
    ],
)  # fmt: skip
def test_foreign_text_is_cleaned_and_bounded(observe: Look) -> None:
    with pytest.raises(MustActError) as refused:
        make_plan(RESOURCE, observe(), occasion_of(RESOURCE))
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 800


@pytest.mark.parametrize(
    ("namespace", "chosen", "server_namespace"),
    [
        pytest.param("team-a", "gateway", "databases", id="no prefix"),
        pytest.param("team-a", "team-b_gateway", "databases", id="another namespace's prefix"),
        pytest.param("team-a", "team-a", "databases", id="the namespace without its underscore"),
        pytest.param("team", "team-a_gateway", "databases", id="a namespace whose name begins like it"),
        pytest.param("team-a", "TEAM-A_gateway", "databases", id="in capitals"),
    ],
)
def test_a_chosen_name_that_another_namespace_could_have_is_refused(
    namespace: str, chosen: str, server_namespace: str
) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        check_request(resource_of({"database": chosen}, namespace=namespace), server_namespace=server_namespace)
    assert refused.value.reason is Reason.NAME_NOT_ALLOWED
    assert f'"{namespace}_"' in refused.value.message


@pytest.mark.parametrize(
    ("namespace", "chosen", "server_namespace"),
    [
        pytest.param("team-a", "team-a_gateway", "databases", id="with the namespace's prefix"),
        pytest.param("team-a", "anything", "team-a", id="any name on a server of its own namespace"),
        pytest.param("team-a", None, "databases", id="the default name"),
        pytest.param("n" * 63, None, "databases", id="a default name that was cut within the namespace"),
    ],
)
def test_a_name_of_its_own_is_allowed(namespace: str, chosen: str | None, server_namespace: str) -> None:
    spec = {"database": chosen} if chosen else {}
    check_request(resource_of(spec, namespace=namespace), server_namespace=server_namespace)
