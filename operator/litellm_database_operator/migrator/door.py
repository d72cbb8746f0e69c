"""The way in: waits for the database, and for Prisma's lock in it."""

import time
from typing import Final

from litellm_database_operator.migrator import ledger
from litellm_database_operator.migrator.content import Content
from litellm_database_operator.migrator.errors import ConnectError, RunFailedError
from litellm_database_operator.migrator.judge import Judge, JudgeError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.look import Flag
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.session import Session, connect
from litellm_database_operator.migrator.settings import Login
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure

_PAUSE: Final = 1.0
_LOCK_PAUSE: Final = 0.5
REFUSAL_PATIENCE: Final = 5.0
"""Seconds in which a refusal may still come right: roles and passwords reach a server's replicas late."""
_REFUSALS: Final = {
    "P1000": Reason.LOGIN_FAILED,
    "P1003": Reason.DATABASE_MISSING,
    "P1010": Reason.LOGIN_FAILED,
    "P1011": Reason.TLS_FAILED,
}


def open_session(login: Login, judge: Judge, content: Content, progress: Progress) -> Session:
    """Connect and take the lock, for as long as it takes; RunFailedError when the server says no, and keeps to it."""
    session = _connect(login, judge, content, progress)
    progress.phase = "waiting for Prisma's lock, which another migrator holds"
    while not session.fetch(Flag, ledger.lock())[0].value:
        log("waits for Prisma's lock")
        time.sleep(_LOCK_PAUSE)
    return session


def _connect(login: Login, judge: Judge, content: Content, progress: Progress) -> Session:
    progress.phase = "waiting for the database"
    refused_until = time.monotonic() + REFUSAL_PATIENCE
    while True:
        try:
            return connect(login)
        except ConnectError as error:
            progress.obstacle = str(error)
        code = _refusal(judge, content)
        if code in _REFUSALS and time.monotonic() > refused_until:
            raise _refused(code, progress.obstacle)
        log("waits for the database", text=progress.obstacle, code=code)
        time.sleep(_PAUSE)


def _refusal(judge: Judge, content: Content) -> str:
    """Ask the judge why nobody is let in: its driver tells SQLSTATEs, where libpq has only words in any language."""
    try:
        judge.diagnose(content.script_paths)
    except JudgeError as error:
        return error.code or ""
    return ""


def _refused(code: str, words: str) -> RunFailedError:
    return RunFailedError(
        Failure(
            reason=_REFUSALS[code],
            prisma_code=code,
            server_message=words,
            message=f"cannot log in to the database, and could not for {REFUSAL_PATIENCE:.0f} seconds",
        )
    )
