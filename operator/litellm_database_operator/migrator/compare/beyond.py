"""What files made that no schema.prisma names, told by their effects in the order in which they ran. Pure.

Prisma's comparison sees neither triggers and functions, nor partial and expression indexes, nor checks and exclusion
constraints. Only what is certain is demanded: of what was done conditionally nobody knows whether it is there.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from litellm_database_operator.migrator.plan.effect import Act, Effect, StatementEffects


class Kind(StrEnum):
    """What a thing is, in the word by which it is told."""

    INDEX = "index"
    CONSTRAINT = "constraint"
    TRIGGER = "trigger"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing's name, as the catalogues have it."""

    kind: str
    table: str | None
    """None for a function."""
    name: str

    def __str__(self) -> str:
        """As a verdict tells it: `trigger LiteLLM_MCPServerTable.litellm_mcp_catalog_revision`."""
        return f"{self.kind} {self.name if self.table is None else f'{self.table}.{self.name}'}"

    @property
    def key(self) -> tuple[str, str | None, str]:
        """What tells it from all others: an index's name is the only one in its schema."""
        return self.kind, None if self.kind == Kind.INDEX else self.table, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that must be there."""

    names: tuple[Named, ...]
    """The newest last; several where a renaming may have happened or not."""
    columns: frozenset[str] = frozenset()
    """With any of which it falls."""

    def is_on(self, table: str | None) -> bool:
        """Tell whether it may belong to a table."""
        return any(each.table == table for each in self.names)

    def is_called(self, name: str | None, *kinds: Kind) -> bool:
        """Tell whether it may have a name, and is of one of these kinds."""
        return any(each.name == name and each.kind in kinds for each in self.names)


def to_read(scripts: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Choose the scripts that could matter, in their order: all others need no parser."""
    chosen: dict[str, bytes] = {}
    for key, script in scripts.items():
        if (chosen and _TAKES.search(script)) or _MAKES.search(_PLAIN_INDEX.sub(b"", script)):
            chosen[key] = script
    return chosen


def made_by(scripts: Iterable[Sequence[StatementEffects] | None], schema: str) -> tuple[Thing, ...]:
    """Return what is certainly there after scripts; None stands for one that nobody can read, and that did anything."""
    things: tuple[Thing, ...] = ()
    for script in scripts:
        things = () if script is None else _after(things, script, schema)
    return things


def absent(things: Iterable[Thing], present: Collection[Named]) -> tuple[Named, ...]:
    """Return the newest names of those that are there under none of theirs."""
    keys = {each.key for each in present}
    return tuple(thing.names[-1] for thing in things if not any(name.key in keys for name in thing.names))


def _after(things: tuple[Thing, ...], script: Sequence[StatementEffects], schema: str) -> tuple[Thing, ...]:
    for effect in _effects(script, schema):
        survivors = tuple(left for thing in things if (left := _follow(thing, effect)) is not None)
        made = None if effect.conditional else _made(effect)
        others = (thing for thing in survivors if made is None or thing.names[-1].key != made.names[-1].key)
        things = (*others, made) if made else survivors
    return things


def _effects(script: Sequence[StatementEffects], schema: str) -> Iterator[Effect]:
    """Yield what happens in a schema; once search_path is set, it only may."""
    moved = False
    for effect in (effect for statement in script for effect in statement.effects):
        moved = moved or (effect.act is Act.SET and effect.name == "search_path")
        if effect.schema in {None, schema}:
            yield replace(effect, conditional=True) if moved else effect


def _made(effect: Effect) -> Thing | None:
    """Return what an effect makes; what has no name of its own gets one of the server's choice, and is not demanded."""
    kind = _KINDS.get(effect.act)
    if kind is None or effect.name is None:
        return None
    if kind is Kind.INDEX and not (effect.where or effect.expression):
        return None
    if kind is Kind.CONSTRAINT and effect.constraint not in {"check", "exclusion"}:
        return None
    named = Named(kind=kind, table=None if kind is Kind.FUNCTION else effect.table, name=effect.name)
    return Thing(names=(named,), columns=frozenset(effect.columns))


