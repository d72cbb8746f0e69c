"""Run commands at once: `python3 tools/together.py "make integration-tests" "make e2e-tests"`.

The first one's output is shown as it comes, that of each other when all before it have ended. The exit code is 0
where every command's was, and else 1: what failed says so itself.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from types import FrameType
from typing import BinaryIO


def main(commands: list[str]) -> int:
    """Run each, wait for all; a SIGTERM is handed on, so that each tidies up."""
    with ExitStack() as kept:
        outputs = [None, *(kept.enter_context(tempfile.TemporaryFile()) for _ in commands[1:])]
        processes = [_start(command, output) for command, output in zip(commands, outputs, strict=True)]

        def hand_on(number: int, _frame: FrameType | None) -> None:
            for process in processes:
                process.send_signal(number)

        signal.signal(signal.SIGTERM, hand_on)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal has told them itself
        return max(_end(process, output) for process, output in zip(processes, outputs, strict=True))


def _start(command: str, output: BinaryIO | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(shlex.split(command), stdout=output, stderr=output and subprocess.STDOUT)


def _end(process: subprocess.Popen[bytes], output: BinaryIO | None) -> int:
    failed = process.wait() != 0
    if output is not None:
        output.seek(0)
        shutil.copyfileobj(output, sys.stdout.buffer)
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
