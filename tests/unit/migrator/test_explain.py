"""What a report says of each way in which a run can end."""

from __future__ import annotations

import pytest

from litellm_database_operator.migrator.content import ContentError
from litellm_database_operator.migrator.errors import QueryError, RunFailedError
from litellm_database_operator.migrator.judge import JudgeError
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.report import explain, is_bug, make_report
from litellm_database_operator.migrator.settings import SettingsError
from litellm_database_operator.migrator.stop import StopError
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure, Outcome, dump, parse

DEADLINE = StopError(Reason.MIGRATION_DEADLINE_EXCEEDED)
TOLD = StopError(Reason.MIGRATION_INTERRUPTED)
OWN = Failure(reason=Reason.AHEAD_OF_TARGET, message="cannot go back")


@pytest.mark.parametrize(
    ("error", "phase", "reason", "code"),
    [
        pytest.param(RunFailedError(OWN), "looking", Reason.AHEAD_OF_TARGET, None, id="one that explains itself"),
        pytest.param(DEADLINE, "applying", Reason.MIGRATION_DEADLINE_EXCEEDED, None, id="deadline"),
        pytest.param(DEADLINE, "waiting for the database", Reason.SERVER_UNREACHABLE, "P1001", id="never connected"),
        pytest.param(TOLD, "waiting for the database", Reason.MIGRATION_INTERRUPTED, None, id="told to end"),
        pytest.param(SettingsError("cannot start: x"), "starting", Reason.MIGRATION_FAILED, None, id="settings"),
        pytest.param(ContentError("cannot use x"), "starting", Reason.MIGRATION_FAILED, None, id="bundle"),
        pytest.param(JudgeError("x", code="P1012"), "comparing", Reason.MIGRATION_FAILED, "P1012", id="judge"),
        pytest.param(QueryError("x", sqlstate="42501", position=1), "x", Reason.MIGRATION_FAILED, None, id="query"),
        pytest.param(ValueError("pa55"), "x", Reason.MIGRATION_FAILED, None, id="bug"),
        pytest.param(MemoryError(), "x", Reason.MIGRATION_FAILED, None, id="no memory"),
    ],
)
def test_each_end_is_explained(error: BaseException, phase: str, reason: Reason, code: str | None) -> None:
    failure = explain(error, Progress(phase=phase))
    assert (failure.reason, failure.prisma_code) == (reason, code)
    assert failure.message.startswith("cannot ")
    assert "pa55" not in failure.message
    assert parse(dump(make_report(Progress(), failure, bundle="1", digest="2"))).failure == failure


def test_a_stopped_run_names_where_it_was() -> None:
    progress = Progress(phase="applying migrations", migration="m", statement="s", obstacle="o")
    failure = explain(DEADLINE, progress)
    assert (failure.migration, failure.statement, failure.server_message) == ("m", "s", "o")
    assert "while applying migrations" in failure.message


@pytest.mark.parametrize(
    ("error", "bug"), [(RunFailedError(OWN), False), (TOLD, False), (KeyError("x"), True), (SystemExit(), True)]
)
def test_only_what_nobody_expects_is_a_bug(error: BaseException, bug: bool) -> None:  # noqa: FBT001
    assert is_bug(error) is bug


@pytest.mark.parametrize(
    ("progress", "outcome"),
    [
        pytest.param(Progress(), Outcome.NOTHING_TO_DO, id="nothing"),
        pytest.param(Progress(applied=1), Outcome.MIGRATED, id="a migration"),
        pytest.param(Progress(built=1), Outcome.MIGRATED, id="a view or an index"),
    ],
)
def test_the_outcome_tells_whether_anything_changed(progress: Progress, outcome: Outcome) -> None:
    assert make_report(progress, None, bundle="1", digest="2").outcome is outcome
