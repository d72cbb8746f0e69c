"""The seldom rhythm: every resource is looked at again, within a budget that does not grow with their number.

Each is due once in a period; where the budget is too small for that, the namespaces take turns, so that one
with a thousand databases does not keep another's single one waiting. It only asks for passes.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

from litellm_database_operator.control.queue import Lane, WorkQueue
from litellm_database_operator.model.resource_key import ResourceKey

_LONGEST_SLEEP: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How often resources are looked at."""

    per_second: float
    """At most, of all of them together."""
    period: float
    """Seconds in which each is looked at once, as long as that is within `per_second`."""


DATABASES: Final = Budget(per_second=5.0, period=60.0)
SERVERS: Final = Budget(per_second=5.0, period=15.0)


class Rhythm:
    """Picks what is looked at next."""

    def __init__(self, budget: Budget) -> None:
        """Begin with nothing due."""
        self._budget = budget
        self._due: dict[str, dict[ResourceKey, float]] = {}
        """By namespace, in turn; there the earliest due comes first."""

    def follow(self, keys: Iterable[ResourceKey], now: float) -> None:
        """Take up new keys and drop those that are gone."""
        current = set(keys)
        known = {key for due in self._due.values() for key in due}
        for key in known - current:
            del self._due[key.namespace][key]
        self._due = {namespace: due for namespace, due in self._due.items() if due}
        fresh = sorted(current - known, key=str)
        for number, key in enumerate(fresh, start=1):
            # spread evenly from the start, or all would come together for ever
            self._due.setdefault(key.namespace, {})[key] = now + self._budget.period * number / len(fresh)

    def next(self, now: float) -> ResourceKey | None:
        """Return what is to be looked at now, None when nothing is due."""
        for namespace, due in self._due.items():
            key = min(due, key=due.__getitem__)
            if due[key] <= now:
                due[key] = max(due[key] + self._budget.period, now)
                self._due[namespace] = self._due.pop(namespace)  # to the end: the others' turn
                return key
        return None

    def pause(self) -> float:
        """Return the seconds to the next question."""
        count = sum(map(len, self._due.values()))
        evenly = self._budget.period / count if count else _LONGEST_SLEEP
        return min(_LONGEST_SLEEP, max(evenly, 1.0 / self._budget.per_second))


async def look_again(keys: Callable[[], Iterable[ResourceKey]], queue: WorkQueue, budget: Budget) -> NoReturn:
    """Ask for passes in that rhythm, for ever."""
    rhythm = Rhythm(budget)
    loop = asyncio.get_running_loop()
    followed = -_LONGEST_SLEEP
    while True:
        if loop.time() - followed >= _LONGEST_SLEEP:
            followed = loop.time()
            rhythm.follow(keys(), followed)
        if (key := rhythm.next(loop.time())) is not None:
            queue.add(key, Lane.SLOW)
        await asyncio.sleep(rhythm.pause())
