"""Ports for the servers that tests start."""

from __future__ import annotations

import fcntl
import random
import socket
import tempfile
from pathlib import Path
from typing import IO, Final

# Below the kernel's ephemeral range, so that a restarted server finds its port free.
_PORTS: Final = range(20_000, 30_000)
_LOCKS: Final = Path(tempfile.gettempdir()) / "litellm-database-operator-test-ports"
_reserved: list[IO[str]] = []
"""Open until this process ends, and the locks with them."""


def reserve_port() -> int:
    """Take a port for as long as this process lives: test processes beside us do the same.

    Between a look at a port and the server's own bind another could take it, hence the lock; the look is for
    whoever knows nothing of the lock.
    """
    _LOCKS.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(_PORTS, 100):
        lock = (_LOCKS / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
        else:
            _reserved.append(lock)
            return port
    raise RuntimeError("100 ports tried and none is free")
