"""A LiteLLM proxy as its database sees it: sessions that read and write all the time, each statement timed.

No statement is tried again: what fails here would have failed a request, or lost a row of the spend log.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from tests.bench.proxy_sql import KEYS, TEAMS, USERS, Statements

_PAUSE: Final = 0.02
"""Seconds between two requests of a session: a busy proxy, on a machine that has the database and the cluster too."""
_FLUSH_EVERY: Final = 10
"""Requests, after which what was spent is written; LiteLLM does it by the clock."""
_REPORT_EVERY: Final = 100
_PREPARED: Final = 500
"""Statements that a session keeps prepared, for as long as it lives; as Prisma does, which keeps 100."""

Connect = Callable[[], psycopg.Connection]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One statement that was sent."""

    act: str
    began: float
    """By time.monotonic()."""
    seconds: float
    sqlstate: str | None
    """What it failed with; None when it did not; "lost" where the connection was."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One connection of the proxy's pool."""

    connect: Connect
    statements: Statements
    prepares: bool
    """Whether statements are prepared once and kept, which is what Prisma does unless its URL says otherwise."""
    samples: list[Sample] = field(default_factory=list[Sample])
    _connection: psycopg.Connection | None = None

    def serve(self, until: threading.Event) -> None:
        """Send statements until told to stop."""
        number = 0
        while not until.wait(_PAUSE):
            number += 1
            self._request(number)
        if self._connection is not None:
            self._connection.close()

    def _request(self, number: int) -> None:
        key = random.randrange(KEYS)  # noqa: S311 - any key is as good
        user, team = key % USERS, key % USERS % TEAMS
        self._send("key lookup", self.statements.key_lookup, [f"key-{key}"])
        self._send("user", self.statements.user, [f"user-{user}", 1, 0])
        self._send("team", self.statements.team, [f"team-{team}", 1, 0])
        if number % _FLUSH_EVERY == 0:
            self._flush(key=f"key-{key}", user=f"user-{user}", team=f"team-{team}")
        if number % _REPORT_EVERY == 0:
            self._send("spend report", self.statements.spend_report, [])

    def _flush(self, *, key: str, user: str, team: str) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        self._send("spend logs", self.statements.spend_logs, _log(key, user, team, now))
        self._send("daily spend", self.statements.daily_upsert, _day(key, user, now))
        self._send("key spend", self.statements.key_spend, [0.001, key])
        self._send("team spend", self.statements.team_spend, [0.001, team])

    def _send(self, act: str, statement: sql.Composed | sql.SQL, values: Sequence[Any]) -> None:
        began, sqlstate = time.monotonic(), None
        try:
            self._connected().execute(statement, values)
        except psycopg.Error as error:
            sqlstate = error.sqlstate or "lost"
        self.samples.append(Sample(act=act, began=began, seconds=time.monotonic() - began, sqlstate=sqlstate))

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self.connect()
            self._connection.prepare_threshold = 0 if self.prepares else None
            self._connection.prepared_max = _PREPARED
        return self._connection


@contextmanager
def serving(connect: Connect, statements: Statements, *, prepares: bool, sessions: int) -> Generator[list[Session]]:
    """Have a proxy that serves while this lasts; its samples are whole afterwards."""
    until = threading.Event()
    pool = [Session(connect=connect, statements=statements, prepares=prepares) for _ in range(sessions)]
    with ThreadPoolExecutor(sessions) as threads:
        running: list[Future[None]] = [threads.submit(each.serve, until) for each in pool]
        try:
            yield pool
        finally:
            until.set()
        for each in running:
            each.result()


def _log(key: str, user: str, team: str, now: datetime) -> list[Any]:
    numbers = [0.001, 300, 200, 100]
    model = ["model-1", "group", "openai", user, '{"status": "success"}', "False", '["production"]']
    end = [team, "customer-1", str(uuid.uuid4()), "success", "{}", "{}"]
    return [str(uuid.uuid4()), "acompletion", key, *numbers, now, now, now, *model, *end]


def _day(key: str, user: str, now: datetime) -> list[Any]:
    unique = [user, now.date().isoformat(), key, "model-1", "openai", "", "/chat/completions"]
    return [str(uuid.uuid4()), *unique, now, 200, 100, 0.001, 1, 1]


def gather(sessions: Iterable[Session], *, since: float = 0.0, until: float = float("inf")) -> list[Sample]:
    """Return the samples that were under way between two moments."""
    return [
        sample
        for session in sessions
        for sample in session.samples
        if sample.began < until and sample.began + sample.seconds > since
    ]


def longest(samples: Iterable[Sample]) -> Sample:
    """Return the statement that took longest."""
    return max(samples, key=lambda sample: sample.seconds)


def failures(samples: Iterable[Sample]) -> Counter[str]:
    """Count what failed: `key lookup 0A000`."""
    return Counter(f"{sample.act} {sample.sqlstate}" for sample in samples if sample.sqlstate)
