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
