"""checkov, in an environment of its own: it pins a hundred packages, some of them older than the tests need."""

from __future__ import annotations

import fcntl
from pathlib import Path

from setup import TOP, digest, make_venv, once

VENV = TOP / "build/checkov"
LOCK = TOP / "requirements/checkov.txt"


def main() -> None:
    """Bring it to what its lock says; nothing is left to do where it is there."""
    with Path(__file__).open() as ourselves:
        fcntl.flock(ourselves, fcntl.LOCK_EX)  # two at once would undo each other's work
        once("checkov into build/checkov", VENV / "stamp", digest(LOCK), lambda: make_venv(VENV, LOCK))


if __name__ == "__main__":
    main()
