"""How a plan's statements are said in one line each. Names are foreign text: quoted here, cleaned before they show."""

from collections.abc import Iterator
from typing import Final

from litellm_database_operator.migrator.plan.effect import Act, Effect
from litellm_database_operator.migrator.plan.plan import Plan, PlannedFile, PlannedStatement
from litellm_database_operator.migrator.plan.verdict import Lock, Long
from litellm_database_operator.model.report import MAX_LINES, PlanSummary, clean
from litellm_database_operator.model.schema_state import SchemaState

_UNITS: Final = ("bytes", "kB", "MB", "GB")
_STEP: Final = 1000
_STOPS: Final = {
    Lock.ACCESS_EXCLUSIVE: "stops reads and writes",
    Lock.SHARE_ROW_EXCLUSIVE: "stops writes",
    Lock.SHARE: "stops writes",
    Lock.ROW_EXCLUSIVE: "keeps others from the rows that it changes",
}
_WHILE: Final = {Long.REWRITE: "while it rewrites the table", Long.SCAN: "while it scans", None: "for a moment"}
_MAX_FOREIGN: Final = 120
"""Characters of a statement that has no words of ours."""
_MAX_LINE: Final = 500
_CONSTRAINTS: Final = {
    "foreignKey": "FOREIGN KEY",
    "check": "CHECK",
    "exclusion": "EXCLUDE",
    "unique": "UNIQUE",
    "primaryKey": "PRIMARY KEY",
    "notNull": "NOT NULL",
}
_PHRASES: Final = {
    Act.DROP_TABLE: "DROP TABLE {table}",
    Act.RENAME_TABLE: "RENAME TABLE {table} to {new}",
    Act.ADD_COLUMN: "ADD COLUMN {name} to {table}",
    Act.DROP_COLUMN: "DROP COLUMN {name} of {table}",
    Act.RENAME_COLUMN: "RENAME COLUMN {name} of {table} to {new}",
    Act.RETYPE_COLUMN: "ALTER COLUMN {name} of {table} TYPE {type}",
    Act.SET_NOT_NULL: "SET NOT NULL on {name} of {table}",
    Act.DROP_NOT_NULL: "DROP NOT NULL on {name} of {table}",
    Act.SET_DEFAULT: "SET DEFAULT of {name} of {table}",
    Act.DROP_DEFAULT: "DROP DEFAULT of {name} of {table}",
    Act.DROP_CONSTRAINT: "DROP CONSTRAINT {name} of {table}",
    Act.CREATE_INDEX: "CREATE INDEX on {table}",
    Act.DROP_INDEX: "DROP INDEX {name}",
    Act.ADD_ENUM_VALUE: "ADD VALUE to type {name}",
    Act.RENAME_ENUM_VALUE: "RENAME VALUE of type {name}",
    Act.DROP_TYPE: "DROP TYPE {name}",
    Act.RENAME_TYPE: "RENAME TYPE {name} to {new}",
    Act.DROP_VIEW: "DROP VIEW {name}",
    Act.CREATE_TRIGGER: "CREATE TRIGGER on {table}",
    Act.UPDATE: "UPDATE {table}",
    Act.DELETE: "DELETE FROM {table}",
    Act.TRUNCATE: "TRUNCATE {table}",
    Act.DROP_SCHEMA: "DROP SCHEMA {name}",
}


def quoted(name: str | None) -> str:
    """Return a name as PostgreSQL quotes it."""
    return '"' + (name or "").replace('"', '""') + '"'


def phrase(effect: Effect, text: str) -> str:
    """Say what an effect is; `text` is the statement's own, for what has no words here."""
    if effect.act is Act.ADD_CONSTRAINT:
        return _constraint(effect)
    if effect.act not in _PHRASES:
        return clean(effect.text or text, _MAX_FOREIGN)
    return _PHRASES[effect.act].format(
        table=_table(effect),
        name=quoted(effect.name),
        new=quoted(effect.new_name),
        type=effect.type or "of another kind",
    )


