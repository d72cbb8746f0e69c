"""Releases of LiteLLM as people ask for them: a range that is resolved, and those that no bundle can be had for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundles.lock import read_lock
from tests.integration.reconcile.conftest import WorldMaker
from tests.support.world import condition

NEAREST = {refused.release: refused.nearest for refused in read_lock().refused}


async def test_a_release_with_a_range_gets_what_its_day_gave_and_status_says_so(
    make_world: WorldMaker, real_library: Path
) -> None:
    world = make_world(library=real_library)
    world.add_server()
    world.add_database(version="1.82.1")
    await (await world.start()).settle()
    body = world.database()
    assert condition(body, "Ready")["status"] == "True", body["status"]["conditions"]
    schema = body["status"]["schema"]
    assert (schema["litellm"], schema["bundle"]) == ("1.82.1", "0.4.53")
    assert (
        "LiteLLM 1.82.1 asks for >=0.4.53,<0.5.0; bundle 0.4.53 is taken"
        in (condition(body, "SchemaMigrated")["message"])
    )


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param("1.82.4", ("0.4.57, 0.4.58", NEAREST["1.82.4"]), id="a range that nobody can resolve"),
        pytest.param("1.109.1", ("0.4.113", NEAREST["1.109.1"]), id="a bundle that nobody serves"),
        pytest.param("1.82.77", ("never heard of",), id="a release never heard of"),
    ],
)
async def test_what_has_no_bundle_is_stalled_and_nothing_is_made(
    asked: str, told: tuple[str, ...], make_world: WorldMaker, real_library: Path
) -> None:
    world = make_world(library=real_library)
    world.add_server()
    world.add_database(version=asked)
    await (await world.start()).settle()
    stalled = condition(world.database(), "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "UnknownVersion")
    for words in (asked, *told):
        assert words in stalled["message"]
    assert world.jobs.started == []
    world.add_database(version="1.82.1")
    await world.processes[-1].settle()
    assert condition(world.database(), "Ready")["status"] == "True"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param(
            {"version": "1.81.8"}, ("bundle 0.4.30", "column LiteLLM_GuardrailsTable.team_id", "1.81.7"), id="a pin"
        ),
        pytest.param({"version": "1.81.14"}, ("bundle 0.4.46", "P1012", "1.81.13"), id="a schema.prisma like none"),
        pytest.param(
            {"version": "1.82.6"},
            (">=0.4.60,<0.5.0", "bundle 0.4.60", "column LiteLLM_MCPServerTable.approval_status", "1.82.1"),
            id="a range",
        ),
        pytest.param({"bundle": "0.4.60"}, ("bundle 0.4.60", "the nearest that would do is 0.4.62"), id="a bundle"),
    ],
)
async def test_a_bundle_that_is_incomplete_in_itself_is_refused_before_anything_is_made(
    asked: dict[str, str], told: tuple[str, ...], make_world: WorldMaker, real_library: Path
) -> None:
    world = make_world(library=real_library)
    world.add_server()
    world.add_database(litellm=asked)
    await (await world.start()).settle()
    body = world.database()
    stalled = condition(body, "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "BundleIncomplete")
    assert condition(body, "SchemaMigrated")["reason"] == "BundleIncomplete"
    for words in told:
        assert words in stalled["message"]
    assert world.jobs.started == []


async def test_a_preview_of_an_incomplete_bundle_says_so_and_harms_nobody(
    make_world: WorldMaker, real_library: Path
) -> None:
    world = make_world(library=real_library)
    world.add_server()
    world.add_database(version="1.81.7")
    process = await world.start()
    await process.settle()
    world.add_database(version="1.81.7", migration={"preview": {"version": "1.81.8"}})
    await process.settle()
    body = world.database()
    assert condition(body, "Ready")["status"] == "True"
    assert (
        "no file of it makes column LiteLLM_GuardrailsTable.team_id" in body["status"]["schema"]["preview"]["message"]
    )
    assert [event for event in world.events() if event.startswith("BundleIncomplete: spec.migration.preview: ")]
