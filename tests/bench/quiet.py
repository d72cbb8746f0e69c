"""What 100 Ready resources cost while nothing is to be done: writes, statements, memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.bench import audit
from tests.bench.figures import Figure
from tests.bench.hundred import COUNT, Hundred, app_logins
from tests.bench.memory import memory
from tests.bench.place import OPERATOR_NAMESPACE, BenchError, Place
from tests.bench.progress import tell
from tests.support.postgres_server import PostgresServer

IDLE_MINUTES: Final = 5
_DEPLOYMENT: Final = "deployment/litellm-database-operator"
_RESTARTED_WITHIN: Final = 240.0


def operator_rss_mib(hundred: Hundred) -> Figure:
    """Read the memory of the operator's process."""
    hundred.make_ready()
    own = memory(Path(f"/proc/{operator_pid(hundred.here)}/status").read_text())
    return Figure(
        key="operator_rss_mib",
        value=round(own["VmRSS"], 1),
        how=f"VmRSS after the burst, with {COUNT} Ready resources; its highest was {own['VmHWM']:.1f} MiB",
    )


def idle(hundred: Hundred) -> tuple[Figure, Figure]:
    """Count writes and statements of minutes in which nothing changes."""
    hundred.make_ready()
    tell(f"look at {COUNT} idle resources for {IDLE_MINUTES} minutes")
    start = audit.position()
    with statements_logged(hundred.here.postgres) as log:
        threading.Event().wait(60 * IDLE_MINUTES)
        lines = log()
    writes = audit.writes_since(start, [hundred.here.namespace])
    statements, logins = count_statements(lines), count_logins(lines)
    return (
        Figure(
            key="api_writes_idle",
            value=audit.counted(writes),
            how=f"{COUNT} Ready resources, from the audit log: {audit.by_kind(writes)}; the Lease is renewed beside it",
        ),
        Figure(
            key="sql_idle_per_minute",
            value=round(statements / IDLE_MINUTES, 1),
            how=f"log_statement=all for {IDLE_MINUTES} minutes with {COUNT} Ready resources; "
            f"{logins / IDLE_MINUTES:.1f} logins a minute beside it. Each database is looked at once a minute",
        ),
    )


def api_writes_restart(hundred: Hundred) -> Figure:
    """Restart the operator, and count what it writes until it has looked into every database again."""
    hundred.make_ready()
    tell("restart the operator")
    kubectl, start = hundred.here.kubectl.within(OPERATOR_NAMESPACE), audit.position()
    kubectl.run("rollout", "restart", _DEPLOYMENT)
    kubectl.run("rollout", "status", _DEPLOYMENT, "--timeout=120s", at_most=150)
    available = time.monotonic()
    # from here on, so that no look of the old one counts; each database has another within a minute
    with statements_logged(hundred.here.postgres) as log:
        _wait_for_looks(log)
    writes = audit.writes_since(start, [hundred.here.namespace])
    return Figure(
        key="api_writes_restart",
        value=audit.counted(writes),
        how=f"from the restart until all {COUNT} databases were logged in to once more, "
        f"{time.monotonic() - available:.0f} s after the rollout: {audit.by_kind(writes)}",
    )


def _wait_for_looks(log: Callable[[], list[str]]) -> None:
    end = time.monotonic() + _RESTARTED_WITHIN
    while len(app_logins(log())) < COUNT:
        if time.monotonic() > end:
            raise BenchError("the restarted operator did not look at all resources in time")
        threading.Event().wait(1.0)


@contextmanager
def statements_logged(server: PostgresServer) -> Generator[Callable[[], list[str]]]:
    """Have the server log statements and logins; yield what returns the lines since."""
    begin = len(server.log)

    def lines() -> list[str]:
        return server.log[begin:].splitlines()

    _set(server, "all", "on")
    try:
        yield lines
    finally:
        _set(server, "none", "off")


def _set(server: PostgresServer, statements: str, connections: str) -> None:
    with server.connect() as session:
        session.execute(f"ALTER SYSTEM SET log_statement = '{statements}'".encode())
        session.execute(f"ALTER SYSTEM SET log_connections = {connections}".encode())
    server.reload()


def count_statements(lines: Iterable[str]) -> int:
    """Count what clients asked for, in a log of log_statement=all: by the simple protocol and by the extended one."""
    return sum("LOG:  statement: " in line or "LOG:  execute " in line for line in lines)


def count_logins(lines: Iterable[str]) -> int:
    """Count the sessions that began, in a log of log_connections."""
    return sum("LOG:  connection authorized: " in line for line in lines)


def operator_pid(here: Place) -> int:
    """Find the operator's process on this machine: the one in its container's cgroup."""
    labels = "app.kubernetes.io/component=operator"
    pods = here.kubectl.within(OPERATOR_NAMESPACE).list_all("pod", labels)
    running = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    container = str(running[0]["status"]["containerStatuses"][0]["containerID"]).partition("://")[2]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if container in (folder / "cgroup").read_text():
                return int(folder.name)
        except OSError:  # it has just ended
            continue
    raise BenchError("the operator's process is not on this machine")