def _constraint(effect: Effect) -> str:
    what = f"ADD {_CONSTRAINTS.get(effect.constraint or '', 'CONSTRAINT')} to {_table(effect)}"
    return f"{what}, referencing {quoted(effect.references)}" if effect.references else what


def summary(plan: Plan) -> PlanSummary:
    """Make it as short as a report must be."""
    losing, blocking = plan.losing, plan.blocking
    return PlanSummary(
        digest=plan.digest,
        pending=len(plan.files),
        first=plan.files[0].name if plan.files else None,
        loses=tuple(map(loss, losing[:MAX_LINES])),
        loses_total=len(losing),
        blocks=tuple(map(block, blocking[:MAX_LINES])),
        blocks_total=len(blocking),
        breaks=plan.breaks,
    )


def loss(statement: PlannedStatement) -> str:
    """Say what it loses."""
    rows = {True: "rows exist", False: "no rows", None: "what it loses cannot be told"}
    return f"{statement.text}: {rows[statement.rows]}"


def block(statement: PlannedStatement) -> str:
    """Say whom its lock stops, and for how long."""
    lock = _STOPS[statement.lock] if statement.lock else "stops nobody"
    return f"{statement.text}{_size(statement)} {lock} {_WHILE[statement.long]}"


def describe(plan: Plan) -> str:
    """Return the whole plan as lines for a person."""
    return "\n".join(clean(line, _MAX_LINE) for line in _lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"plan {plan.digest}"
    yield (
        f"bundle {plan.bundle}, the database is {plan.state}: files to apply {len(plan.files)}, "
        f"indexes to build {len(plan.indexes)}, views to make {len(plan.views)}"
    )
    if plan.state is SchemaState.AHEAD:
        yield "applied migrations are newer than the bundle: none is ever undone, and a run to it would be refused"
    yield from (f"LOSES ROWS: {loss(statement)}" for statement in plan.losing)
    yield from (f"BLOCKS: {block(statement)}" for statement in plan.blocking)
    for file in plan.files:
        yield from _file(file)
    yield from (f"index {quoted(name)} is built while reads and writes go on" for name in plan.indexes)
    yield from (f"view {quoted(name)} is made" for name in plan.views)


def _file(file: PlannedFile) -> Iterator[str]:
    """Say of a file what is worth a line; a lock of a moment is not."""
    moments = sum(not _telling(statement) for statement in file.statements)
    yield f"{file.name}: locks of a moment {moments}, statements that nobody notices {file.others}"
    yield from (f"- {line}" for statement in file.statements if _telling(statement) for line in _about(statement))


def _telling(statement: PlannedStatement) -> bool:
    return statement.loses or statement.breaks or statement.long is not None


def _about(statement: PlannedStatement) -> Iterator[str]:
    if statement.loses:
        yield f"loses: {loss(statement)}"
    if statement.lock is not None:
        yield f"locks: {block(statement)}"
    if statement.breaks:
        yield f"breaks: {statement.text}: a proxy of an older version may fail"


def _table(effect: Effect) -> str:
    return quoted(effect.table)


def _size(statement: PlannedStatement) -> str:
    """Say how big the table is; of one that no VACUUM has seen only the server's count of rows is known."""
    rows = "" if statement.estimate is None else f"about {statement.estimate:,} rows"
    # A foreign key of a new table locks the one that it points to.
    other = "" if statement.object.startswith(quoted(statement.table)) else f"{quoted(statement.table)} has "
    parts = ", ".join(part for part in (human(statement.bytes), rows) if part)
    return f" ({other}{parts})" if parts else ""


def human(size: int | None) -> str:
    """Return bytes as a person says them: 12.3 GB."""
    if size is None:
        return ""
    value, unit = float(size), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{size} bytes" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"
