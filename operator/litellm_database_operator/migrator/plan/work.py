"""Decides what there is to do, or why nothing may be done. Pure: from what was seen and what the bundle holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litellm_database_operator.migrator.content import Content, Index, Migration, View
from litellm_database_operator.migrator.errors import RunFailedError
from litellm_database_operator.migrator.look import SchemaObject, Seen
from litellm_database_operator.model.bundle import names_ahead
from litellm_database_operator.model.names import LEDGER_TABLE
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure
from litellm_database_operator.model.schema_state import SchemaFacts, SchemaState, foreign_tables, schema_state

_NAMED: Final = 3
"""How many names a message holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be done."""

    resume: tuple[str, ...]
    """Unfinished ones that are rolled back in the ledger, since they can simply be run again."""
    pending: tuple[Migration, ...]
    indexes: tuple[str, ...]
    """To be built, or built anew."""
    views: tuple[str, ...]


def state_of(content: Content, seen: Seen) -> SchemaState:
    """Name what the database is, seen from the bundle."""
    facts = SchemaFacts(tables=seen.tables, finished=seen.finished, unfinished=seen.unfinished)
    return schema_state(content.names, facts)


def find_work(content: Content, seen: Seen, *, resumable: frozenset[str]) -> Work:
    """Find the way to the bundle: pending is a difference of sets, since LiteLLM dates files back.

    From a database that is ahead of it there is none.
    """
    if names_ahead(content.names, seen.finished):
        return Work(resume=(), pending=(), indexes=(), views=())
    indexes = (*(index.name for index in unbuilt_indexes(content, seen)), *_names(broken_indexes(content, seen)))
    return Work(
        resume=tuple(name for name in seen.unfinished if name in resumable),
        pending=tuple(migration for migration in content.migrations if migration.name not in seen.finished),
        indexes=tuple(dict.fromkeys(indexes)),
        views=tuple(view.name for view in missing_views(content, seen)),
    )


def refuse(content: Content, seen: Seen, *, resumable: frozenset[str], ahead: bool = False) -> None:
    """RunFailedError where a person must act before anything may run.

    `resumable` are those unfinished migrations that leave nothing but an INVALID index behind. `ahead`: a database
    that is ahead of the bundle is none that is refused.
    """
    _refuse_foreign(seen)
    _refuse_unledgered(seen)
    _refuse_unfinished([name for name in seen.unfinished if name not in resumable])
    if not ahead:
        _refuse_ahead(content, seen)


def unbuilt_indexes(content: Content, seen: Seen) -> tuple[Index, ...]:
    """Return the bundle's own indexes that are not there, or not valid."""
    return tuple(index for index in content.indexes if index.name not in seen.indexes)


def broken_indexes(content: Content, seen: Seen) -> tuple[SchemaObject, ...]:
    """Return INVALID indexes of applied migrations; one that LiteLLM does not know may be somebody's work right now."""
    scripts = [migration.script for migration in content.migrations if migration.name in seen.finished]
    return tuple(thing for thing in seen.invalid if any(thing.name.encode() in script for script in scripts))


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
    """Return the first few of many names, quoted, for a message."""
    more = len(names) - _NAMED
    return ", ".join(f'"{name}"' for name in names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _names(things: Sequence[SchemaObject]) -> tuple[str, ...]:
    return tuple(thing.name for thing in things)


def _refuse_foreign(seen: Seen) -> None:
    if foreign := foreign_tables(seen.tables):
        raise RunFailedError(
            Failure(
                reason=Reason.FOREIGN_TABLES,
                server_message=named(foreign),
                message=f"cannot migrate: the schema holds {len(foreign)} tables that LiteLLM never made; move them "
                "to another schema (ALTER TABLE … SET SCHEMA), or give LiteLLM a schema of its own by spec.schema of a "
                "new LiteLLMDatabase",
            )
        )


def _refuse_unledgered(seen: Seen) -> None:
    tables = sorted(seen.tables - {LEDGER_TABLE}, key=str.encode)
    if tables and not seen.finished and not seen.unfinished:
        raise RunFailedError(
            Failure(
                reason=Reason.UNLEDGERED,
                prisma_code="P3005",
                server_message=named(tables),
                message=f"cannot migrate: {len(tables)} tables of LiteLLM are there, and Prisma's ledger says of no "
                "migration that it was applied; bring back the ledger from a backup, or record each migration that "
                "made them by `prisma migrate resolve --applied <name>`",
            )
        )


def _refuse_unfinished(names: Sequence[str]) -> None:
    if names:
        raise RunFailedError(
            Failure(
                reason=Reason.LEDGER_UNFINISHED,
                prisma_code="P3009",
                migration=names[0],
                server_message=named(names) if names[1:] else None,
                message=f"cannot migrate: {len(names)} migrations in Prisma's ledger began and did not end; look at "
                "what they left behind, then say `prisma migrate resolve --rolled-back <name>` to have one run again, "
                "or `--applied <name>` once its work is done",
            )
        )


def _refuse_ahead(content: Content, seen: Seen) -> None:
    if ahead := names_ahead(content.names, seen.finished):
        raise RunFailedError(
            Failure(
                reason=Reason.AHEAD_OF_TARGET,
                migration=ahead[-1],
                server_message=named(ahead),
                message=f"cannot go back: {len(ahead)} applied migrations are newer than bundle {content.version}; "
                "choose a LiteLLM version at least as new as the database",
            )
        )
