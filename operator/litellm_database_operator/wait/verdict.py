"""Whether a schema is there, and what is said while it is not. Pure: watch.py looks, this decides.

The operator's own rules where the proxy's login can see what they rest on, and one more: a schema with tables of
another application serves a proxy all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from litellm_database_operator.model.bundle import Bundle, names_ahead
from litellm_database_operator.model.observed import InsideFacts
from litellm_database_operator.model.schema_state import SchemaState, foreign_tables
from litellm_database_operator.planning.ahead import is_compatible
from litellm_database_operator.planning.seen import state_of
from litellm_database_operator.planning.words import listed, quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a look has shown."""

    there: bool
    text: str
    """What is there, or what is not yet."""


def judge(target: Bundle, inside: InsideFacts) -> Verdict:
    """Tell whether the schema of a bundle is there."""
    foreign = foreign_tables(inside.tables)
    # state_of asks for Foreign first, which would hide every other state
    ours = replace(inside, tables=inside.tables - set(foreign))
    state = state_of(target, ours)
    if state is SchemaState.AHEAD:
        return _ahead(target, ours)
    if obstacle := _obstacle(state, target, ours) or _missing(target, ours, foreign) or _lacking(target, ours):
        return Verdict(there=False, text=obstacle)
    return Verdict(there=True, text=f"all {len(target.migrations)} migrations are applied, and its views are there")


def _obstacle(state: SchemaState, target: Bundle, inside: InsideFacts) -> str | None:
    """Return what somebody has to act upon, or the run that is under way has to end first."""
    match state:
        case SchemaState.INTERRUPTED:
            begun = listed(sorted(inside.unfinished, key=str.encode))
            return f"migration {begun} has begun and not ended: it is being applied, or has failed (P3009)"
        case SchemaState.UNLEDGERED:
            return "LiteLLM's tables are there and Prisma's ledger is empty (P3005): the operator migrates no such one"
        case SchemaState.DRIFTED:
            lost = listed(inside.judged[target.digest].missing)
            return f"every migration is applied, and yet the schema was found to lack {lost}"
        case _:
            return None


def _missing(target: Bundle, inside: InsideFacts, foreign: Sequence[str]) -> str | None:
    missing = [name for name in target.migrations if name not in inside.finished]
    if not missing:
        return None
    are = "is" if len(missing) == 1 else "are"
    hindered = f"; and none is applied while the schema holds tables of others: {listed(foreign)}" if foreign else ""
    return f"{len(missing)} of {len(target.migrations)} migrations {are} missing, next {missing[0]}{hindered}"


def _lacking(target: Bundle, inside: InsideFacts) -> str | None:
    if views := [view for view in target.views if view not in inside.views]:
        return f"every migration is applied; {len(views)} of {len(target.views)} views are missing: {listed(views)}"
    if inside.history and target.digest not in inside.verified:
        # not with another: releases may have the same names of migrations, and other files behind them
        told = "every migration is applied, and its views are there; the schema has not been compared with bundle"
        return f"{told} {target.version} yet"
    return None


def _ahead(target: Bundle, inside: InsideFacts) -> Verdict:
    newer = names_ahead(target.migrations, inside.finished)
    told = f"the database is ahead of it: {len(newer)} applied migrations are newer, up to {quoted(newer[-1])}"
    if is_compatible(target, inside):
        return Verdict(there=True, text=f"{told}; it was complete, and nothing was dropped, renamed or retyped since")
    return Verdict(
        there=False,
        text=f"{told}, and nothing shows that this release works with it. Nothing is ever migrated back: start a "
        "release at least as new",
    )
