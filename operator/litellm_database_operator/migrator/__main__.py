"""What runs in the Job: `python3 -m litellm_database_operator.migrator`. Exit code 0 means migrated and verified."""

import gc
import os
import sys

from litellm_database_operator.migrator.content import read_content
from litellm_database_operator.migrator.judge import Judge
from litellm_database_operator.migrator.log import log, log_bug
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.report import explain, is_bug, leave, make_report
from litellm_database_operator.migrator.settings import Settings, read_report_path, read_settings
from litellm_database_operator.migrator.stop import arm, disarm
from litellm_database_operator.model.report import Failure


def main() -> int:
    """Run once, and leave a report whatever happens."""
    gc.disable()  # a run is over in seconds, and imports alone would be collected through a dozen times
    progress = Progress()
    failure = _attempt(progress)
    report = make_report(
        progress,
        failure,
        bundle=os.environ.get("LITELLMDB_BUNDLE", ""),
        digest=os.environ.get("LITELLMDB_TARGET", ""),
    )
    leave(report, read_report_path())
    log("ended", outcome=report.outcome, applied=report.applied, seconds=report.seconds)
    return 0 if failure is None else 1


def _attempt(progress: Progress) -> Failure | None:
    try:
        settings = read_settings()
        arm(settings.deadline)
        _migrate(settings, progress)
    except BaseException as error:  # noqa: BLE001 # also StopError, and whatever a bug raises: the report explains it
        disarm()
        failure = explain(error, progress)
        if is_bug(error):
            log_bug(error)
        log("failed", reason=failure.reason, text=failure.message, migration=failure.migration)
        return failure
    disarm()
    return None


def _migrate(settings: Settings, progress: Progress) -> None:
    with Judge(node=settings.node, engine=settings.engine, login=settings.login) as judge:
        content = read_content(settings.library, settings.bundle, digest=settings.target)
        progress.total = len(content.migrations)
        log("started", job=settings.job, bundle=content.version, planned_from=settings.planned_from)
        # Node compiles meanwhile: psycopg takes a tenth of a second to import.
        from litellm_database_operator.migrator.run import Run  # noqa: PLC0415

        Run(settings=settings, content=content, judge=judge, progress=progress).migrate()


if __name__ == "__main__":
    sys.exit(main())
