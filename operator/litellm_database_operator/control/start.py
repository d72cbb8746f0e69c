"""What comes before any work, and is looked at again beside it: that the operator was installed well.

Nothing is asked again in a pass. While something is missing it is looked at soon again, so that it heals by itself.
"""

import asyncio
import logging
from typing import Final, NoReturn

from litellm_database_operator.control.installation import Findings, Look
from litellm_database_operator.control.probes import Condition
from litellm_database_operator.errors import OperatorError

_log = logging.getLogger(__name__)
_EVERY: Final = 600.0
"""Seconds: an administrator may cut rights, or replace CRDs, while the operator runs."""
_SOON: Final = 1.0
_AT_LAST: Final = 30.0
_SLOWER: Final = 1.5
_UNKNOWN: Final = Findings(watchable=())


class InstallationWatch:
    """Looks at the installation, says once what is wrong and once what was mended, and tells the probes."""

    def __init__(self, look: Look, condition: Condition) -> None:
        """Look by `look`, which may raise OperatorError; fill in `condition`."""
        self._look = look
        self._condition = condition
        self._pause = _SOON
        self._since_anew = _EVERY
        """Seconds slept since everything was asked."""
        self._told: tuple[str, ...] = ()
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
        anew = self._since_anew >= _EVERY
        try:
            found = await self._look(anew=anew)
        except OperatorError as error:
            if self.findings is _UNKNOWN:
                self._tell(Findings(blocking=(error.message,)))
            return None
        self._since_anew = 0.0 if anew else self._since_anew
        if found != self.findings:
            self._pause = _SOON
            self.findings = found
            self.changed.set()
        self._tell(found)
        for notice in found.notices:
            if notice not in self._noticed:
                _log.warning("%s", notice)
        self._noticed.update(found.notices)
        return found

    def _tell(self, found: Findings) -> None:
        self._condition.obstacles = found.obstacles
        for line in found.wrong:
            if line not in self._told:
                _log.warning("%s", line)
        for line in self._told:
            if line not in found.wrong:
                _log.info("no more: %s", line)
        self._told = found.wrong

    async def _sleep(self) -> None:
        pause = self._pause if self._told else _EVERY
        await asyncio.sleep(pause)
        self._since_anew += pause
        if self._told:
            self._pause = min(self._pause * _SLOWER, _AT_LAST)
