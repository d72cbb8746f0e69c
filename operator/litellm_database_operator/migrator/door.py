"""The way in: waits for the database, and for Prisma's lock in it."""

import time
from typing import Final

from litellm_database_operator.migrator import ledger
from litellm_database_operator.migrator.blockers import holders
from litellm_database_operator.migrator.content import Content
from litellm_database_operator.migrator.errors import ConnectError, ConnectionLostError, RunFailedError
from litellm_database_operator.migrator.judge import Judge, JudgeError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Flag
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.session import Session, connect
from litellm_database_operator.migrator.settings import Login
from litellm_database_operator.migrator.watch import Watch
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure

_PAUSE: Final = 1.0
_READ_ONLY: Final = "25006"
_LOCKED: Final = "P1002"
_LOCK_PAUSE: Final = 0.5
REFUSAL_PATIENCE: Final = 5.0
"""Seconds in which a refusal may still come right: roles and passwords reach a server's replicas late."""
_REFUSALS: Final = {
    "P1000": Reason.LOGIN_FAILED,
    "P1003": Reason.DATABASE_MISSING,
    "P1010": Reason.LOGIN_FAILED,
    "P1011": Reason.TLS_FAILED,
}


def open_session(login: Login, judge: Judge, content: Content, progress: Progress, *, locked: bool = True) -> Session:
    """Connect, and take the lock where it is wanted, for as long as it takes.

    RunFailedError when the server says no, and keeps to it.
    """
    while True:
        session = _enter(login, judge, content, progress)
        try:
            if locked:
                _lock(session, progress)
        except ConnectionLostError as error:
            log("lost the connection", text=str(error))
            session.close()
        else:
            return session


def _enter(login: Login, judge: Judge, content: Content, progress: Progress) -> Session:
    before = progress.obstacle
    session = _connect(login, judge, content, progress)
    if progress.obstacle != before:  # what was in the way of the last try still is what the report tells
        progress.pass_on()
    Watch(session, login, progress)
    return session


def _lock(session: Session, progress: Progress) -> None:
    progress.phase = "waiting for Prisma's lock, which another migrator holds"
    while not session.fetch(Flag, ledger.lock())[0].value:
        progress.hinder("", prisma_code=_LOCKED)
        progress.blocked_by = holders(session)
        log("waits for Prisma's lock", blocked_by=progress.blocked_by)
        time.sleep(_LOCK_PAUSE)
    if progress.prisma_code == _LOCKED:
        progress.pass_on()


def _connect(login: Login, judge: Judge, content: Content, progress: Progress) -> Session:
    progress.phase = "waiting for the database"
    refused_until = time.monotonic() + REFUSAL_PATIENCE
    while True:
        try:
            return connect(login)
        except ConnectError as error:
            words = str(error)
        code, sqlstate = _refusal(judge, content, words)
        progress.hinder(words, prisma_code=code, sqlstate=sqlstate)
        if code in _REFUSALS and time.monotonic() > refused_until:
            raise _refused(code, sqlstate, words)
        log("waits for the database", text=words, code=code, sqlstate=sqlstate)
        time.sleep(_PAUSE)


def _refusal(judge: Judge, content: Content, words: str) -> tuple[str | None, str | None]:
    """Ask the judge why nobody is let in: its driver tells SQLSTATEs, where libpq has only words in any language.

    The judge only reads: where it gets in, the server is one that does not write, which is libpq's own finding.
    """
    try:
        judge.diagnose(content.script_paths)
    except JudgeError as error:
        return error.code, error.sqlstate
    return None, _READ_ONLY if "read-only" in words else None


def _refused(code: str, sqlstate: str | None, words: str) -> RunFailedError:
    return RunFailedError(
        Failure(
            reason=_REFUSALS[code],
            prisma_code=code,
            sqlstate=sqlstate,
            server_message=words,
            message=f"cannot log in to the database, and could not for {REFUSAL_PATIENCE:.0f} seconds",
        )
    )
