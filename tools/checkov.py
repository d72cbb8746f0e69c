"""checkov, in an environment of its own: it pins a hundred packages, some of them older than the tests need.

It is kept where any checkout may use it again; build/checkov leads there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path

from setup import TOP, digest, make_venv, once

sys.path.insert(0, str(TOP))
from cluster.binaries import cache_folder  # tools/ is no package when its files are run

LOCK = TOP / "requirements/checkov.txt"
LINK = TOP / "build/checkov"


def main() -> None:
    """Bring it to what its lock says; nothing is left to do where it is there."""
    packages = digest(LOCK)
    environment = cache_folder() / packages[:16] / "checkov"
    environment.mkdir(parents=True, exist_ok=True)
    handle = os.open(environment.parent, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)  # two at once would undo each other's work
    once("checkov into the cache", environment / "stamp", packages, lambda: make_venv(environment, LOCK))
    _link(environment)


def _link(environment: Path) -> None:
    LINK.parent.mkdir(exist_ok=True)
    if LINK.is_dir() and not LINK.is_symlink():  # where it was kept before
        shutil.rmtree(LINK)
    LINK.unlink(missing_ok=True)
    LINK.symlink_to(environment)


if __name__ == "__main__":
    main()
