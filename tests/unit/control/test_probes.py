"""The probes mean something: a standby is ready, a stuck pass is not alive."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from litellm_database_operator.control.lease import Lease
from litellm_database_operator.control.probes import Condition, serve_probes
from litellm_database_operator.control.start import wait_for_crds
from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource_key import ResourceKey
from tests.unit.control.test_lease import FakeLeases


async def ask(path: str, condition: Condition) -> tuple[int, str]:
    runner = await serve_probes(condition, 0)
    try:
        port = next(address[1] for address in runner.addresses if len(address) == 2)  # not IPv6's
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, await answer.text()
    finally:
        await runner.cleanup()


async def test_a_standby_is_ready() -> None:
    leases = FakeLeases()
    leases.write({"holderIdentity": "another", "leaseDurationSeconds": 15})
    lease = Lease(leases, "a")
    await lease.claim()
    assert await ask("/readyz", Condition(lease=lease)) == (200, "ok")


async def test_one_that_never_reached_the_api_server_is_alive_and_not_ready() -> None:
    condition = Condition(lease=Lease(FakeLeases(), "a"))
    assert (await ask("/readyz", condition))[0] == 503
    assert await ask("/livez", condition) == (200, "ok")


async def test_missing_crds_are_named() -> None:
    lease = Lease(FakeLeases(), "a")
    await lease.claim()
    status, text = await ask("/readyz", Condition(lease=lease, obstacle="waiting for CustomResourceDefinitions x"))
    assert (status, text) == (503, "waiting for CustomResourceDefinitions x")


async def test_a_pass_that_hangs_for_a_quarter_of_an_hour_is_named() -> None:
    now = asyncio.get_running_loop().time()
    key = ResourceKey("LiteLLMDatabase", "team", "a")
    condition = Condition(lease=Lease(FakeLeases(), "a"), busy={key: now - 901})
    status, text = await ask("/livez", condition)
    assert status == 503
    assert "team/a" in text


async def test_crds_are_waited_for_and_named_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("litellm_database_operator.control.start._PAUSE", 0)
    condition = Condition(lease=Lease(FakeLeases(), "a"))

    class Discovery:
        asked = 0
        told: str | None = None

        async def served(self) -> frozenset[str]:
            self.asked += 1
            self.told = condition.obstacle or self.told
            if self.asked == 1:
                raise UnavailableError(Reason.KUBERNETES_UNAVAILABLE, "cannot reach the API server")
            return frozenset() if self.asked < 5 else frozenset({"litellmdatabases", "postgresservers", "others"})

    discovery = Discovery()
    await asyncio.wait_for(wait_for_crds(discovery, condition), 1)
    assert discovery.asked == 5
    assert caplog.text.count("litellmdatabases.litellmdb.dev and postgresservers.litellmdb.dev") == 1
    assert discovery.told
    assert "install them" in discovery.told
    assert condition.obstacle is None
