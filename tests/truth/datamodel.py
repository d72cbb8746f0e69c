"""What a bundle's schema.prisma names and psql's database of its files lacks: a bundle can be incomplete by itself.

The text is read here as a person would, line by line, and not by Prisma's engine: its word is what is tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.truth.catalogue import Fact, Key

_BLOCK: Final = re.compile(r"^(model|enum)\s+(\w+)\s*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD: Final = re.compile(r"^\s*(\w+)\s+(\w+)(?:\[\]|\?)?(.*)$")
_MAP: Final = re.compile(r'@map\("([^"]+)"')
_TABLE: Final = re.compile(r'@@map\("([^"]+)"')
_KEY: Final = re.compile(r"^\s*@@(index|unique|id)\(\s*(?:fields:\s*)?\[(.*?)\]")
_OPTIONS: Final = re.compile(r"\((?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that no file of the bundle makes."""

    told: str
    named: str
    """What a verdict must hold, since it must not call the database migrated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    kind: str
    name: str
    lines: tuple[str, ...]


def find_gaps(datamodel: str, facts: frozenset[Fact], keys: frozenset[Key]) -> tuple[Gap, ...]:
    """Compare schema.prisma with a database: tables, columns, enums with their values, and what keys there are."""
    blocks = [
        _Block(kind=kind, name=name, lines=tuple(line.partition("//")[0] for line in body.splitlines()))
        for kind, name, body in _BLOCK.findall(datamodel)
    ]
    names = [block.name for block in blocks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        return tuple(Gap(told=f"no valid schema.prisma, {name} stands twice in it", named="P1012") for name in twice)
    models = {block.name for block in blocks if block.kind == "model"}
    tables = {fact.name for fact in facts if fact.kind == "table"}
    columns = {(fact.relation, fact.name) for fact in facts if fact.kind == "column"}
    enums = {fact.name: fact.definition for fact in facts if fact.kind == "enum"}
    gaps = [gap for block in blocks if block.kind == "enum" for gap in _enum_gaps(block, enums)]
    for block in blocks:
        if block.kind == "model":
            gaps += _model_gaps(block, models, tables, columns, keys)
    return tuple(gaps)


def _enum_gaps(block: _Block, enums: dict[str, str]) -> Iterator[Gap]:
    if block.name not in enums:
        yield Gap(told=f"enum {block.name}", named=block.name)
        return
    for line in block.lines:
        value = line.strip()
        if value and not value.startswith("@@") and f"'{value}'" not in enums[block.name]:
            yield Gap(told=f"enum value {block.name}.{value}", named=f"{block.name}.{value}")


def _model_gaps(
    block: _Block, models: set[str], tables: set[str], columns: set[tuple[str, str]], keys: frozenset[Key]
) -> Iterator[Gap]:
    table = next((found[1] for line in block.lines if (found := _TABLE.search(line))), block.name)
    if table not in tables:
        yield Gap(told=f"table {table}", named=table)
        return
    mapped: dict[str, str] = {}
    for line in block.lines:
        field = _FIELD.match(line)
        if field is None or field[2] in models:
            continue
        mapped[field[1]] = found[1] if (found := _MAP.search(field[3])) else field[1]
        column = mapped[field[1]]
        if (table, column) not in columns:
            yield Gap(told=f"column {table}.{column}", named=f"{table}.{column}")
        elif re.search(r"@(id|unique)\b", field[3]) and Key(table=table, columns=(column,), unique=True) not in keys:
            yield Gap(told=f"unique index on {table} ({column})", named=table)
    for kind, fields in (found.groups() for line in block.lines if (found := _KEY.match(line))):
        names = tuple(mapped.get(name.strip(), name.strip()) for name in _OPTIONS.sub("", fields).split(","))
        unique = kind != "index"
        if not {Key(table=table, columns=names, unique=True), Key(table=table, columns=names, unique=unique)} & keys:
            yield Gap(told=f"{kind} on {table} ({', '.join(names)})", named=table)
