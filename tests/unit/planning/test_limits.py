"""What a server's limits leave a database, and that they take nothing from one that exists."""

from dataclasses import replace
from typing import Any

import pytest

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model.observed import Observed
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.planning.findings import State
from litellm_database_operator.planning.limits import (
    Claimant,
    check_place,
    connections_for,
    kept_connections,
    taken_before,
    too_many_connections,
)
from litellm_database_operator.planning.plan import make_plan
from tests.support.planning import catalog_of, nothing, occasion_of, ready, resource_of


def asking(connections: int | None) -> LiteLLMDatabase:
    """Return a resource that asks for so many connections, or for none in particular."""
    return resource_of({"credentials": {"connectionLimit": connections}} if connections else None)


def having(resource: LiteLLMDatabase, had: int | None, allowed: int | None) -> Observed:
    """Return a database that is ready and has so many connections, None for any number; 0 for one that is not made."""
    if had == 0:
        return nothing(connections_allowed=allowed)
    roles = dict(catalog_of(resource).roles)
    limit = -1 if had is None else had + 2
    roles |= {login: replace(roles[login], connection_limit=limit) for login in resource.roles.logins()}
    return ready(resource, catalog=replace(catalog_of(resource), roles=roles), connections_allowed=allowed)


NEW = 0


@pytest.mark.parametrize(
    ("asked", "had", "allowed", "gets"),
    [
        pytest.param(None, NEW, None, None, id="new: nothing asked, nothing limited"),
        pytest.param(30, NEW, None, 30, id="new: what is asked"),
        pytest.param(None, NEW, 20, 20, id="new: what is allowed"),
        pytest.param(5, NEW, 20, 5, id="new: less"),
        pytest.param(20, NEW, 20, 20, id="new: just as many"),
        pytest.param(None, 50, 20, 50, id="it keeps what the server gave before"),
        pytest.param(50, 50, 20, 50, id="it keeps what it asked for"),
        pytest.param(30, 50, 20, 30, id="it may ask for less, and yet more than is allowed"),
        pytest.param(10, 50, 20, 10, id="it may ask for less than is allowed"),
        pytest.param(60, 50, 20, 50, id="more than it has is not given"),
        pytest.param(None, None, 20, None, id="it keeps any number"),
        pytest.param(500, None, 20, 500, id="any number, less by its own wish"),
        pytest.param(None, 20, 100, 100, id="it gets what is allowed more"),
        pytest.param(30, 20, 100, 30, id="it gets what it asks for more"),
        pytest.param(None, 20, None, None, id="a limit that is gone"),
        pytest.param(1, 1, 1, 1, id="one"),
    ],
)
def test_connections(asked: int | None, had: int | None, allowed: int | None, gets: int | None) -> None:
    resource = asking(asked)
    observed = having(resource, had, allowed)
    assert connections_for(resource, observed) == gets
    steps = make_plan(resource, observed, occasion_of(resource)).steps
    limits = {role.connection_limit for step in steps for role in getattr(step, "alter", ())}
    same = gets == had
    assert limits == (set() if same or had == NEW else {-1 if gets is None else gets + 2})


def test_both_logins_count_and_the_greater_decides() -> None:
    resource = asking(None)
    observed = having(resource, 50, 20)
    app_a = resource.roles.app_a
    roles = dict(observed.catalog.roles) | {app_a: replace(observed.catalog.roles[app_a], connection_limit=7)}
    assert connections_for(resource, replace(observed, catalog=replace(observed.catalog, roles=roles))) == 50


def test_one_that_asks_for_too_much_is_refused_before_anything_is_made() -> None:
    resource = asking(21)
    with pytest.raises(InvalidSpecError) as refused:
        make_plan(resource, having(resource, NEW, 20), occasion_of(resource))
    assert refused.value.reason is Reason.LIMIT_EXCEEDED
    assert refused.value.message == (
        "cannot give database team-a_gateway 21 connections: limits.connectionsPerDatabase of PostgresServer "
        "databases/shared allows 20. Set spec.credentials.connectionLimit to 20 or less, or ask the server's owner to "
        "raise the limit"
    )


