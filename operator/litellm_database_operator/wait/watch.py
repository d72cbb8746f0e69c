"""Looks again and again, and says what it waits for whenever that changes. __main__ runs it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from litellm_database_operator.errors import OperatorError
from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.postgres.connection import ConnectFailedError, Deadlines, connect
from litellm_database_operator.postgres.inside import look
from litellm_database_operator.wait.door import may_be_outdated, told_of_refusal
from litellm_database_operator.wait.settings import Settings
from litellm_database_operator.wait.verdict import Verdict, judge

_DEADLINES: Final = Deadlines(connect=5, call=10.0)
_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
_REFUSAL_PATIENCE: Final = 60.0
"""The operator writes a password to the Secret first, and to the role a moment later."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look: a verdict, and whether the environment may be outdated."""

    verdict: Verdict
    outdated: bool = False


class GaveUpError(Exception):
    """The schema is not there; the message says what was missing, and why it is waited for no longer."""


async def wait_for_schema(settings: Settings, target: Bundle, name: str, say: Say) -> None:
    """Return when the schema is there; GaveUpError when it is not in time, or the Secret must be read again."""
    seen = _Seen(name=name, say=say)
    try:
        async with asyncio.timeout(settings.timeout or None):
            await _watch(settings, target, seen)
    except TimeoutError:
        raise GaveUpError(f"gave up after {settings.timeout:g} s {seen.waits_for()}") from None


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What was said last, and how long to pause."""

    name: str
    say: Say
    text: str = "no answer of the server yet"
    pause: float = _SHORTEST_PAUSE

    def waits_for(self) -> str:
        """Return what is not there."""
        return f"waiting for the schema of {self.name}: {self.text}"

    def note(self, text: str) -> None:
        """Say it, if it is new; whatever moves is looked at soon again."""
        if text == self.text:
            self.pause = min(2 * self.pause, _LONGEST_PAUSE)
            return
        self.text, self.pause = text, _SHORTEST_PAUSE
        self.say(self.waits_for())


async def _watch(settings: Settings, target: Bundle, seen: _Seen) -> None:
    clock = asyncio.get_running_loop().time
    outdated_since: float | None = None
    while True:
        found = await _look(settings, target)
        if found.verdict.there:
            seen.say(f"the schema of {seen.name} is there: {found.verdict.text}")
            return
        seen.note(found.verdict.text)
        outdated_since = (outdated_since or clock()) if found.outdated else None
        if outdated_since and clock() - outdated_since > _REFUSAL_PATIENCE:
            raise GaveUpError(f"gave up {seen.waits_for()}. Started again, the container has the Secret as it then is")
        await asyncio.sleep(seen.pause)


async def _look(settings: Settings, target: Bundle) -> _Look:
    login = settings.login
    try:
        session = await connect(login, _DEADLINES)
    except ConnectFailedError as error:
        text = str(error)
        refusal = Verdict(there=False, text=told_of_refusal(login, text))
        return _Look(verdict=refusal, outdated=may_be_outdated(text))
    try:
        return _Look(verdict=judge(target, await look(session, login.database, settings.schema)))
    except OperatorError as error:
        return _Look(verdict=Verdict(there=False, text=error.message))
    finally:
        session.close()
