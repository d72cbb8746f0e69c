"""A process is ours only while pid, start and boot are what was noted."""

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.processes import Program, digest, is_alive, note, recall, start, start_time, stop

SLEEPER = Program(name="sleeper", command=("sleep", "1000"))
STAT = "42 (a) b (c) {state} 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 {start} 0 0"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEPER.command) as sleeper:
        yield sleeper
        sleeper.kill()


def test_the_start_is_found_behind_a_name_with_parentheses() -> None:
    assert start_time(STAT.format(state="S", start=123456)) == 123456


@pytest.mark.parametrize("state", ["Z", "X"])
def test_a_process_that_waits_to_be_reaped_has_ended(state: str) -> None:
    assert start_time(STAT.format(state=state, start=1)) is None


def test_a_noted_process_is_known_again(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    noted = note(tmp_path, SLEEPER, process.pid)
    assert recall(tmp_path, "sleeper") == noted
    assert is_alive(noted)


def test_nothing_noted_is_none(tmp_path: Path) -> None:
    assert recall(tmp_path, "sleeper") is None


def test_a_note_that_was_cut_short_is_none(tmp_path: Path) -> None:
    (tmp_path / "sleeper.json").write_text('{"pid": 1')
    assert recall(tmp_path, "sleeper") is None


@pytest.mark.parametrize(
    "difference",
    [
        pytest.param({"started": 1}, id="another start: the pid was given to a stranger"),
        pytest.param({"boot": "another"}, id="another boot"),
        pytest.param({"pid": 2**22 + 1}, id="a pid that cannot be"),
    ],
)
def test_a_stranger_is_neither_known_nor_stopped(
    tmp_path: Path, process: subprocess.Popen[bytes], difference: dict[str, int | str]
) -> None:
    stranger = dataclasses.replace(note(tmp_path, SLEEPER, process.pid), **difference)
    assert not is_alive(stranger)
    stop(stranger)
    assert process.poll() is None


def test_stop_ends_a_process_of_ours(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    noted = note(tmp_path, SLEEPER, process.pid)
    stop(noted)
    assert process.wait(timeout=10) == -15
    stop(noted)


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that SIGTERM does not end, once it does not."""
    command = ["bash", "-c", "trap '' TERM; echo deaf; while :; do read -rt 9 <> <(:); done"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_stop_ends_one_that_does_not_listen(tmp_path: Path, deaf: subprocess.Popen[bytes]) -> None:
    stop(note(tmp_path, SLEEPER, deaf.pid), seconds=0.1)
    assert deaf.wait(timeout=10) == -9


def test_a_changed_file_or_flag_asks_for_a_new_start(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("one")
    program = Program(name="reader", command=("cat",), reads=(config,))
    before = digest(program)
    config.write_text("two")
    assert digest(program) != before
    assert digest(dataclasses.replace(program, command=("cat", "-n"))) != digest(program)


def test_a_newly_built_binary_asks_for_a_new_start(tmp_path: Path) -> None:
    link = tmp_path / "program"
    link.symlink_to("/built/before")
    program = Program(name="program", command=(str(link),))
    before = digest(program)
    link.unlink()
    link.symlink_to("/built/now")
    assert digest(program) != before


def test_start_joins_the_cgroup_and_keeps_what_is_said(tmp_path: Path) -> None:
    procs, log = tmp_path / "cgroup.procs", tmp_path / "log"
    procs.touch()
    program = Program(name="speaker", command=("echo", "a word"))
    with start(program, entering=["env", "A=b"], cgroup_procs=procs, log=log) as process:
        assert process.wait(timeout=10) == 0
    assert log.read_text() == "a word\n"
    assert procs.read_text() == f"{process.pid}\n"
    assert process.pid != os.getpid()
