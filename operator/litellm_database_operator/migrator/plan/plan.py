"""A plan: what a run would do, file by file, statement by statement, and the digest that names it. Pure.

docs/spec/plan.md is its contract.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import Any, Final

from litellm_database_operator.migrator.plan.effect import Act
from litellm_database_operator.migrator.plan.verdict import Lock, Long, Question
from litellm_database_operator.model.report import clean
from litellm_database_operator.model.schema_state import SchemaState

VERSION: Final = 1
MAX_BYTES: Final = 256 * 1024
"""Of a plan's JSON."""
_MAX_NAMES: Final = 500
"""Indexes and views that the plan's JSON names."""
_BOUNDS: Final = ((1000, 400), (500, 400), (500, 200), (200, 100), (50, 50), (0, 30))
"""How many files and statements, and how many characters of a text, are tried one after the other until it fits."""
_MOMENT: Final = 8 * 1024 * 1024
"""Bytes of a table that is read, or written anew, in a moment."""
_MOMENT_ROWS: Final = 10_000
"""The same in rows, where the bytes are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStatement:
    """Something that a statement does, and that somebody could notice."""

    kind: str
    """The parser's name of the statement."""
    act: Act
    object: str
    table: str | None
    """As the catalogue has it now."""
    loses: bool
    """It takes values away, where there are rows."""
    rows: bool | None
    """Whether there are rows that it would hit; None where it loses nothing, or where nobody can tell."""
    breaks: bool
    """A proxy of an older version may fail after it."""
    lock: Lock | None
    long: Long | None
    """Why the lock is held for longer than a moment."""
    bytes: int | None
    estimate: int | None
    """Rows of the table, as the server guesses."""
    text: str
    """What it does, in one line."""
    questions: tuple[Question, ...] = ()
    """What was asked to know `rows`, and so what it takes: of a DROP TYPE … CASCADE nothing else names the columns."""

    @property
    def loses_rows(self) -> bool:
        """Whether values could be lost that exist."""
        return self.loses and self.rows is not False

    @property
    def blocks(self) -> bool:
        """Whether it is in somebody's way for longer than a moment."""
        if self.lock is None or self.long is None:
            return False
        return (self.estimate or 0) >= _MOMENT_ROWS if self.bytes is None else self.bytes >= _MOMENT

    @property
    def weight(self) -> tuple[int, int]:
        """How bad its lock is, to sort by: a table that is rewritten is read and written."""
        return (self.bytes or 0) * (2 if self.long is Long.REWRITE else 1), self.estimate or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A migration that is pending."""

    name: str
    checksum: str
    statements: tuple[PlannedStatement, ...] = ()
    others: int = 0
    """Statements that nobody notices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run would do."""

    bundle: str
    target: str
    """The bundle's digest."""
    state: SchemaState
    files: tuple[PlannedFile, ...] = ()
    indexes: tuple[str, ...] = ()
    """That are built, or built anew."""
    views: tuple[str, ...] = ()

    @property
    def does_nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.files or self.indexes or self.views)

    @property
    def statements(self) -> tuple[PlannedStatement, ...]:
        """All that is told, in order."""
        return tuple(statement for file in self.files for statement in file.statements)

    @property
    def losing(self) -> tuple[PlannedStatement, ...]:
        """What could lose values that exist, in order."""
        return tuple(statement for statement in self.statements if statement.loses_rows)

    @property
    def blocking(self) -> tuple[PlannedStatement, ...]:
        """What is in the way for longer than a moment, worst first."""
        blocking = (statement for statement in self.statements if statement.blocks)
        return tuple(sorted(blocking, key=lambda statement: statement.weight, reverse=True))

    @property
    def breaks(self) -> bool:
        """Whether a proxy of an older version may fail afterwards."""
        return any(statement.breaks for statement in self.statements)

    @property
    def digest(self) -> str:
        """Its name: the same for equal databases, whatever their sizes, and another when anything else is other."""
        covered = {
            "version": VERSION,
            "target": self.target,
            "state": self.state,
            "files": [[file.name, file.checksum, *map(_covered, file.statements)] for file in self.files],
            "indexes": self.indexes,
            "views": self.views,
        }
        return f"sha256:{hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()}"


def dump_plan(plan: Plan) -> str:
    """Return it as JSON of at most 256 KiB: what loses, lasts or breaks is listed first, what is not is counted."""
    tries = (json.dumps(_document(plan, many, length), ensure_ascii=False) for many, length in _BOUNDS)
    return next(text for text in tries if len(text.encode()) <= MAX_BYTES)


def _covered(statement: PlannedStatement) -> list[Any]:
    takes = [[question.table, *question.columns] for question in statement.questions]
    return [statement.kind, statement.act, statement.object, statement.loses, statement.rows, statement.long, takes]


def _document(plan: Plan, many: int, length: int) -> Mapping[str, Any]:
    listed = iter(_listed(plan.statements, many))
    files = [_file(file, list(islice(listed, len(file.statements))), length) for file in plan.files]
    return {
        "version": VERSION,
        "bundle": clean(plan.bundle, length),
        "target": plan.target,
        "digest": plan.digest,
        "state": plan.state,
        "pending": len(plan.files),
        "files": files[:many],
        "indexes": [clean(name, length) for name in plan.indexes[: min(many, _MAX_NAMES)]],
        "views": [clean(name, length) for name in plan.views[: min(many, _MAX_NAMES)]],
    }


def _listed(statements: Sequence[PlannedStatement], many: int) -> Sequence[bool]:
    """Say of each whether it is among the `many` that must not be left out."""

    def telling(place: int) -> tuple[bool, bool, bool]:
        return statements[place].loses_rows, statements[place].blocks, statements[place].breaks

    most = set(sorted(range(len(statements)), key=telling, reverse=True)[:many])
    return [place in most for place in range(len(statements))]


def _file(file: PlannedFile, listed: Sequence[bool], length: int) -> Mapping[str, Any]:
    return {
        "name": clean(file.name, length),
        "checksum": file.checksum,
        "statements": [_statement(statement, length) for statement in compress(file.statements, listed)],
        "unlisted": len(listed) - sum(listed),
        "others": file.others,
    }


def _statement(statement: PlannedStatement, length: int) -> Mapping[str, Any]:
    names = ("kind", "act", "object", "table", "loses", "rows", "breaks", "lock", "long", "bytes", "estimate", "text")
    texts = {"object", "table", "text"}
    fields = {name: getattr(statement, name) for name in names}
    asked = [
        {"table": clean(question.table, length), "columns": [clean(name, length) for name in question.columns]}
        for question in statement.questions
    ]
    return fields | {name: fields[name] and clean(fields[name], length) for name in texts} | {"questions": asked}
