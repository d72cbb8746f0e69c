"""Decides what a statement's effects mean for a database: what it loses, breaks and blocks. Pure; docs/spec/plan.md.

Which lock a statement takes, and when it scans or rewrites a table, is PostgreSQL's documentation:
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from collections.abc import Callable, Mapping
from typing import Final

from litellm_database_operator.migrator.plan import column_effects
from litellm_database_operator.migrator.plan.catalog import Table
from litellm_database_operator.migrator.plan.course import Course
from litellm_database_operator.migrator.plan.effect import Act, Effect
from litellm_database_operator.migrator.plan.verdict import NOTHING, Lock, Long, Question, Verdict

_ANYTHING: Final = Verdict(loses=True, breaks=True)
"""Of what cannot be told."""
_BREAKS: Final = Verdict(breaks=True)


def decide(effect: Effect, course: Course) -> Verdict:
    """Say what an effect means, where the schema has come to."""
    if effect.schema not in {None, course.schema}:
        return _elsewhere(effect)
    if (about_schema := _OF_SCHEMA.get(effect.act)) is not None:
        return about_schema(effect, course)
    table = course.existing(effect.table)
    if table is None:
        return _beside(effect, course)
    about_table = _OF_TABLE.get(effect.act)
    return NOTHING if about_table is None else about_table(effect, course, table)


def _elsewhere(effect: Effect) -> Verdict:
    """Judge what is done in another schema, of which nothing is known."""
    if effect.replace or effect.act is Act.REVOKE:
        return _BREAKS
    return NOTHING if effect.act in _MAKING else _ANYTHING


def _beside(effect: Effect, course: Course) -> Verdict:
    """Judge what the plan does to its own tables: a foreign key also locks the table that it points to.

    Through a view, and in a partition, it does it to the rows of a table that it does not name.
    """
    if effect.act in _TAKING and course.is_no_table(effect.table):
        return _ANYTHING
    referenced = course.existing(effect.references)
    return NOTHING if referenced is None else Verdict(table=referenced, lock=Lock.SHARE_ROW_EXCLUSIVE)


def _drop_table(_effect: Effect, _course: Course, table: Table) -> Verdict:
    question = Question(table=table.name)
    return Verdict(table=table, loses=True, questions=(question,), breaks=True, lock=Lock.ACCESS_EXCLUSIVE)


def _truncate(effect: Effect, _course: Course, table: Table) -> Verdict:
    """Judge a TRUNCATE: with CASCADE it empties every table that points here, whether or not a row of it does."""
    questions = () if effect.cascade else (Question(table=table.name),)
    return Verdict(table=table, loses=True, questions=questions, lock=Lock.ACCESS_EXCLUSIVE)


def _delete(_effect: Effect, _course: Course, table: Table) -> Verdict:
    question = Question(table=table.name)
    return Verdict(table=table, loses=True, questions=(question,), lock=Lock.ROW_EXCLUSIVE, long=Long.SCAN)


def _update(effect: Effect, course: Course, table: Table) -> Verdict:
    """Judge an UPDATE: what it sets in columns of the plan itself, or where nothing was, overwrites nothing."""
    hit = _columns_hit(effect, course)
    loses = not effect.only_null and (bool(hit) or not effect.columns)
    questions = (Question(table=table.name, columns=hit),) if loses else ()
    return Verdict(table=table, loses=loses, questions=questions, lock=Lock.ROW_EXCLUSIVE, long=Long.SCAN)


def _columns_hit(effect: Effect, course: Course) -> tuple[str, ...]:
    """Return those columns that an effect sets and that the catalogue has, by their names there."""
    becoming = course.table(effect.table)
    columns = [] if becoming is None else [becoming.columns.get(name) for name in effect.columns]
    return tuple(column.name for column in columns if column is not None)


def _rename_table(_effect: Effect, _course: Course, table: Table) -> Verdict:
    return Verdict(table=table, breaks=True, lock=Lock.ACCESS_EXCLUSIVE)


def _add_constraint(effect: Effect, course: Course, table: Table) -> Verdict:
    if (effect.conditional or effect.if_not_exists) and course.key(effect.name, effect.table) is not None:
        return NOTHING
    foreign = effect.constraint == "foreignKey"
    return Verdict(
        table=table,
        breaks=True,
        lock=Lock.SHARE_ROW_EXCLUSIVE if foreign else Lock.ACCESS_EXCLUSIVE,
        long=None if effect.not_valid or effect.using else Long.SCAN,
    )


def _create_index(effect: Effect, course: Course, table: Table) -> Verdict:
    if effect.if_not_exists and course.key(effect.name, None) is not None:
        return NOTHING
    breaks = effect.constraint == "unique"
    if effect.concurrently:
        return Verdict(table=table, breaks=breaks)
    return Verdict(table=table, breaks=breaks, lock=Lock.SHARE, long=Long.SCAN)


def _create_trigger(_effect: Effect, _course: Course, table: Table) -> Verdict:
    return Verdict(table=table, lock=Lock.SHARE_ROW_EXCLUSIVE)


def _drop_of_table(_effect: Effect, _course: Course, table: Table) -> Verdict:
    return Verdict(table=table, lock=Lock.ACCESS_EXCLUSIVE)


def _drop_key(effect: Effect, course: Course) -> Verdict:
    """Judge an index or constraint that goes: ON CONFLICT of an older proxy may name a unique one."""
    key = course.key(effect.name, effect.table)
    if key is None:
        return NOTHING
    lock = None if effect.concurrently else Lock.ACCESS_EXCLUSIVE
    return Verdict(table=course.table_of(key), breaks=key.unique, lock=lock)


def _drop_type(effect: Effect, course: Course) -> Verdict:
    """Judge a type that goes: with CASCADE the columns that have it go too, without it must have none."""
    columns = course.columns_of_type(effect.name or "")
    questions = tuple(Question(table=column.table, columns=(column.name,)) for column in columns)
    return Verdict(loses=bool(columns), questions=questions, breaks=bool(columns))


def _change_type(effect: Effect, course: Course) -> Verdict:
    return Verdict(breaks=bool(course.columns_of_type(effect.name or "")))


def _drop_view(_effect: Effect, _course: Course) -> Verdict:
    return _BREAKS


def _create_view(effect: Effect, course: Course) -> Verdict:
    """Judge a view: whoever reads the one that it takes the place of may find other columns."""
    return _BREAKS if effect.replace and course.is_no_table(effect.name) else NOTHING


def _create_function(effect: Effect, course: Course) -> Verdict:
    """Judge a function: of one name there may be several, and which of them it takes the place of is not looked at."""
    return _BREAKS if effect.replace and course.has_function(effect.name) else NOTHING


def _revoke(effect: Effect, course: Course) -> Verdict:
    """Judge a right that is taken away: of what the plan makes, nobody has used any yet."""
    if effect.table is None:
        return NOTHING if course.makes_function(effect.name) else _BREAKS
    return _BREAKS if course.existing(effect.table) or course.is_no_table(effect.table) else NOTHING


def _drop_other(effect: Effect, course: Course) -> Verdict:
    """Judge the end of what this knows no better: of a table's own (a trigger, a policy) no row depends."""
    if (table := course.existing(effect.table)) is not None:
        return _drop_of_table(effect, course, table)
    return NOTHING if course.table(effect.table) is not None else _ANYTHING


