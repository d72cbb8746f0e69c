"""What comes before any work, and is looked at again beside it: that the operator was installed well.

Nothing is asked again in a pass. While something is missing it is looked at soon again, so that it heals by itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from litellm_database_operator.control.installation import Findings
from litellm_database_operator.control.probes import Condition
from litellm_database_operator.errors import OperatorError

_log = logging.getLogger(__name__)
_EVERY: Final = 600.0
"""Seconds: an administrator may cut rights, or replace CRDs, while the operator runs."""
_SOON: Final = 1.0
_AT_LAST: Final = 30.0
_SLOWER: Final = 1.5
_UNKNOWN: Final = Findings(watchable=())


class Installation:
    """Looks at the installation, says once what is wrong and once what was mended, and tells the probes."""

    def __init__(self, look: Callable[[], Awaitable[Findings]], condition: Condition) -> None:
        """Look by `look`, which may raise OperatorError; fill in `condition`."""
        self._look = look
        self._condition = condition
        self._pause = _SOON
        self._noticed: set[str] = set()
        self.findings = _UNKNOWN
        self.changed = asyncio.Event()
        """Set when there are other findings than before."""

    async def wait(self) -> None:
        """Return when work can begin.

        kopf looks for its kinds once, and ends where it may not list or watch them: started before, it would watch
        nothing for ever, or end again and again.
        """
        while await self._round() is None or self.findings.blocking:
            await self._sleep()

    async def look_forever(self) -> NoReturn:
        """Look again, soon while something is wrong and seldom when nothing is."""
        while True:
            await self._sleep()
            await self._round()

    async def _round(self) -> Findings | None:
        """Look once; None when the API server did not answer, which says nothing about the installation."""
        try:
            found = await self._look()
        except OperatorError as error:
            self._tell((error.message,) if self.findings is _UNKNOWN else self.findings.obstacles)
            return None
        if found != self.findings:
            self._pause = _SOON
            self.findings = found
            self.changed.set()
        self._tell(found.obstacles)
        for notice in found.notices:
            if notice not in self._noticed:
                _log.warning("%s", notice)
        self._noticed.update(found.notices)
        return found

    def _tell(self, obstacles: tuple[str, ...]) -> None:
        before = self._condition.obstacles
        self._condition.obstacles = obstacles
        for line in obstacles:
            if line not in before:
                _log.warning("%s", line)
        for line in before:
            if line not in obstacles:
                _log.info("no more: %s", line)

    async def _sleep(self) -> None:
        if not self._condition.obstacles:
            await asyncio.sleep(_EVERY)
            return
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * _SLOWER, _AT_LAST)
