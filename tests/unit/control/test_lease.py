"""The Lease: who works, judged by one's own clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from litellm_database_operator.control.lease import Holding, Lease
from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.model.reasons import Reason


class FakeLeases:
    """One Lease in memory, with optimistic locking; silent when told to be."""

    def __init__(self) -> None:
        self.body: dict[str, Any] | None = None
        self.silent = False
        self.thief: dict[str, Any] | None = None

    async def fetch(self) -> dict[str, Any] | None:
        """Return the Lease."""
        if self.silent:
            raise UnavailableError(Reason.KUBERNETES_UNAVAILABLE, "cannot reach the API server")
        return self.body

    async def create(self, spec: dict[str, Any]) -> bool:
        """Create it."""
        if self.body is not None:
            return False
        self.body = {"metadata": {"resourceVersion": "1"}, "spec": spec}
        return True

    async def replace(self, found: dict[str, Any], spec: dict[str, Any]) -> bool:
        """Replace it where it is as it was found."""
        if self.thief:
            self.write(self.thief)
        if self.body is None or found["metadata"] != self.body["metadata"]:
            return False
        self.write(spec)
        return True

    def write(self, spec: dict[str, Any]) -> None:
        """Write it, as anybody."""
        version = int(self.body["metadata"]["resourceVersion"]) if self.body else 0
        self.body = {"metadata": {"resourceVersion": str(version + 1)}, "spec": spec}

    @property
    def holder(self) -> str:
        """Who holds it."""
        assert self.body
        return self.body["spec"]["holderIdentity"]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def leases() -> FakeLeases:
    return FakeLeases()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_the_first_gets_it_and_keeps_it(leases: FakeLeases, clock: Clock) -> None:
    lease = Lease(leases, "a", clock=clock)
    assert await lease.claim() is Holding.OURS
    assert await lease.claim() is Holding.OURS
    assert leases.holder == "a"
    assert leases.body
    assert leases.body["spec"]["leaseTransitions"] == 0


async def test_another_waits_until_it_saw_no_renewal_for_the_duration(leases: FakeLeases, clock: Clock) -> None:
    first, second = Lease(leases, "a", clock=clock), Lease(leases, "b", clock=clock)
    await first.claim()
    assert await second.claim() is Holding.ANOTHERS
    clock.now += 14
    await first.claim()
    assert await second.claim() is Holding.ANOTHERS
    clock.now += 14
    assert await second.claim() is Holding.ANOTHERS
    clock.now += 2
    assert await second.claim() is Holding.OURS
    assert await first.claim() is Holding.ANOTHERS
    assert leases.body
    assert leases.body["spec"]["leaseTransitions"] == 1


async def test_a_restarted_container_of_the_same_pod_need_not_wait(leases: FakeLeases, clock: Clock) -> None:
    await Lease(leases, "a", clock=clock).claim()
    assert await Lease(leases, "a", clock=clock).claim() is Holding.OURS


async def test_a_released_one_is_free_at_once(leases: FakeLeases, clock: Clock) -> None:
    first = Lease(leases, "a", clock=clock)
    await first.claim()
    await first.release()
    assert await Lease(leases, "b", clock=clock).claim() is Holding.OURS


async def test_only_ones_own_is_released(leases: FakeLeases, clock: Clock) -> None:
    await Lease(leases, "a", clock=clock).claim()
    await Lease(leases, "b", clock=clock).release()
    assert leases.holder == "a"


async def test_two_that_claim_together_do_not_both_get_it(leases: FakeLeases, clock: Clock) -> None:
    await Lease(leases, "a", clock=clock).claim()
    await Lease(leases, "a", clock=clock).release()
    leases.thief = {"holderIdentity": "thief"}
    assert await Lease(leases, "b", clock=clock).claim() is Holding.ANOTHERS
    assert leases.holder == "thief"


async def test_silence_is_neither_ours_nor_anothers(leases: FakeLeases, clock: Clock) -> None:
    lease = Lease(leases, "a", clock=clock)
    leases.silent = True
    assert await lease.claim() is Holding.UNKNOWN
    assert lease.contact is None


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Let sleeping take no time but the clock's."""
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)


@pytest.mark.usefixtures("fast")
async def test_it_is_lost_at_once_to_another_and_after_ten_seconds_to_silence(leases: FakeLeases, clock: Clock) -> None:
    lease = Lease(leases, "a", clock=clock)
    await lease.acquire()
    holding = asyncio.create_task(lease.hold())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not holding.done()
    leases.silent = True
    began = clock.now
    await asyncio.wait_for(holding, 1)
    assert 8 <= clock.now - began <= 12
    leases.silent = False
    leases.write({"holderIdentity": "thief", "leaseDurationSeconds": 15})
    await asyncio.wait_for(lease.hold(), 1)


@pytest.mark.usefixtures("fast")
async def test_a_standby_gets_it_when_the_holder_falls_silent(leases: FakeLeases, clock: Clock) -> None:
    await Lease(leases, "a", clock=clock).claim()
    began = clock.now
    await asyncio.wait_for(Lease(leases, "b", clock=clock).acquire(), 1)
    assert leases.holder == "b"
    assert 15 <= clock.now - began <= 18
