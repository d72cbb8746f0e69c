"""How the judge's answer becomes a plan's files."""

from __future__ import annotations

from litellm_database_operator.migrator.content import Migration
from litellm_database_operator.migrator.plan.course import Course
from litellm_database_operator.migrator.plan.effect import Act, Effect, StatementEffects
from litellm_database_operator.migrator.plan.plan import PlannedFile
from litellm_database_operator.migrator.plan.statements import plan_files
from litellm_database_operator.migrator.plan.verdict import Lock, Question
from tests.unit.migrator.drafts import SIZE, catalog

KEY = "LiteLLM_Key"
PENDING = tuple(Migration(name=name, script=b"", checksum=f"sum of {name}") for name in ("1", "2"))
DROP = Effect(act=Act.DROP_COLUMN, table=KEY, name="spend")


def add(name: str, *, default: str = "none") -> Effect:
    return Effect(act=Act.ADD_COLUMN, table=KEY, name=name, type="text", default=default)


def files(*scripts: list[StatementEffects], rows: bool = True) -> tuple[tuple[PlannedFile, ...], list[Question]]:
    asked: list[Question] = []

    def ask(question: Question) -> bool:
        asked.append(question)
        return rows

    told = dict(zip("12", scripts, strict=False))
    return plan_files(PENDING, told, Course(catalog(), "public"), ask), asked


def statement(*effects: Effect) -> StatementEffects:
    return StatementEffects(kind="AlterTableStmt", text="ALTER", effects=effects)


def test_a_file_keeps_what_is_noticed_and_counts_the_rest() -> None:
    (first, second), asked = files([statement(DROP), statement()], [statement(), statement(Effect(act=Act.SET))])
    assert (first.name, first.checksum, first.others) == ("1", "sum of 1", 1)
    assert (second.statements, second.others) == ((), 2)
    (told,) = first.statements
    assert (told.kind, told.act, told.object, told.table) == (
        "AlterTableStmt",
        Act.DROP_COLUMN,
        f'"{KEY}"."spend"',
        KEY,
    )
    assert (told.loses, told.rows, told.breaks, told.lock) == (True, True, True, Lock.ACCESS_EXCLUSIVE)
    assert (told.bytes, told.estimate) == (SIZE.bytes, SIZE.estimate)
    assert asked == [Question(table=KEY, columns=("spend",))]


def test_rows_are_asked_for_only_where_something_is_lost() -> None:
    (first, _), asked = files([statement(add("a"), Effect(act=Act.UNKNOWN))])
    assert [told.rows for told in first.statements] == [None, None]
    assert asked == []


def test_one_lock_is_told_once() -> None:
    both = Effect(act=Act.CREATE_TRIGGER, table=KEY, name="t")
    (first, _), _ = files([statement(add("a"), add("b"), both), statement(add("c", default="volatile"), add("d"))])
    assert [told.object for told in first.statements] == [f'"{KEY}"."a"', f'"{KEY}"."t"', f'"{KEY}"."c"']


def test_a_later_file_sees_what_an_earlier_one_did() -> None:
    (_, second), asked = files([statement(DROP)], [statement(DROP), statement(add("spend"))])
    assert [told.act for told in second.statements] == [Act.ADD_COLUMN]
    assert len(asked) == 1


def test_a_table_that_is_there_gets_no_constraints_either() -> None:
    make = Effect(act=Act.CREATE_TABLE, table=KEY, if_not_exists=True)
    check = Effect(act=Act.ADD_CONSTRAINT, table=KEY, constraint="check")
    (first, second), _ = files([statement(make, check)], [statement(check)])
    assert (first.statements, first.others) == ((), 1)
    assert [told.act for told in second.statements] == [Act.ADD_CONSTRAINT]


def test_a_file_that_was_not_read_has_nothing_to_tell() -> None:
    (first, second), _ = files()
    assert (first.statements, first.others, second.statements) == ((), 0, ())
