"""The migrator's log: one JSON object a line on stdout, and on stderr what is a bug. Never a password, nor a row.

What a person reads as a whole, the plan, stands between them: lines that begin with a bar.
"""

import json
import sys
import time
import traceback
from collections.abc import Mapping
from typing import TextIO


def log(message: str, **fields: str | float | None) -> None:
    """Write a line."""
    _write(sys.stdout, "info", message, fields)


def show(text: str) -> None:
    """Write lines for people."""
    sys.stdout.write("".join(f"| {line}\n" for line in text.splitlines()))
    sys.stdout.flush()


def log_bug(error: BaseException) -> None:
    """Write where an unexpected error came from.

    Of its text the first line only: the next ones of a server's error are DETAIL and the statement, which hold values.
    """
    told = {
        "error": type(error).__name__,
        "text": str(error).partition("\n")[0],
        "traceback": "".join(traceback.format_tb(error.__traceback__)),
    }
    _write(sys.stderr, "error", "this should not happen", told)


def _write(stream: TextIO, level: str, message: str, fields: Mapping[str, str | float | None]) -> None:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    known = {name: value for name, value in fields.items() if value is not None}
    # One write for the whole line: the thread that looks for blockers logs, too.
    stream.write(json.dumps({"time": moment, "level": level, "message": message, **known}) + "\n")
    stream.flush()
