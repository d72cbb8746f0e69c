"""The resync mends what a missed event left wrong."""

from __future__ import annotations

from litellm_database_operator.control.passes import Control
from litellm_database_operator.control.sweep import sweep
from litellm_database_operator.kube.kinds import DATABASE
from tests.unit.control.bodies import KEY, FakeResources, make_body
from tests.unit.control.test_passes import make_control

OTHER = KEY._replace(namespace="other")


async def run(control: Control, resources: FakeResources, namespace: str | None = None) -> None:
    await sweep(control, resources, DATABASE, [namespace])


async def test_one_whose_deletion_was_missed_is_forgotten() -> None:
    resources = FakeResources()
    control, _ = make_control(resources)
    control.known.keep(make_body())
    await run(control, resources)
    assert KEY not in control.known


async def test_one_whose_creation_was_missed_is_looked_at() -> None:
    resources = FakeResources()
    control, _ = make_control(resources)
    resources.put(make_body())
    await run(control, resources)
    assert KEY in control.queue


async def test_one_whose_change_was_missed_is_looked_at_and_an_unchanged_one_is_not() -> None:
    resources = FakeResources()
    control, _ = make_control(resources)
    control.known.keep(make_body())
    control.known.keep(make_body(OTHER))
    resources.put(make_body(OTHER))
    resources.put(make_body(version=2, generation=2))
    await run(control, resources)
    assert KEY in control.queue
    assert OTHER not in control.queue


async def test_one_made_after_the_list_began_is_kept() -> None:
    resources = FakeResources()
    control, _ = make_control(resources)
    control.known.keep(make_body(version=resources.version + 1))
    await run(control, resources)
    assert KEY in control.known


async def test_a_namespaced_list_says_nothing_of_other_namespaces() -> None:
    resources = FakeResources()
    control, _ = make_control(resources)
    control.known.keep(make_body(OTHER))
    await run(control, resources, "team")
    assert OTHER in control.known
