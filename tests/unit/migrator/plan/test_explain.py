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


@pytest.mark.parametrize(
    ("sqlstate", "prisma_code", "reason", "told"),
    [
        pytest.param("25006", None, Reason.SERVER_READ_ONLY, None, id="a standby"),
        pytest.param("53300", "P2037", Reason.SERVER_BUSY, "P2037", id="no free connection"),
        pytest.param("57P03", None, Reason.SERVER_UNREACHABLE, None, id="one that is starting"),
        pytest.param(None, "P1001", Reason.SERVER_UNREACHABLE, "P1001", id="nobody"),
    ],
)
def test_the_deadline_before_a_closed_door_names_what_closes_it(
    sqlstate: str | None, prisma_code: str | None, reason: Reason, told: str | None
) -> None:
    progress = Progress(phase="waiting for the database")
    progress.hinder("words", prisma_code=prisma_code, sqlstate=sqlstate)
    failure = explain(DEADLINE, progress)
    assert (failure.reason, failure.prisma_code, failure.sqlstate) == (reason, told, sqlstate)
    assert parse(dump(make_report(Progress(), failure, bundle="1", digest="2"))).failure == failure


def test_the_deadline_behind_a_lock_names_who_holds_it() -> None:
    progress = Progress(phase="applying migrations", sqlstate="55P03", blocked_by="pid 7")
    failure = explain(DEADLINE, progress)
    assert (failure.reason, failure.sqlstate) == (Reason.MIGRATION_DEADLINE_EXCEEDED, "55P03")
    assert failure.blocked_by == "pid 7"


def test_what_was_in_the_way_of_one_migration_is_not_told_of_the_next() -> None:
    progress = Progress(sqlstate="55P03", blocked_by="pid 7", obstacle="words")
    progress.begin("next")
    assert (progress.sqlstate, progress.blocked_by, progress.obstacle) == (None, None, "")
