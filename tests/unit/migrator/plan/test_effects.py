"""What a statement's effects mean for a database that is there."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_database_operator.migrator.plan.course import Course
from litellm_database_operator.migrator.plan.effect import Act, Effect
from litellm_database_operator.migrator.plan.effects import decide
from litellm_database_operator.migrator.plan.verdict import Lock, Long, Question
from tests.unit.migrator.drafts import catalog

KEY = "LiteLLM_Key"
ROWS = (Question(table=KEY),)
SPEND = (Question(table=KEY, columns=("spend",)),)
EXCLUSIVE, WRITES, SHARE, ROW = Lock.ACCESS_EXCLUSIVE, Lock.SHARE_ROW_EXCLUSIVE, Lock.SHARE, Lock.ROW_EXCLUSIVE
NOTHING = (False, (), False, None, None)


def of(act: Act, table: str | None = KEY, **facts: Any) -> Effect:
    return Effect(act=act, table=table, **facts)


def told(effect: Effect, *before: Effect) -> tuple[Any, ...]:
    course = Course(catalog(), "public")
    for each in before:
        course.follow(each)
    verdict = decide(effect, course)
    return verdict.loses, verdict.questions, verdict.breaks, verdict.lock, verdict.long


@pytest.mark.parametrize(
    ("effect", "loses", "breaks", "lock", "long"),
    [
        pytest.param(of(Act.DROP_TABLE), ROWS, True, EXCLUSIVE, None, id="DropTable"),
        pytest.param(of(Act.TRUNCATE), ROWS, False, EXCLUSIVE, None, id="Truncate"),
        pytest.param(of(Act.DELETE), ROWS, False, ROW, Long.SCAN, id="Delete"),
        pytest.param(of(Act.UPDATE, columns=("spend",)), SPEND, False, ROW, Long.SCAN, id="Update"),
        pytest.param(of(Act.UPDATE, columns=("spend",), only_null=True), (), False, ROW, Long.SCAN, id="where NULL"),
        pytest.param(of(Act.UPDATE), (Question(table=KEY),), False, ROW, Long.SCAN, id="Update of what nobody knows"),
        pytest.param(of(Act.DROP_COLUMN, name="spend"), SPEND, True, EXCLUSIVE, None, id="DropColumn"),
        pytest.param(of(Act.RENAME_TABLE, new_name="x"), (), True, EXCLUSIVE, None, id="RenameTable"),
        pytest.param(of(Act.RENAME_COLUMN, name="spend", new_name="x"), (), True, EXCLUSIVE, None, id="RenameColumn"),
        pytest.param(of(Act.ADD_COLUMN, name="x", type="text"), (), False, EXCLUSIVE, None, id="AddColumn"),
        pytest.param(
            of(Act.ADD_COLUMN, name="x", type="text", not_null=True), (), True, EXCLUSIVE, None, id="AddColumn NOT NULL"
        ),
        pytest.param(
            of(Act.ADD_COLUMN, name="x", not_null=True, default="constant"),
            (),
            False,
            EXCLUSIVE,
            None,
            id="with a default",
        ),
        pytest.param(
            of(Act.ADD_COLUMN, name="x", not_null=True, default="volatile"),
            (),
            False,
            EXCLUSIVE,
            Long.REWRITE,
            id="with one for each row",
        ),
        pytest.param(of(Act.RETYPE_COLUMN, name="spend", type="bigint"), (), True, EXCLUSIVE, Long.REWRITE, id="wider"),
        pytest.param(of(Act.RETYPE_COLUMN, name="name", type="text"), (), True, EXCLUSIVE, None, id="no limit"),
        pytest.param(
            of(Act.RETYPE_COLUMN, name="spend", type="smallint"), SPEND, True, EXCLUSIVE, Long.REWRITE, id="narrower"
        ),
        pytest.param(
            of(Act.RETYPE_COLUMN, name="spend", type="bigint", using=True),
            SPEND,
            True,
            EXCLUSIVE,
            Long.REWRITE,
            id="USING",
        ),
        pytest.param(of(Act.SET_NOT_NULL, name="spend"), (), True, EXCLUSIVE, Long.SCAN, id="SetNotNull"),
        pytest.param(of(Act.DROP_NOT_NULL, name="id"), (), True, EXCLUSIVE, None, id="DropNotNull"),
        pytest.param(of(Act.SET_DEFAULT, name="spend"), (), False, EXCLUSIVE, None, id="SetDefault"),
        pytest.param(of(Act.DROP_DEFAULT, name="spend"), (), True, EXCLUSIVE, None, id="DropDefault"),
        pytest.param(
            of(Act.ADD_CONSTRAINT, name="f", constraint="foreignKey", references="Other"),
            (),
            True,
            WRITES,
            Long.SCAN,
            id="a foreign key",
        ),
        pytest.param(of(Act.ADD_CONSTRAINT, constraint="check"), (), True, EXCLUSIVE, Long.SCAN, id="a check"),
        pytest.param(
            of(Act.ADD_CONSTRAINT, constraint="check", not_valid=True), (), True, EXCLUSIVE, None, id="NOT VALID"
        ),
        pytest.param(
            of(Act.ADD_CONSTRAINT, constraint="unique", using=True), (), True, EXCLUSIVE, None, id="USING INDEX"
        ),
        pytest.param(of(Act.DROP_CONSTRAINT, name="unique"), (), True, EXCLUSIVE, None, id="a unique constraint goes"),
        pytest.param(of(Act.DROP_CONSTRAINT, name="fkey"), (), False, EXCLUSIVE, None, id="a foreign key goes"),
        pytest.param(of(Act.CREATE_INDEX, name="i"), (), False, SHARE, Long.SCAN, id="CreateIndex"),
        pytest.param(of(Act.CREATE_INDEX, name="i", constraint="unique"), (), True, SHARE, Long.SCAN, id="unique"),
        pytest.param(
            of(Act.CREATE_INDEX, name="i", constraint="unique", concurrently=True), (), True, None, None, id="unhurried"
        ),
        pytest.param(of(Act.DROP_INDEX, None, name="plain"), (), False, EXCLUSIVE, None, id="DropIndex"),
        pytest.param(of(Act.DROP_INDEX, None, name="unique"), (), True, EXCLUSIVE, None, id="a unique index goes"),
        pytest.param(of(Act.CREATE_TRIGGER, name="t"), (), False, WRITES, None, id="CreateTrigger"),
        pytest.param(of(Act.DROP_OTHER, name="t"), (), False, EXCLUSIVE, None, id="a trigger goes"),
        pytest.param(of(Act.DROP_VIEW, None, name="v"), (), True, None, None, id="DropView"),
        pytest.param(
            of(Act.DROP_TYPE, None, name="Status"),
            (Question(table=KEY, columns=("status",)),),
            True,
            None,
            None,
            id="a type with columns",
        ),
        pytest.param(of(Act.ADD_ENUM_VALUE, None, name="Status.new"), (), True, None, None, id="AddEnumValue"),
        pytest.param(of(Act.RENAME_ENUM_VALUE, None, name="Status.a"), (), True, None, None, id="RenameEnumValue"),
        pytest.param(of(Act.RENAME_TYPE, None, name="Status", new_name="x"), (), True, None, None, id="RenameType"),
    ],
)
def test_what_it_loses_breaks_and_blocks(
    *, effect: Effect, loses: tuple[Question, ...], breaks: bool, lock: Lock | None, long: Long | None
) -> None:
    assert told(effect) == (bool(loses), loses, breaks, lock, long)


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(of(Act.UNKNOWN, None), id="Unknown"),
        pytest.param(of(Act.DROP_SCHEMA, None, name="x"), id="DropSchema"),
        pytest.param(of(Act.DROP_OTHER, None, name="x"), id="DropOther"),
        pytest.param(of(Act.DELETE, schema="elsewhere"), id="in another schema"),
        pytest.param(of(Act.SET, None, name="search_path"), id="another search_path"),
        pytest.param(of(Act.DELETE, "View"), id="through a view"),
        pytest.param(of(Act.DROP_TABLE, "Partition"), id="a partition"),
    ],
)
def test_what_cannot_be_told_could_be_anything(effect: Effect) -> None:
    assert told(effect) == (True, (), True, None, None)


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(of(Act.DROP_TABLE, "Absent"), id="no such table"),
        pytest.param(of(Act.DROP_COLUMN, name="absent"), id="no such column"),
        pytest.param(of(Act.RENAME_COLUMN, name="absent", new_name="x", conditional=True), id="renamed before"),
        pytest.param(of(Act.ADD_COLUMN, name="spend", if_not_exists=True), id="the column is there"),
        pytest.param(of(Act.RETYPE_COLUMN, name="spend", type="integer"), id="the same type"),
        pytest.param(of(Act.SET_NOT_NULL, name="id"), id="not NULL already"),
        pytest.param(of(Act.CREATE_INDEX, name="plain", if_not_exists=True), id="the index is there"),
        pytest.param(of(Act.DROP_INDEX, None, name="absent"), id="no such index"),
        pytest.param(of(Act.DROP_CONSTRAINT, name="absent"), id="no such constraint"),
        pytest.param(
            of(Act.ADD_CONSTRAINT, name="fkey", constraint="foreignKey", conditional=True), id="the constraint is there"
        ),
        pytest.param(of(Act.DROP_TYPE, None, name="Unused"), id="a type without columns"),
        pytest.param(of(Act.CREATE_TABLE, "New"), id="CreateTable"),
        pytest.param(of(Act.CREATE_TABLE, schema="elsewhere"), id="CreateTable elsewhere"),
        pytest.param(of(Act.CREATE_ENUM, None, name="x"), id="CreateEnum"),
        pytest.param(of(Act.CREATE_VIEW, None, name="x"), id="CreateView"),
        pytest.param(of(Act.CREATE_FUNCTION, None, name="x"), id="CreateFunction"),
        pytest.param(of(Act.VALIDATE_CONSTRAINT, name="fkey"), id="ValidateConstraint"),
        pytest.param(of(Act.RENAME_INDEX, None, name="plain", new_name="x"), id="RenameIndex"),
        pytest.param(of(Act.INSERT), id="Insert"),
        pytest.param(of(Act.SET, None, name="lock_timeout"), id="Set"),
    ],
)
def test_what_nobody_notices(effect: Effect) -> None:
    assert told(effect) == NOTHING


REPLACED = of(Act.CREATE_FUNCTION, None, name="new", replace=True)


@pytest.mark.parametrize(
    ("effect", "before", "breaks"),
    [
        pytest.param(of(Act.CREATE_VIEW, None, name="View", replace=True), (), True, id="a view that is there"),
        pytest.param(of(Act.CREATE_VIEW, None, name="New", replace=True), (), False, id="a view that is not"),
        pytest.param(of(Act.CREATE_VIEW, None, name="x", schema="elsewhere", replace=True), (), True, id="elsewhere"),
        pytest.param(of(Act.CREATE_FUNCTION, None, name="f", replace=True), (), True, id="a function that is there"),
        pytest.param(of(Act.CREATE_FUNCTION, None, name="f"), (), False, id="a function beside it"),
        pytest.param(REPLACED, (), False, id="a function that is not"),
        pytest.param(REPLACED, (REPLACED,), False, id="a function of the plan, again"),
        pytest.param(of(Act.REVOKE), (), True, id="a right on a table"),
        pytest.param(of(Act.REVOKE, "View"), (), True, id="on a view"),
        pytest.param(of(Act.REVOKE, "New"), (of(Act.CREATE_TABLE, "New"),), False, id="on a table of the plan"),
        pytest.param(of(Act.REVOKE, None, name="f"), (of(Act.CREATE_FUNCTION, None, name="f"),), True, id="on f"),
        pytest.param(of(Act.REVOKE, None, name="new"), (REPLACED,), False, id="on a function of the plan"),
        pytest.param(of(Act.REVOKE, None, name="schema"), (), True, id="on anything else"),
        pytest.param(of(Act.REVOKE, "x", schema="elsewhere"), (), True, id="on a table elsewhere"),
    ],
)
def test_what_takes_the_place_of_something_may_break_its_readers(
    effect: Effect, before: tuple[Effect, ...], *, breaks: bool
) -> None:
    assert told(effect, *before) == (False, (), breaks, None, None)


def test_the_schema_may_be_named() -> None:
    assert told(of(Act.DELETE, schema="public")) == told(of(Act.DELETE))


MADE = of(Act.CREATE_TABLE, "New")
ADDED = of(Act.ADD_COLUMN, name="new", type="text")


@pytest.mark.parametrize(
    "act", [Act.DROP_TABLE, Act.DELETE, Act.TRUNCATE, Act.UPDATE, Act.SET_NOT_NULL, Act.CREATE_INDEX, Act.DROP_OTHER]
)
def test_a_table_that_the_plan_makes_has_no_rows_and_no_readers(act: Act) -> None:
    assert told(of(act, "New", name="x"), MADE) == NOTHING


def test_a_table_that_is_there_is_not_made() -> None:
    there = of(Act.CREATE_TABLE, if_not_exists=True)
    assert told(of(Act.DROP_TABLE), there) == told(of(Act.DROP_TABLE))


def test_a_foreign_key_of_a_new_table_locks_the_one_that_it_points_to() -> None:
    effect = of(Act.ADD_CONSTRAINT, "New", constraint="foreignKey", references=KEY)
    assert told(effect, MADE) == (False, (), False, WRITES, None)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        pytest.param(of(Act.UPDATE, columns=("new",)), (False, (), False, ROW, Long.SCAN), id="Update"),
        pytest.param(of(Act.DROP_COLUMN, name="new"), (False, (), False, EXCLUSIVE, None), id="DropColumn"),
        pytest.param(of(Act.SET_NOT_NULL, name="new"), (False, (), True, EXCLUSIVE, Long.SCAN), id="SetNotNull"),
        pytest.param(of(Act.DROP_DEFAULT, name="new"), (False, (), True, EXCLUSIVE, None), id="DropDefault"),
        pytest.param(
            of(Act.RENAME_COLUMN, name="new", new_name="x"), (False, (), False, EXCLUSIVE, None), id="RenameColumn"
        ),
        pytest.param(
            of(Act.RETYPE_COLUMN, name="new", type="x"), (False, (), False, EXCLUSIVE, Long.REWRITE), id="RetypeColumn"
        ),
    ],
)
def test_a_column_that_the_plan_adds_holds_nothing(effect: Effect, expected: tuple[Any, ...]) -> None:
    assert told(effect, ADDED) == expected


def test_what_is_renamed_is_still_there() -> None:
    renamed = of(Act.RENAME_TABLE, new_name="New"), of(Act.RENAME_COLUMN, "New", name="spend", new_name="cost")
    assert told(of(Act.DROP_COLUMN, "New", name="cost"), *renamed)[1] == SPEND
    assert told(of(Act.DROP_COLUMN, name="spend"), *renamed) == NOTHING


@pytest.mark.parametrize("name", ["spend", "cost"])
def test_what_may_be_renamed_is_known_by_both_names(name: str) -> None:
    perhaps = of(Act.RENAME_COLUMN, name="spend", new_name="cost", conditional=True)
    assert told(of(Act.DROP_COLUMN, name=name), perhaps)[1] == SPEND


def test_a_table_that_may_be_renamed_is_known_by_both_names() -> None:
    perhaps = of(Act.RENAME_TABLE, new_name="New", conditional=True)
    assert told(of(Act.DELETE, "New"), perhaps) == told(of(Act.DELETE), perhaps) == told(of(Act.DELETE))


def test_what_may_be_dropped_may_be_there_still() -> None:
    perhaps = of(Act.DROP_COLUMN, name="spend", conditional=True)
    assert told(of(Act.UPDATE, columns=("spend",)), perhaps)[1] == SPEND
    assert told(of(Act.DROP_TABLE), of(Act.DROP_TABLE, conditional=True))[1] == ROWS


@pytest.mark.parametrize("name", ["spend", "status"])
def test_what_may_be_renamed_takes_no_name_that_is_taken(name: str) -> None:
    perhaps = of(Act.RENAME_COLUMN, name="spend", new_name="status", conditional=True)
    assert told(of(Act.DROP_COLUMN, name=name), perhaps)[1] == (Question(table=KEY, columns=(name,)),)
    table = of(Act.RENAME_TABLE, "Other", new_name=KEY, conditional=True)
    assert told(of(Act.DROP_TABLE), table)[1] == ROWS


def test_a_truncate_that_cascades_empties_more_than_it_names() -> None:
    assert told(of(Act.TRUNCATE, cascade=True)) == (True, (), False, EXCLUSIVE, None)


@pytest.mark.parametrize(("name", "loses"), [("Status", False), ("Former", True)])
def test_a_type_that_is_renamed_is_that_of_its_columns_still(*, name: str, loses: bool) -> None:
    renamed = of(Act.RENAME_TYPE, None, name="Status", new_name="Former")
    assert told(of(Act.DROP_TYPE, None, name=name, cascade=True), renamed)[0] is loses


def test_a_type_that_may_be_renamed_is_known_by_its_old_name() -> None:
    perhaps = of(Act.RENAME_TYPE, None, name="Status", new_name="Former", conditional=True)
    assert told(of(Act.DROP_TYPE, None, name="Status"), perhaps)[0]


def test_what_is_dropped_is_gone() -> None:
    assert told(of(Act.DROP_COLUMN, name="spend"), of(Act.DROP_COLUMN, name="spend")) == NOTHING
    assert told(of(Act.DELETE), of(Act.DROP_TABLE)) == NOTHING


def test_a_constraint_that_may_be_gone_is_made_again() -> None:
    again = of(Act.ADD_CONSTRAINT, name="fkey", constraint="foreignKey", references="Other", conditional=True)
    assert told(again, of(Act.DROP_CONSTRAINT, name="fkey", conditional=True))[4] is Long.SCAN


def test_a_type_of_before_counts_until_it_is_changed() -> None:
    wider = of(Act.RETYPE_COLUMN, name="spend", type="bigint")
    assert told(of(Act.RETYPE_COLUMN, name="spend", type="integer"), wider)[0]
    unknown = of(Act.RETYPE_COLUMN, name="name", type=None)
    assert told(of(Act.RETYPE_COLUMN, name="name", type="text"), unknown) == (False, (), True, EXCLUSIVE, Long.REWRITE)


def test_a_column_that_was_made_not_null_is() -> None:
    assert told(of(Act.SET_NOT_NULL, name="spend"), of(Act.SET_NOT_NULL, name="spend")) == NOTHING
    assert told(of(Act.SET_NOT_NULL, name="id"), of(Act.DROP_NOT_NULL, name="id"))[2]
