"""A few sessions of the admin with one server, used again; server.py holds one pool for each server.

Two rules beside the number: an idle session is closed after a while, and a server that does not answer is tried
by one caller at a time, whose verdict is everybody's who waited meanwhile.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from litellm_database_operator.errors import OperatorError
from litellm_database_operator.model.names import DatabaseName
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.postgres.connection import Deadlines, Login, Session, connect_admin


class Pool:
    """At most `concurrency` sessions at once."""

    def __init__(self, login: Login, *, concurrency: int, deadlines: Deadlines) -> None:
        """Remember where; the first caller connects."""
        self._login = login
        self._deadlines = deadlines
        self._places = asyncio.Semaphore(concurrency)
        self._idle: dict[Session, asyncio.TimerHandle] = {}
        self._trial = asyncio.Lock()
        self._answers = False
        self._verdict: tuple[float, OperatorError] | None = None
        self._closed = False

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """Lend a session of the maintenance database; after an error, whatever it was, it is not used again."""
        arrived = _now()
        async with self._places:
            session = self._idle_session() or await self._new_session(arrived)
            try:
                yield session
            except BaseException as error:
                session.close()
                self._doubt(error)
                raise
            self._keep(session)

    @asynccontextmanager
    async def session_in(self, database: DatabaseName) -> AsyncGenerator[Session]:
        """Lend a new session of another database, closed afterwards; it counts as one of the pool's."""
        async with self._places:
            session = await connect_admin(replace(self._login, database=database), self._deadlines)
            try:
                yield session
            finally:
                session.close()

    def close(self) -> None:
        """Close what is idle, and from now on whatever comes back."""
        self._closed = True
        self._drop_idle()

    def _idle_session(self) -> Session | None:
        while self._idle:
            session, timer = self._idle.popitem()
            timer.cancel()
            if session.usable():
                return session
            session.close()
        return None

    async def _new_session(self, arrived: float) -> Session:
        if not self._answers:
            async with self._trial:
                if self._verdict is not None and self._verdict[0] >= arrived:
                    raise self._verdict[1]
                if not self._answers:
                    return await self._connect()
        return await self._connect()

    async def _connect(self) -> Session:
        try:
            session = await connect_admin(self._login, self._deadlines)
        except OperatorError as error:
            self._note(error)
            raise
        self._answers, self._verdict = True, None
        return session

    def _doubt(self, error: BaseException) -> None:
        if isinstance(error, OperatorError) and error.reason is Reason.SERVER_UNREACHABLE:
            self._note(error)

    def _note(self, error: OperatorError) -> None:
        self._answers, self._verdict = False, (_now(), error)
        self._drop_idle()

    def _keep(self, session: Session) -> None:
        if self._closed:
            session.close()
            return
        self._idle[session] = asyncio.get_running_loop().call_later(self._deadlines.idle, self._expire, session)

    def _expire(self, session: Session) -> None:
        self._idle.pop(session, None)
        session.close()

    def _drop_idle(self) -> None:
        for session, timer in self._idle.items():
            timer.cancel()
            session.close()
        self._idle.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
