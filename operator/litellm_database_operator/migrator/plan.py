"""Decides what a run applies, or why it applies nothing. Pure: from what was seen and what the bundle holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litellm_database_operator.migrator.content import Content, Index, Migration, View
from litellm_database_operator.migrator.errors import RunFailedError
from litellm_database_operator.migrator.look import Seen
from litellm_database_operator.model.bundle import names_ahead
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure

_NAMED: Final = 3
"""How many names a message holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done about the migrations."""

    resume: tuple[str, ...]
    """Unfinished ones that are rolled back in the ledger, since they can simply be run again."""
    pending: tuple[Migration, ...]


def make_plan(content: Content, seen: Seen, *, resumable: frozenset[str]) -> Plan:
    """Plan the way to the bundle; RunFailedError where a person must act before anything may run.

    `resumable` are those unfinished migrations that leave nothing but an INVALID index behind.
    """
    _refuse_unfinished([name for name in seen.unfinished if name not in resumable])
    _refuse_ahead(content, seen)
    _refuse_strangers(seen)
    pending = tuple(migration for migration in content.migrations if migration.name not in seen.finished)
    return Plan(resume=tuple(name for name in seen.unfinished if name in resumable), pending=pending)


def unbuilt_indexes(content: Content, seen: Seen) -> tuple[Index, ...]:
    """Return the bundle's own indexes that are not there, or not valid."""
    return tuple(index for index in content.indexes if index.name not in seen.indexes)


def missing_views(content: Content, seen: Seen) -> tuple[View, ...]:
    """Return the views that are not there; one that is stays as it is."""
    return tuple(view for view in content.views if view.name not in seen.views)


def unknown(content: Content, seen: Seen) -> frozenset[str]:
    """Return applied migrations that the bundle does not hold: LiteLLM rewrites its history, so this is information."""
    return seen.finished - set(content.names)


def edited(content: Content, seen: Seen) -> tuple[str, ...]:
    """Return applied migrations whose file has changed since: information."""
    applied = {row.name: row.checksum for row in seen.rows if row.finished and not row.rolled_back}
    return tuple(
        migration.name
        for migration in content.migrations
        if applied.get(migration.name, migration.checksum) != migration.checksum
    )


def named(names: Sequence[str]) -> str:
    """Return the first few of many names, for a message."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _refuse_unfinished(names: Sequence[str]) -> None:
    if names:
        raise RunFailedError(
            Failure(
                reason=Reason.LEDGER_UNFINISHED,
                prisma_code="P3009",
                migration=names[0],
                message=f"cannot apply anything: Prisma's ledger holds unfinished migrations ({len(names)}); look at "
                "what they left behind, mend it, and mark each with `prisma migrate resolve`",
            )
        )


def _refuse_ahead(content: Content, seen: Seen) -> None:
    if ahead := names_ahead(content.names, seen.finished):
        raise RunFailedError(
            Failure(
                reason=Reason.AHEAD_OF_TARGET,
                migration=ahead[-1],
                message=f"cannot go back: {len(ahead)} applied migrations are newer than bundle {content.version}; "
                "choose a LiteLLM version at least as new as the database",
            )
        )


def _refuse_strangers(seen: Seen) -> None:
    if seen.rows or not seen.strangers:
        return
    raise RunFailedError(
        Failure(
            reason=Reason.MIGRATION_FAILED,
            prisma_code="P3005",
            server_message=named(seen.strangers),
            message=f"cannot apply anything: the schema holds {len(seen.strangers)} objects and no migration was ever "
            "applied to it; give LiteLLM an empty schema",
        )
    )
