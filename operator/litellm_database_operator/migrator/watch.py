"""Looks, from a second session, who is in the way of a query of the first that does not come to its end.

The session that waits cannot ask, and once its wait is over the answer is gone. A thread: the main one is where
signals arrive, and what they interrupt must be the query itself. The second session is opened only when needed.
"""

import threading
import time
from contextlib import suppress
from typing import Final

from litellm_database_operator.migrator.blockers import blockers
from litellm_database_operator.migrator.errors import ConnectError, ConnectionLostError, QueryError
from litellm_database_operator.migrator.log import log
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.session import Session, connect
from litellm_database_operator.migrator.settings import Login
from litellm_database_operator.migrator.stop import is_stopped

_PATIENCE: Final = 0.2
"""Seconds that a query may take before anybody asks why; shorter than lock_timeout, which ends its wait."""
_RHYTHM: Final = 0.1
_GRACE: Final = 1.0
"""Seconds that the end of a run waits for a look that is under way; a server that is silent keeps it longer."""


class Watch:
    """Keeps Progress.blocked_by true while a session's queries wait."""

    def __init__(self, session: Session, login: Login, progress: Progress) -> None:
        """Begin; it ends with the session."""
        self._session, self._login, self._progress = session, login, progress
        self._own: Session | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()
        session.on_close(self._end)

    def _end(self) -> None:
        self._over.set()
        self._thread.join(_GRACE)

    def _run(self) -> None:
        while not self._over.wait(_RHYTHM):
            since = self._session.busy_since
            if since is not None and time.monotonic() - since >= _PATIENCE:
                # Whoever cannot look says nothing: the query itself will tell what is wrong with the server.
                with suppress(ConnectError, ConnectionLostError, QueryError):
                    self._look(since)
        if self._own is not None:
            self._own.close()

    def _look(self, since: float) -> None:
        if self._own is None or self._own.lost:
            self._own = connect(self._login)
        found = blockers(self._own, pid=self._session.pid)
        # Otherwise the answer is about a query that is over, or is being cancelled.
        if self._session.busy_since == since and not is_stopped():
            self._tell(found)

    def _tell(self, found: str | None) -> None:
        if found is None:
            self._progress.pass_on()
            return
        is_news = found != self._progress.blocked_by
        self._progress.block(found)
        if is_news:
            log("is blocked", phase=self._progress.phase, migration=self._progress.migration, blocked_by=found)
