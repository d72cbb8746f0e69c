"""Prisma's command line as a process: started, listened to, and ended with all that it has started."""

import json
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_REFUSED: Final = "litellmdb-refused "
"""What the line begins with in which prisma.config.mjs tells of a script that failed."""
_KEPT_LINES: Final = 100
_KEPT_CHARACTERS: Final = 4_000
"""Of a line."""
_LAST_LINES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What PostgreSQL said to a script."""

    sqlstate: str | None
    """None where it said nothing: the connection was lost."""
    message: str
    """Its primary message, foreign text."""
    position: int | None
    """1-based, in characters of the script."""
    completed: int
    """Statements of the script that came to their end before."""


class PrismaProcess:
    """A running command line; used as a context, so that nothing of it outlives the run."""

    def __init__(self, command: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path) -> None:
        """Start it, with this environment and no other, in a process group of its own."""
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listener = threading.Thread(target=self._listen, name="prisma", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill what is left of its group: Python, Node, and whatever they started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def ends_within(self, seconds: float) -> bool:
        """Wait, and tell whether it has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self._listener.join()
        return True

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.returncode

    @property
    def refusal(self) -> Refusal | None:
        """Why its last script failed, where one did."""
        told = [line for line in self._lines if line.startswith(_REFUSED)]
        return _refusal(told[-1].removeprefix(_REFUSED)) if told else None

    @property
    def last_words(self) -> str:
        """Its last error, or the end of what it wrote. It can hold anything: what it was given must be taken out."""
        said = [line for line in self._lines if line.strip() and not line.startswith(_REFUSED)]
        errors = [number for number, line in enumerate(said) if line.startswith("Error")]
        return " ".join(said[errors[-1] if errors else -_LAST_LINES :][:_LAST_LINES])

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.append(line.decode(errors="replace").rstrip("\n")[:_KEPT_CHARACTERS])


def _refusal(text: str) -> Refusal | None:
    try:
        return Refusal(**json.loads(text))
    except (ValueError, TypeError):
        return None
