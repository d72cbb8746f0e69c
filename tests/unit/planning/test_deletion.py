"""Leaving: nothing is touched that does not bear this very resource's mark, and nothing waits for ever."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from litellm_database_operator.model import names
from litellm_database_operator.model.observed import CatalogFacts
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.planning.deletion import may_abandon, plan_leaving
from litellm_database_operator.planning.steps import DeleteJobs, DropDatabase, ReleaseDatabase, Step
from tests.support.planning import NOW, World, catalog_of, empty_catalog, job_of, mark_of, resource_of

RETAIN = resource_of()
DELETE = resource_of({"deletionPolicy": "Delete"})
MARK = mark_of(RETAIN)


def catalog(mark: Mark | None, **changes: Any) -> CatalogFacts:
    """Return the catalogues of a ready database that bears `mark`."""
    return replace(catalog_of(RETAIN), mark=mark, **changes)


def kinds(steps: tuple[Step, ...]) -> list[type]:
    """Return what steps do."""
    return [type(step) for step in steps]


def test_retain_locks_and_releases() -> None:
    assert plan_leaving(RETAIN, catalog(MARK), (), MARK) == (ReleaseDatabase(roles=RETAIN.roles, mark=MARK.release()),)


def test_delete_drops_the_database_and_then_the_roles_that_are_there() -> None:
    roles = tuple(reversed(DELETE.roles.all()))
    assert plan_leaving(DELETE, catalog(MARK), (), MARK) == (
        DropDatabase(database=DELETE.database, roles=roles, exists=True),
    )


def test_delete_goes_on_where_it_stopped() -> None:
    left = {RETAIN.roles.owner: catalog(MARK).roles[RETAIN.roles.owner]}
    assert plan_leaving(DELETE, catalog(MARK, database=None, roles=left), (), MARK) == (
        DropDatabase(database=DELETE.database, roles=(DELETE.roles.owner,), exists=False),
    )


def test_jobs_end_before_anything_is_locked_or_dropped() -> None:
    jobs = (job_of(name="a"), job_of(name="b"))
    for resource in (RETAIN, DELETE):
        steps = plan_leaving(resource, catalog(MARK), jobs, MARK)
        assert steps[0] == DeleteJobs(jobs=("a", "b"))
        assert len(steps) == 2


@pytest.mark.parametrize("resource", [pytest.param(RETAIN, id="Retain"), pytest.param(DELETE, id="Delete")])
@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(None, id="without a mark"),
        pytest.param(replace(MARK, uid="uid-2"), id="of a resource made again, or not yet picked up"),
        pytest.param(replace(MARK, name="other"), id="of another name, though of that uid"),
        pytest.param(replace(MARK, namespace_uid="other"), id="of another namespace, though of that uid"),
        pytest.param(replace(MARK, identity="other"), id="of another installation, though of that uid"),
        pytest.param(replace(MARK, uid="uid-2", released=True), id="released by a resource that was"),
    ],
)
def test_nothing_of_another_is_touched(mark: Mark | None, resource: Any) -> None:
    assert plan_leaving(resource, catalog(mark), (), MARK) == ()


@pytest.mark.parametrize(
    ("resource", "found", "expected"),
    [
        pytest.param(RETAIN, catalog(MARK.release()), [], id="released already"),
        pytest.param(DELETE, catalog(MARK.release()), [DropDatabase], id="released, and to be dropped now"),
        pytest.param(RETAIN, empty_catalog(), [], id="nothing was made, Retain"),
        pytest.param(DELETE, empty_catalog(), [], id="nothing was made, Delete"),
        pytest.param(RETAIN, catalog(MARK, database=None), [ReleaseDatabase], id="only the roles were made"),
    ],
)
def test_what_is_left_to_do(resource: Any, found: CatalogFacts, expected: list[type]) -> None:
    assert kinds(plan_leaving(resource, found, (), MARK)) == expected


@pytest.mark.parametrize("resource", [pytest.param(RETAIN, id="Retain"), pytest.param(DELETE, id="Delete")])
def test_leaving_twice_leaves_nothing_to_do(resource: Any) -> None:
    world = World(resource=resource)
    world.apply(world.plan()[1].steps)
    steps = plan_leaving(resource, world.catalog(), tuple(world.jobs), MARK)
    assert steps
    world.apply(steps)
    assert plan_leaving(resource, world.catalog(), tuple(world.jobs), MARK) == ()


def test_a_released_database_lets_nobody_in() -> None:
    world = World(resource=RETAIN)
    world.apply(world.plan()[1].steps)
    world.apply(plan_leaving(RETAIN, world.catalog(), tuple(world.jobs), MARK))
    assert [role.name for role in world.roles.values() if role.login] == []
    assert world.database is not None


@pytest.mark.parametrize(
    ("policy", "annotation", "after", "lets_go"),
    [
        pytest.param("Retain", None, 119, False, id="Retain waits for two minutes"),
        pytest.param("Retain", None, 120, True, id="Retain lets go after two minutes"),
        pytest.param("Delete", None, 86_400, False, id="Delete waits"),
        pytest.param("Delete", "true", 0, True, id="Delete lets go where it is told to"),
        pytest.param("Retain", "true", 0, True, id="Retain lets go at once where it is told to"),
        pytest.param("Delete", "false", 86_400, False, id="an annotation that says no"),
        pytest.param("Delete", "yes", 86_400, False, id="an annotation that says something else"),
    ],
)
def test_when_an_unreachable_server_is_waited_for(
    policy: str, annotation: str | None, after: int, *, lets_go: bool
) -> None:
    asked = (NOW - timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%SZ")
    annotations = {names.ABANDON_ANNOTATION: annotation} if annotation else {}
    resource = resource_of({"deletionPolicy": policy}, deletionTimestamp=asked, annotations=annotations)
    assert may_abandon(resource, now=NOW) is lets_go
