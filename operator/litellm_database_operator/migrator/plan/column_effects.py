"""Decides what changes of a column mean for a table that the catalogue has. Pure; effects.py asks."""

from litellm_database_operator.migrator.plan.catalog import Table
from litellm_database_operator.migrator.plan.course import Course
from litellm_database_operator.migrator.plan.effect import Effect
from litellm_database_operator.migrator.plan.retype import rewrites, widens
from litellm_database_operator.migrator.plan.verdict import NOTHING, Lock, Long, Question, Verdict


def rename_column(effect: Effect, course: Course, table: Table) -> Verdict:
    """Judge a new name for a column."""
    if not _has_column(effect, course):
        return NOTHING
    return Verdict(table=table, breaks=_was_there(effect, course), lock=Lock.ACCESS_EXCLUSIVE)


def add_column(effect: Effect, course: Course, table: Table) -> Verdict:
    """Judge a new column: a constant default is kept in the catalogue, one that differs by row is written into each."""
    if _has_column(effect, course):
        return NOTHING
    return Verdict(
        table=table,
        breaks=effect.not_null and effect.default == "none",
        lock=Lock.ACCESS_EXCLUSIVE,
        long=Long.REWRITE if effect.default == "volatile" else None,
    )


def drop_column(effect: Effect, course: Course, table: Table) -> Verdict:
    """Judge a column that goes."""
    if not _has_column(effect, course):
        return NOTHING
    lost = _was_there(effect, course)
    questions = (_about_column(effect, course, table),) if lost else ()
    return Verdict(table=table, loses=lost, questions=questions, breaks=lost, lock=Lock.ACCESS_EXCLUSIVE)


def retype_column(effect: Effect, course: Course, table: Table) -> Verdict:
    """Judge a new type: of USING nobody can tell what it makes of a value."""
    becoming = course.table(effect.table)
    column = becoming and becoming.columns.get(effect.name or "")
    if column is None:
        return Verdict(table=table, lock=Lock.ACCESS_EXCLUSIVE, long=Long.REWRITE)
    new = effect.type or ""
    if new == column.type and not effect.using:
        return NOTHING
    loses = effect.using or not widens(column.type, new)
    return Verdict(
        table=table,
        loses=loses,
        questions=(_about_column(effect, course, table),) if loses else (),
        breaks=True,
        lock=Lock.ACCESS_EXCLUSIVE,
        long=Long.REWRITE if effect.using or rewrites(column.type, new) else None,
    )


def set_not_null(effect: Effect, course: Course, table: Table) -> Verdict:
    """Judge a column that may not be NULL any more."""
    becoming = course.table(effect.table)
    column = becoming and becoming.columns.get(effect.name or "")
    if column is not None and column.not_null:
        return NOTHING
    return Verdict(table=table, breaks=True, lock=Lock.ACCESS_EXCLUSIVE, long=Long.SCAN)


def drop_not_null(effect: Effect, course: Course, table: Table) -> Verdict:
    """Judge a column that may be NULL from now on: an older proxy cannot read a row where it is."""
    return Verdict(table=table, breaks=_was_there(effect, course), lock=Lock.ACCESS_EXCLUSIVE)


def set_default(_effect: Effect, _course: Course, table: Table) -> Verdict:
    """Judge a default for what is written from now on."""
    return Verdict(table=table, lock=Lock.ACCESS_EXCLUSIVE)


def drop_default(_effect: Effect, _course: Course, table: Table) -> Verdict:
    """Judge a default that goes: whoever counts on it writes NULL from now on."""
    return Verdict(table=table, breaks=True, lock=Lock.ACCESS_EXCLUSIVE)


def _has_column(effect: Effect, course: Course) -> bool:
    becoming = course.table(effect.table)
    return becoming is not None and (effect.name or "") in becoming.columns


def _was_there(effect: Effect, course: Course) -> bool:
    """Tell whether the catalogue has the column: what the plan itself added, nobody knows yet."""
    becoming = course.table(effect.table)
    return becoming is not None and becoming.columns.get(effect.name or "") is not None


def _about_column(effect: Effect, course: Course, table: Table) -> Question:
    becoming = course.table(effect.table)
    column = becoming and becoming.columns.get(effect.name or "")
    return Question(table=table.name, columns=(column.name if column else effect.name or "",))