def test_one_that_exists_and_asks_for_too_much_is_tended_all_the_same() -> None:
    resource = asking(60)
    observed = having(resource, 50, 20)
    plan = make_plan(resource, observed, occasion_of(resource))
    decisive = plan.decisive()
    assert decisive
    assert (decisive.state, decisive.reason, decisive.retry_after) == (State.STALLED, Reason.LIMIT_EXCEEDED, None)
    assert "The database serves on with 50. Set spec.credentials.connectionLimit to 50 or less" in decisive.message
    assert plan.steps == ()
    unpublished = make_plan(resource, replace(observed, secret=None), occasion_of(resource))
    assert unpublished.steps
    assert unpublished.retry_after() == 0, "what is mended is looked at again at once"


def test_one_that_is_suspended_says_so_and_no_more() -> None:
    resource = resource_of({"credentials": {"connectionLimit": 60}, "suspend": True})
    plan = make_plan(resource, having(resource, 50, 20), occasion_of(resource))
    assert (plan.steps, plan.decisive()) == ((), None)


@pytest.mark.parametrize(
    ("asked", "had", "allowed", "told"),
    [
        pytest.param(None, 50, 20, "it keeps 50 connections, more than the 20", id="more than is given"),
        pytest.param(None, None, 20, "it keeps any number of connections, more than the 20", id="any number"),
        pytest.param(None, 20, 20, "", id="as many"),
        pytest.param(10, 50, 20, "", id="less by its own wish"),
        pytest.param(None, None, None, "", id="no limit"),
    ],
)
def test_what_is_kept_is_told_and_stops_nothing(
    asked: int | None, had: int | None, allowed: int | None, told: str
) -> None:
    resource = asking(asked)
    observed = having(resource, had, allowed)
    assert too_many_connections(resource, observed) is None
    said = kept_connections(resource, observed)
    assert told in said
    assert bool(said) == bool(told)
    plan = make_plan(resource, observed, occasion_of(resource))
    if not plan.steps:
        assert plan.decisive() is None
        assert plan.provisioned.message.endswith(said)


def claimant(number: int, **changes: Any) -> Claimant:
    """Return a resource; the higher the number, the younger."""
    return replace(Claimant(created=f"2026-03-01T12:00:{number:02}Z", name=f"d{number}", uid=f"u{number}"), **changes)


ALL = [claimant(number) for number in range(5)]


@pytest.mark.parametrize(
    ("mine", "holding", "taken"),
    [
        pytest.param(0, set[str](), 0, id="the oldest"),
        pytest.param(3, set[str](), 3, id="three are older"),
        pytest.param(3, {"u0", "u1"}, 3, id="two of the older have theirs"),
        pytest.param(0, {"u3", "u4"}, 2, id="younger ones have theirs"),
        pytest.param(2, {"u2", "u0"}, 2, id="its own is not counted"),
        pytest.param(1, {"gone"}, 2, id="a database whose resource is gone"),
    ],
)
def test_whoever_has_a_place_or_is_older_is_counted_once(mine: int, holding: set[str], taken: int) -> None:
    assert taken_before(ALL[mine], holding=holding, asking=ALL) == taken


def test_of_one_second_the_name_decides() -> None:
    twins = [claimant(1, name="b"), claimant(1, name="a", uid="u2")]
    assert [taken_before(each, holding=(), asking=twins) for each in twins] == [1, 0]


def test_however_marks_come_in_the_same_ones_get_in() -> None:
    for marked in range(4):
        holding = {each.uid for each in ALL[:marked]}
        waiting = ALL[marked:]
        assert [taken_before(each, holding=holding, asking=ALL) for each in waiting] == list(range(marked, 5))


@pytest.mark.parametrize(("taken", "refused"), [(2, False), (3, True), (4, True)])
def test_one_too_many_is_refused(taken: int, *, refused: bool) -> None:
    if not refused:
        check_place(taken, 3, namespace="team-a", server="databases/shared")
        return
    with pytest.raises(InvalidSpecError) as caught:
        check_place(taken, 3, namespace="team-a", server="databases/shared")
    assert caught.value.reason is Reason.LIMIT_EXCEEDED
    told = caught.value.message
    assert f"namespace team-a has {taken} on PostgresServer databases/shared" in told
    assert "limits.databasesPerNamespace allows 3" in told
    assert "deleted; or ask the server's owner to raise the limit" in told