def _anything(_effect: Effect, _course: Course) -> Verdict:
    return _ANYTHING


def _set(effect: Effect, _course: Course) -> Verdict:
    """Judge a setting: after another search_path nobody can tell which table a name means."""
    return _ANYTHING if effect.name == "search_path" else NOTHING


_MAKING: Final = frozenset({Act.CREATE_TABLE, Act.CREATE_ENUM, Act.CREATE_VIEW, Act.CREATE_FUNCTION, Act.SET})
"""What takes nothing away, in whatever schema."""
_TAKING: Final = frozenset(
    {Act.DROP_TABLE, Act.RENAME_TABLE, Act.DROP_COLUMN, Act.RETYPE_COLUMN, Act.TRUNCATE, Act.DELETE, Act.UPDATE}
)
_OF_SCHEMA: Final[Mapping[Act, Callable[[Effect, Course], Verdict]]] = {
    Act.DROP_INDEX: _drop_key,
    Act.DROP_CONSTRAINT: _drop_key,
    Act.DROP_TYPE: _drop_type,
    Act.RENAME_TYPE: _change_type,
    Act.ADD_ENUM_VALUE: _change_type,
    Act.RENAME_ENUM_VALUE: _change_type,
    Act.CREATE_VIEW: _create_view,
    Act.DROP_VIEW: _drop_view,
    Act.CREATE_FUNCTION: _create_function,
    Act.REVOKE: _revoke,
    Act.DROP_SCHEMA: _anything,
    Act.DROP_OTHER: _drop_other,
    Act.SET: _set,
    Act.UNKNOWN: _anything,
}
_OF_TABLE: Final[Mapping[Act, Callable[[Effect, Course, Table], Verdict]]] = {
    Act.DROP_TABLE: _drop_table,
    Act.TRUNCATE: _truncate,
    Act.DELETE: _delete,
    Act.UPDATE: _update,
    Act.RENAME_TABLE: _rename_table,
    Act.RENAME_COLUMN: column_effects.rename_column,
    Act.ADD_COLUMN: column_effects.add_column,
    Act.DROP_COLUMN: column_effects.drop_column,
    Act.RETYPE_COLUMN: column_effects.retype_column,
    Act.SET_NOT_NULL: column_effects.set_not_null,
    Act.DROP_NOT_NULL: column_effects.drop_not_null,
    Act.SET_DEFAULT: column_effects.set_default,
    Act.DROP_DEFAULT: column_effects.drop_default,
    Act.ADD_CONSTRAINT: _add_constraint,
    Act.CREATE_INDEX: _create_index,
    Act.CREATE_TRIGGER: _create_trigger,
}
"""Of a table that the catalogue has; what is in neither mapping nobody notices."""
