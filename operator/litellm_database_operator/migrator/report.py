"""Makes the report out of how a run went, and leaves it where the kubelet picks it up."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from litellm_database_operator.migrator.content import ContentError
from litellm_database_operator.migrator.errors import QueryError, RunFailedError
from litellm_database_operator.migrator.judge import JudgeError
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.settings import SettingsError
from litellm_database_operator.migrator.stop import StopError
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure, Outcome, Report, dump

_OUTSIDE: Final[Mapping[str | None, Reason]] = {"25006": Reason.SERVER_READ_ONLY, "53300": Reason.SERVER_BUSY}
"""Why a server that answers let nobody in until the deadline."""


def explain(error: BaseException, progress: Progress) -> Failure:
    """Say why a run failed; of an unexpected error only its kind is told, the log has the rest."""
    match error:
        case RunFailedError():
            return error.failure
        case StopError():
            return _stopped(error, progress)
        case SettingsError() | ContentError():
            return Failure(reason=Reason.MIGRATION_FAILED, message=str(error))
        case JudgeError():
            return Failure(
                reason=Reason.MIGRATION_FAILED,
                prisma_code=error.code,
                sqlstate=error.sqlstate,
                server_message=error.message,
                message=f"cannot judge the database while {progress.phase}",
            )
        case QueryError():
            return Failure(
                reason=Reason.MIGRATION_FAILED,
                sqlstate=error.sqlstate,
                server_message=error.message,
                message=f"cannot go on while {progress.phase}: PostgreSQL refused a statement of the migrator",
            )
        case _:
            return Failure(
                reason=Reason.MIGRATION_FAILED,
                migration=progress.migration,
                message=f"cannot go on while {progress.phase}: {type(error).__name__}, which is a bug; "
                "the Job's log has its place",
            )


def is_bug(error: BaseException) -> bool:
    """Tell whether an error is none that a run is expected to meet."""
    return not isinstance(error, RunFailedError | StopError | SettingsError | ContentError | JudgeError | QueryError)


def _stopped(error: StopError, progress: Progress) -> Failure:
    overdue = error.reason is Reason.MIGRATION_DEADLINE_EXCEEDED
    outside = overdue and progress.phase == "waiting for the database"
    return Failure(
        reason=_OUTSIDE.get(progress.sqlstate, Reason.SERVER_UNREACHABLE) if outside else error.reason,
        prisma_code=progress.prisma_code or ("P1001" if outside and progress.sqlstate is None else None),
        sqlstate=progress.sqlstate,
        migration=progress.migration,
        statement=progress.statement,
        server_message=progress.obstacle or None,
        blocked_by=progress.blocked_by,
        message=f"cannot go on: {'the deadline passed' if overdue else 'the Job was told to end'} "
        f"while {progress.phase}; what is applied stays applied",
    )


def make_report(progress: Progress, failure: Failure | None, *, bundle: str, digest: str) -> Report:
    """Put a report together."""
    done = progress.ended or (Outcome.MIGRATED if progress.applied or progress.built else Outcome.NOTHING_TO_DO)
    return Report(
        outcome=done if failure is None else Outcome.FAILED,
        bundle=bundle,
        digest=digest,
        applied=progress.applied,
        total=progress.total,
        ledger=progress.fingerprint,
        seconds=round(time.monotonic() - progress.began, 3),
        missing=progress.missing or (),
        state=progress.state,
        plan=progress.plan,
        failure=failure,
    ).cleaned()


def leave(report: Report, path: Path) -> None:
    """Write the report."""
    path.write_text(dump(report))
