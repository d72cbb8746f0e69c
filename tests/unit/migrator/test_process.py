"""The process around a run: it starts fast, reports whatever happens, and can be stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litellm_database_operator.migrator import stop
from litellm_database_operator.migrator.log import log_bug
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import parse


def test_nothing_heavy_is_imported_before_node_runs() -> None:
    script = (
        "import sys, litellm_database_operator.migrator.__main__\n"
        "print([name for name in ('psycopg', 'pydantic', 'kopf', 'kubernetes', 'asyncio') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_run_without_settings_reports_too(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "litellm_database_operator.migrator"],
        env={"LITELLMDB_REPORT": str(tmp_path / "report")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, "")
    failure = parse((tmp_path / "report").read_text()).failure
    assert failure is not None
    assert failure.message == "cannot start: LITELLMDB_JOB is not set"


@pytest.fixture
def armed() -> object:
    before = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("armed")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_and_the_next_do_nothing(number: signal.Signals) -> None:
    stop.arm(60)
    with pytest.raises(stop.StopError) as stopped:
        os.kill(os.getpid(), number)
    assert stopped.value.reason is Reason.MIGRATION_INTERRUPTED
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("armed")
def test_the_deadline_stops() -> None:
    stop.arm(0.01)
    with pytest.raises(stop.StopError) as stopped:
        time.sleep(10)
    assert stopped.value.reason is Reason.MIGRATION_DEADLINE_EXCEEDED


def test_of_a_bug_only_the_first_line_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    log_bug(ValueError("duplicate key\nDETAIL: Key (token)=(pa55) exists"))
    told = capsys.readouterr().err
    assert json.loads(told)["text"] == "duplicate key"
    assert "pa55" not in told
