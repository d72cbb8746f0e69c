"""Lets the judge say whether the database is what the bundle means: success is this, and nothing else."""

from collections.abc import Sequence
from itertools import chain

from litellm_database_operator.migrator.compare.standing import Standing
from litellm_database_operator.migrator.content import Content
from litellm_database_operator.migrator.errors import RunFailedError
from litellm_database_operator.migrator.judge import Diagnosis, Judge
from litellm_database_operator.migrator.look import Seen
from litellm_database_operator.migrator.plan.work import broken_indexes, missing_views, named, unbuilt_indexes
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure


def verify(content: Content, judge: Judge, seen: Seen, standing: Standing, session: Session) -> tuple[str, ...]:
    """Return what is missing, in words; empty means that the database matches. RunFailedError: the ledger does not."""
    refuse_ledger(judge.diagnose(content.script_paths))
    beyond = standing.missing(session, seen)
    return missing(content, seen, differences=(*judge.compare(content.datamodel), *beyond))


def refuse_ledger(diagnosis: Diagnosis) -> None:
    """RunFailedError unless Prisma holds every migration of the bundle for applied."""
    wrong = diagnosis.failed or diagnosis.unapplied
    if wrong:
        raise RunFailedError(
            Failure(
                reason=Reason.LEDGER_UNFINISHED,
                migration=wrong[0],
                message=f"cannot call the schema complete: Prisma holds {len(wrong)} migrations for not applied",
            )
        )


def missing(content: Content, seen: Seen, *, differences: Sequence[str]) -> tuple[str, ...]:
    """Put together what the judge found missing, and what schema.prisma does not tell."""
    indexes = (f"index {index.table}.{index.name}" for index in unbuilt_indexes(content, seen))
    broken = (f"index {index.table}.{index.name}, which is INVALID" for index in broken_indexes(content, seen))
    views = (f"view {view.name}" for view in missing_views(content, seen))
    told = (difference for difference in differences if difference not in _partitioned_keys(seen))
    return tuple(dict.fromkeys(chain(told, indexes, broken, views)))


def _partitioned_keys(seen: Seen) -> frozenset[str]:
    """Name the primary keys that differ of need: a partitioned table's holds the column that it is partitioned by.

    LiteLLM's scripts partition the spend log so.
    https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-LIMITATIONS
    """
    keys = (thing for thing in seen.objects if thing.kind == "I" and thing.valid)
    return frozenset(f"primaryKey {key.table}.{key.name}" for key in keys)


def incomplete(names: Sequence[str], *, drifted: bool = False) -> RunFailedError:
    """Return the error for a schema that lacks something; `drifted`: every migration was applied before this run."""
    why = (
        "somebody changed the schema by hand, or no file that was run here ever made them: put them back"
        if drifted
        else "either the bundle's own files do not make them, or somebody took them away before: choose another "
        "LiteLLM version, or put them back"
    )
    return RunFailedError(
        Failure(
            reason=Reason.SCHEMA_INCOMPLETE,
            server_message=named(names),
            message=f"cannot call the schema complete: {len(names)} things that the bundle names are missing or "
            f"different, though every migration is applied; {why}",
        )
    )
