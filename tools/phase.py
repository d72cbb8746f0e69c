"""One line a phase and its time: `python3 tools/phase.py lint -- ruff check`.

The Makefile runs everything through this, so that whoever waits sees what for,
and a failing phase is named last.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def phase(name: str) -> Generator[None]:
    """Say that `name` begins, and how long it took or that it failed."""
    print(f"== {name} …", flush=True)
    started = time.monotonic()
    verdict = "failed after "
    try:
        yield
        verdict = ""
    finally:
        print(f"== {name} … {verdict}{time.monotonic() - started:.1f} s", flush=True)


def main(arguments: list[str]) -> int:
    """Run the command behind `--` as the phase named before it; its exit code is ours."""
    separator = arguments.index("--")
    name, command = " ".join(arguments[:separator]), arguments[separator + 1 :]
    try:
        with phase(name):
            subprocess.run(command, check=True)
    except subprocess.CalledProcessError as error:
        return error.returncode if error.returncode > 0 else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