def _follow(thing: Thing, effect: Effect) -> Thing | None:
    """Return a thing as it is after an effect; None when it may be gone."""
    if (takes := _TAKING.get(effect.act)) is not None:
        return None if effect.cascade or takes(effect, thing) else thing
    match effect.act:
        case Act.RENAME_TABLE if effect.new_name:
            return _rename_table(thing, effect, effect.new_name)
        case Act.RENAME_COLUMN if thing.is_on(effect.table) and effect.name in thing.columns and effect.new_name:
            old = {effect.name} if effect.conditional else set[str]()
            return replace(thing, columns=thing.columns - {effect.name} | old | {effect.new_name})
        case Act.RENAME_INDEX if effect.new_name and thing.is_called(effect.name, Kind.INDEX, Kind.CONSTRAINT):
            return _rename(thing, effect, effect.new_name)
        case Act.RENAME_CONSTRAINT if effect.new_name and thing.is_on(effect.table):
            return _rename(thing, effect, effect.new_name) if thing.is_called(effect.name, Kind.CONSTRAINT) else thing
        case _:
            return thing


def _rename_table(thing: Thing, effect: Effect, new_name: str) -> Thing:
    """Follow ALTER TABLE … RENAME, which renames an index too."""
    if thing.is_called(effect.table, Kind.INDEX):
        return _rename(thing, replace(effect, name=effect.table), new_name)
    renamed = (replace(each, table=new_name) for each in thing.names if effect.table and each.table == effect.table)
    return _with(thing, effect, tuple(renamed))


def _rename(thing: Thing, effect: Effect, new_name: str) -> Thing:
    return _with(thing, effect, tuple(replace(each, name=new_name) for each in thing.names if each.name == effect.name))


def _with(thing: Thing, effect: Effect, renamed: tuple[Named, ...]) -> Thing:
    """Give a thing its new names, and leave it the old ones where the renaming may not have happened."""
    if not renamed:
        return thing
    return replace(thing, names=(*thing.names, *renamed) if effect.conditional else renamed)


_KINDS: Final[Mapping[Act, Kind]] = {
    Act.CREATE_INDEX: Kind.INDEX,
    Act.ADD_CONSTRAINT: Kind.CONSTRAINT,
    Act.CREATE_TRIGGER: Kind.TRIGGER,
    Act.CREATE_FUNCTION: Kind.FUNCTION,
}
_TAKING: Final[Mapping[Act, Callable[[Effect, Thing], bool]]] = {
    Act.DROP_TABLE: lambda effect, thing: thing.is_on(effect.table),
    Act.DROP_VIEW: lambda effect, thing: thing.is_on(effect.name),
    Act.DROP_COLUMN: lambda effect, thing: thing.is_on(effect.table) and effect.name in thing.columns,
    Act.DROP_INDEX: lambda effect, thing: thing.is_called(effect.name, Kind.INDEX),
    Act.DROP_CONSTRAINT: lambda effect, thing: (
        thing.is_on(effect.table) and thing.is_called(effect.name, Kind.CONSTRAINT)
    ),
    Act.DROP_TYPE: lambda _effect, _thing: False,
    Act.DROP_OTHER: lambda effect, thing: (
        thing.is_on(effect.table) and thing.is_called(effect.name, Kind.TRIGGER, Kind.FUNCTION)
    ),
    Act.DROP_SCHEMA: lambda _effect, _thing: True,
    Act.UNKNOWN: lambda effect, thing: (
        effect.table is None or thing.is_on(effect.table) or thing.is_called(effect.table, Kind.INDEX)
    ),
}
"""What may take a thing away; with CASCADE each of them may."""
_NAME: Final = rb'(?:"[^"]+"|\w+)'
_KEY: Final = _NAME + rb"(?:\s+(?:asc|desc))?"
# As Prisma writes them, nine files of ten hold no other index. Such a text cannot be of one that counts here.
_PLAIN_INDEX: Final = re.compile(
    rb"\bcreate\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?"
    + (_NAME + rb"\s+on\s+" + _NAME + rb"\s*\(\s*" + _KEY + rb"(?:\s*,\s*" + _KEY + rb")*\s*\)\s*(?:;|\Z)"),
    re.IGNORECASE,
)
_MAKES: Final = re.compile(rb"\b(?:(?<!drop\s)index|trigger|function|procedure|check|exclude)\b", re.IGNORECASE)
_TAKES: Final = re.compile(rb"\b(?:drop|rename|schema|execute|call|select|perform)\b", re.IGNORECASE)
