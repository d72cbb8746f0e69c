"""Waiting for something to become so, with an end."""

import time
from collections.abc import Callable

from cluster.errors import ClusterError


def wait_until(
    what: str,
    holds: Callable[[], bool],
    *,
    unless: Callable[[], str | None] = lambda: None,
    seconds: float = 120.0,
) -> None:
    """Ask again and again.

    Raises ClusterError that names `what` once the time is over, or at once with what `unless` says.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if reason := unless():
            raise ClusterError(f"cannot wait until {what}: {reason}")
        if time.monotonic() > deadline:
            raise ClusterError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.1)
