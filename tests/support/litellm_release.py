"""A release of LiteLLM with all that its proxy needs, in an environment of its own, by a lock.

`python3 -m tests.support.litellm_release 1.108.0` installs one, as the Makefile does before whatever is timed.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
LOCKS: Final = ROOT / "tests/support/litellm_releases"
_UV: Final = ROOT / ".venv/bin/uv"
_AT_MOST: Final = 180
_RECORDER: Final = """#!/bin/sh
echo "$1 $2" >> "$RECORD"
case "$1 $2" in "migrate deploy" | "db push") kill -9 "$PPID" ;; esac
exit 1
"""
"""Stands for Prisma's command line: notes what it is asked for, never the URL, and does none of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """LiteLLM, installed."""

    version: str

    @property
    def folder(self) -> Path:
        """Its environment."""
        return ROOT / "build/litellm" / self.version

    def install(self) -> None:
        """Make the environment unless it is there as the lock says; hundreds of megabytes, so it is kept."""
        lock = LOCKS / f"{self.version}.txt"
        stamp = self.folder / "stamp"
        with lock.open() as ourselves:
            fcntl.flock(ourselves, fcntl.LOCK_EX)
            if stamp.exists() and stamp.read_text() == lock.read_text():
                return
            python = ROOT / ".venv/bin/python"
            subprocess.run([_UV, "venv", "--quiet", "--clear", f"--python={python}", self.folder], check=True)
            install = ("pip", "install", "--quiet", "--require-hashes", "--no-deps", "--compile-bytecode")
            subprocess.run([_UV, *install, f"--python={self.folder}/bin/python", f"--requirement={lock}"], check=True)
            stamp.write_text(lock.read_text())

    def ask(self, *questions: str, environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
        """Return the answers of litellm_questions.py; RuntimeError with the end of what it said."""
        done = self._run(questions, environment, folder)
        if done.returncode:
            raise RuntimeError(f"LiteLLM {self.version} on {questions}: {done.stdout[-1000:]}{done.stderr[-3000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def start_its_migrator(self, environment: Mapping[str, str], folder: Path) -> None:
        """Run its migrator's entry, which is ended where it asks Prisma to change the database."""
        self._run(("migrator",), environment, folder)

    def _run(
        self, questions: tuple[str, ...], environment: Mapping[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        recorder = folder / "bin/prisma"
        recorder.parent.mkdir(exist_ok=True)
        recorder.write_text(_RECORDER)
        recorder.chmod(0o755)
        surroundings = {
            "PATH": f"{recorder.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "RECORD": str(folder / "record"),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would ask the internet
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [self.folder / "bin/python", ROOT / "tests/support/litellm_questions.py", *questions],
            env=surroundings | dict(environment),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_AT_MOST,
            check=False,
        )


def asked_of_prisma(folder: Path) -> list[str]:
    """Return the commands of Prisma's that were asked for in a folder: the first two words of each."""
    record = folder / "record"
    return [line.strip() for line in record.read_text().splitlines()] if record.exists() else []


if __name__ == "__main__":
    for each in sys.argv[1:]:
        Release(version=each).install()
