"""Commands that run at once: both are waited for, each is read whole, and one that fails is not forgotten."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOGETHER = Path(__file__).resolve().parents[3] / "tools/together.py"


def start(*commands: str) -> subprocess.Popen[str]:
    whole = [sys.executable, str(TOGETHER), *commands]
    return subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_they_run_at_once_and_are_read_one_after_the_other(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    told = start(
        f"sh -c 'mkfifo {pipe}; cat {pipe}; echo first'",
        f"sh -c 'until [ -p {pipe} ]; do :; done; echo now > {pipe}; echo second >&2'",
    )
    out, _ = told.communicate(timeout=30)
    assert (told.returncode, out.split()) == (0, ["now", "first", "second"])


@pytest.mark.parametrize("commands", [("false", "true"), ("true", "false")])
def test_one_that_fails_fails_all(commands: tuple[str, ...]) -> None:
    with start(*commands) as told:
        assert told.wait(timeout=30) == 1


def test_who_is_told_to_end_tidies_up(tmp_path: Path) -> None:
    mark = tmp_path / "second-is-up"
    trap, work = 'trap "echo tidy; exit 3" TERM', "sleep 30 >/dev/null 2>&1 & wait"
    first = f"sh -c '{trap}; until [ -e {mark} ]; do sleep 0.01; done; echo up; {work}'"
    told = start(first, f"sh -c '{trap}; touch {mark}; {work}'")
    assert told.stdout is not None
    assert told.stdout.readline() == "up\n"
    told.send_signal(signal.SIGTERM)
    out, _ = told.communicate(timeout=20)
    assert told.returncode == 1
    assert out.count("tidy") == 2
