"""Says what is being measured: minutes of silence look like a hang."""

from __future__ import annotations

import sys
import time

_BEGUN = time.monotonic()


def tell(what: str) -> None:
    """Print a line with the time since the start; on stderr, so that the table stands alone on stdout."""
    print(f"  {time.monotonic() - _BEGUN:6.1f} s  {what}", file=sys.stderr, flush=True)  # noqa: T201 - a command line
