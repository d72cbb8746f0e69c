"""One operator works at a time: a Lease says which. Called by __main__, before and beside everything else.

What two do to each other in a slow hand-over is harmless by the statements themselves; the Lease saves work.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Final, Protocol

from litellm_database_operator.errors import OperatorError

_log = logging.getLogger(__name__)
_DURATION: Final = 15
_RENEW_DEADLINE: Final = 10.0
_EVERY: Final = 2.0
"""Seconds; the three are client-go's own. https://pkg.go.dev/k8s.io/client-go/tools/leaderelection"""


class LeaseGateway(Protocol):
    """What is needed of kube.leases.Leases."""

    async def fetch(self) -> dict[str, Any] | None:
        """Return the Lease, or None."""
        ...

    async def create(self, spec: dict[str, Any]) -> bool:
        """Create it; False when another was faster."""
        ...

    async def replace(self, found: dict[str, Any], spec: dict[str, Any]) -> bool:
        """Replace its spec; False when another was faster."""
        ...


class Holding(Enum):
    """What a try told us."""

    OURS = auto()
    ANOTHERS = auto()
    UNKNOWN = auto()
    """The API server did not answer: neither a reason to begin nor, for a while, to end."""


class Lease:
    """Our claim to be the one that works.

    Our own clock judges another's expiry, from when we saw the record change last: clocks of nodes differ.
    """

    def __init__(self, leases: LeaseGateway, identity: str, *, clock: Callable[[], float] | None = None) -> None:
        """Claim as `identity`: a pod's name, so that its restarted container need not wait for itself."""
        self._leases = leases
        self._identity = identity
        self._clock = clock or asyncio.get_running_loop().time
        self._seen: tuple[str, float] = ("", 0.0)
        self.contact: float | None = None
        """When the API server answered last, by the clock; a standby is ready while this is recent."""

    async def acquire(self) -> None:
        """Return when it is ours."""
        waiting = False
        while (held := await self.claim()) is not Holding.OURS:
            if held is Holding.ANOTHERS and not waiting:
                _log.info("standing by: another operator holds the Lease")
                waiting = True
            # so that several that wait do not ask together
            await asyncio.sleep(_EVERY * random.uniform(0.8, 1.2))  # noqa: S311
        _log.info("holding the Lease")

    async def hold(self) -> None:
        """Renew it; return when it is lost, or was not renewed for so long that another may soon begin."""
        renewed = self._clock()
        while self._clock() - renewed < _RENEW_DEADLINE:
            await asyncio.sleep(_EVERY)
            match await self.claim():
                case Holding.OURS:
                    renewed = self._clock()
                case Holding.ANOTHERS:
                    return
                case Holding.UNKNOWN:
                    pass

    async def release(self) -> None:
        """Give it back, so that the next one begins at once; it expires by itself where that fails."""
        try:
            found = await self._leases.fetch()
            if found and _holder(found) == self._identity:
                await self._leases.replace(found, self._spec(found, holder=""))
        except OperatorError as error:
            _log.warning("the Lease is not released: %s", error.message)

    async def claim(self) -> Holding:
        """Try to get or to keep it, once."""
        try:
            async with asyncio.timeout(2 * _EVERY):
                return await self._claim()
        except (OperatorError, TimeoutError) as error:
            _log.warning("cannot ask for the Lease: %s", error or "no answer in time")
            return Holding.UNKNOWN

    async def _claim(self) -> Holding:
        found = await self._leases.fetch()
        self.contact = self._clock()
        if found is None:
            won = await self._leases.create(self._spec(None, holder=self._identity))
        elif self._is_anothers(found):
            return Holding.ANOTHERS
        else:
            won = await self._leases.replace(found, self._spec(found, holder=self._identity))
        return Holding.OURS if won else Holding.ANOTHERS

    def _is_anothers(self, found: Mapping[str, Any]) -> bool:
        now, version = self._clock(), str(found["metadata"]["resourceVersion"])
        if version != self._seen[0]:
            self._seen = (version, now)
        duration = float(found["spec"].get("leaseDurationSeconds") or _DURATION)
        return _holder(found) not in ("", self._identity) and now < self._seen[1] + duration

    def _spec(self, found: Mapping[str, Any] | None, *, holder: str) -> dict[str, Any]:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before: dict[str, Any] = dict(found["spec"]) if found else {"leaseTransitions": -1}
        spec = before | {"holderIdentity": holder, "leaseDurationSeconds": _DURATION, "renewTime": stamp}
        if holder and (found is None or _holder(found) != holder):
            spec |= {"acquireTime": stamp, "leaseTransitions": int(before.get("leaseTransitions") or 0) + 1}
        return spec


def _holder(found: Mapping[str, Any]) -> str:
    return str(found["spec"].get("holderIdentity") or "")
