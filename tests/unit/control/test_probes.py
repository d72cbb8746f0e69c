"""The probes mean something: a standby is ready, a stuck pass is not alive."""

from __future__ import annotations

import asyncio

import aiohttp

from litellm_database_operator.control.lease import Lease
from litellm_database_operator.control.probes import Condition, serve_probes
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


async def test_what_was_installed_badly_is_named_a_line_each() -> None:
    lease = Lease(FakeLeases(), "a")
    await lease.claim()
    status, text = await ask("/readyz", Condition(lease=lease, obstacles=("no CRDs", "no rights")))
    assert (status, text) == (503, "no CRDs\nno rights")


async def test_a_pass_that_hangs_for_a_quarter_of_an_hour_is_named() -> None:
    now = asyncio.get_running_loop().time()
    key = ResourceKey("LiteLLMDatabase", "team", "a")
    condition = Condition(lease=Lease(FakeLeases(), "a"), busy={key: now - 901})
    status, text = await ask("/livez", condition)
    assert status == 503
    assert "team/a" in text
