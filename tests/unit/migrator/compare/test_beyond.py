"""What files made that no schema.prisma names, and what of it must be there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_database_operator.migrator.compare.beyond import Kind, Named, absent, made_by, to_read
from litellm_database_operator.migrator.plan.effect import Act, Effect, StatementEffects

INDEX = Effect(act=Act.CREATE_INDEX, table="t", name="i", columns=("a", "b"), where=True)
EXPRESSION = Effect(act=Act.CREATE_INDEX, table="t", name="i", columns=("a",), expression=True)
PLAIN = Effect(act=Act.CREATE_INDEX, table="t", name="i", columns=("a",))
TRIGGER = Effect(act=Act.CREATE_TRIGGER, table="t", name="g")
FUNCTION = Effect(act=Act.CREATE_FUNCTION, name="f")
CHECK = Effect(act=Act.ADD_CONSTRAINT, table="t", name="c", constraint="check", columns=("a",))
EXCLUSION = replace(CHECK, name="x", constraint="exclusion")
MADE = (INDEX, TRIGGER, FUNCTION, CHECK)


def script(*effects: Effect) -> tuple[StatementEffects, ...]:
    return tuple(StatementEffects(kind="Stmt", text="", effects=(effect,)) for effect in effects)


def demanded(*effects: Effect) -> list[str]:
    return list(map(str, absent(made_by([script(*effects)], "public"), ())))


def renamed(act: Act, **facts: str) -> Effect:
    return replace(Effect(act=act), **facts)


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        (INDEX, "index t.i"),
        (EXPRESSION, "index t.i"),
        (TRIGGER, "trigger t.g"),
        (FUNCTION, "function f"),
        (CHECK, "constraint t.c"),
        (EXCLUSION, "constraint t.x"),
        (replace(INDEX, if_not_exists=True, concurrently=True), "index t.i"),
        (replace(INDEX, schema="public"), "index t.i"),
    ],
)
def test_what_only_migrations_make_is_demanded_by_name(effect: Effect, told: str) -> None:
    assert demanded(effect) == [told]


@pytest.mark.parametrize(
    "effect",
    [
        PLAIN,
        replace(INDEX, conditional=True),
        replace(INDEX, name=None),
        replace(INDEX, schema="other"),
        replace(CHECK, constraint="foreignKey"),
        Effect(act=Act.CREATE_TABLE, table="t"),
    ],
)
def test_what_prisma_compares_or_nobody_knows_is_not_demanded(effect: Effect) -> None:
    assert demanded(effect) == []


@pytest.mark.parametrize(
    ("effect", "left"),
    [
        (Effect(act=Act.DROP_TABLE, table="t"), ["function f"]),
        (Effect(act=Act.DROP_TABLE, table="other"), ["index t.i", "trigger t.g", "function f", "constraint t.c"]),
        (Effect(act=Act.DROP_TABLE, table="other", cascade=True), []),
        (Effect(act=Act.DROP_COLUMN, table="t", name="b"), ["trigger t.g", "function f", "constraint t.c"]),
        (Effect(act=Act.DROP_COLUMN, table="t", name="a"), ["trigger t.g", "function f"]),
        (
            Effect(act=Act.DROP_COLUMN, table="o", name="a"),
            ["index t.i", "trigger t.g", "function f", "constraint t.c"],
        ),
        (Effect(act=Act.DROP_INDEX, name="i"), ["trigger t.g", "function f", "constraint t.c"]),
        (Effect(act=Act.DROP_INDEX, name="i", conditional=True), ["trigger t.g", "function f", "constraint t.c"]),
        (Effect(act=Act.DROP_CONSTRAINT, table="t", name="c"), ["index t.i", "trigger t.g", "function f"]),
        (Effect(act=Act.DROP_OTHER, table="t", name="g"), ["index t.i", "function f", "constraint t.c"]),
        (Effect(act=Act.DROP_OTHER, name="f"), ["index t.i", "trigger t.g", "constraint t.c"]),
        (Effect(act=Act.DROP_OTHER, name="f", cascade=True), []),
        (Effect(act=Act.DROP_TYPE, name="e"), ["index t.i", "trigger t.g", "function f", "constraint t.c"]),
        (Effect(act=Act.DROP_VIEW, name="t"), ["function f"]),
        (Effect(act=Act.DROP_SCHEMA, name="s"), []),
        (Effect(act=Act.UNKNOWN), []),
        (Effect(act=Act.UNKNOWN, table="t"), ["function f"]),
        (Effect(act=Act.UNKNOWN, table="i"), ["trigger t.g", "function f", "constraint t.c"]),
        (
            Effect(act=Act.DROP_INDEX, schema="s", name="i"),
            ["index t.i", "trigger t.g", "function f", "constraint t.c"],
        ),
    ],
)
def test_what_may_be_gone_is_not_demanded(effect: Effect, left: list[str]) -> None:
    assert demanded(*MADE, effect) == left


def test_what_is_made_again_is_demanded_once() -> None:
    assert demanded(TRIGGER, Effect(act=Act.DROP_OTHER, table="t", name="g"), TRIGGER) == ["trigger t.g"]
    assert demanded(INDEX, INDEX) == ["index t.i"]


def test_a_renaming_is_followed() -> None:
    table = renamed(Act.RENAME_TABLE, table="t", new_name="u")
    assert demanded(*MADE, table) == ["index u.i", "trigger u.g", "function f", "constraint u.c"]
    assert demanded(INDEX, renamed(Act.RENAME_INDEX, name="i", new_name="j")) == ["index t.j"]
    assert demanded(INDEX, renamed(Act.RENAME_TABLE, table="i", new_name="j")) == ["index t.j"]
    assert demanded(CHECK, renamed(Act.RENAME_CONSTRAINT, table="t", name="c", new_name="d")) == ["constraint t.d"]
    assert demanded(CHECK, renamed(Act.RENAME_CONSTRAINT, table="u", name="c", new_name="d")) == ["constraint t.c"]
    column = renamed(Act.RENAME_COLUMN, table="t", name="a", new_name="z")
    assert demanded(INDEX, column, Effect(act=Act.DROP_COLUMN, table="t", name="a")) == ["index t.i"]
    assert demanded(INDEX, column, Effect(act=Act.DROP_COLUMN, table="t", name="z")) == []


def test_a_renaming_that_may_not_have_happened_leaves_both_names() -> None:
    may = replace(renamed(Act.RENAME_TABLE, table="t", new_name="u"), conditional=True)
    things = made_by([script(TRIGGER, may)], "public")
    for table in ("t", "u"):
        assert absent(things, [Named(kind="trigger", table=table, name="g")]) == ()
    assert list(map(str, absent(things, [Named(kind="trigger", table="v", name="g")]))) == ["trigger u.g"]
    assert demanded(TRIGGER, may, Effect(act=Act.DROP_TABLE, table="t")) == []
    column = replace(renamed(Act.RENAME_COLUMN, table="t", name="a", new_name="z"), conditional=True)
    for name in ("a", "z"):
        assert demanded(INDEX, column, Effect(act=Act.DROP_COLUMN, table="t", name=name)) == []


def test_an_index_is_there_whatever_table_it_is_on_and_a_trigger_is_not() -> None:
    things = made_by([script(INDEX, TRIGGER)], "public")
    elsewhere = [Named(kind="index", table="u", name="i"), Named(kind="trigger", table="u", name="g")]
    assert absent(things, elsewhere) == (Named(kind=Kind.TRIGGER, table="t", name="g"),)


def test_a_script_that_nobody_can_read_did_anything() -> None:
    assert made_by([script(INDEX), None], "public") == ()
    assert [str(each) for each in absent(made_by([None, script(INDEX)], "public"), ())] == ["index t.i"]


def test_after_search_path_is_set_nothing_of_a_script_is_certain() -> None:
    moved = Effect(act=Act.SET, name="search_path")
    assert demanded(INDEX, moved, TRIGGER) == ["index t.i"]
    assert demanded(INDEX, moved, Effect(act=Act.DROP_INDEX, name="i")) == []
    assert demanded(Effect(act=Act.SET, name="lock_timeout"), INDEX) == ["index t.i"]
    things = made_by([script(moved), script(INDEX)], "public")
    assert len(things) == 1


@pytest.mark.parametrize(
    "text",
    [
        'CREATE INDEX "i" ON "t" ("a") WHERE "b" IS NULL',
        'CREATE INDEX "i" ON "t" (lower("a"))',
        "create unique index i on t (a, (b + 1));",
        "CREATE INDEX i ON t USING gin (a)",
        'CREATE INDEX "i" ON "s"."t" ("a")',
        "CREATE INDEX i ON t (/* ) */ lower(a))",
        "CREATE INDEX i ON t (a) INCLUDE (b)",
        "CREATE TABLE t (a int CHECK (a > 0))",
        "ALTER TABLE t ADD EXCLUDE (a WITH =)",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
        "CREATE PROCEDURE p() LANGUAGE sql AS ''",
        "CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()",
    ],
)
def test_a_script_that_may_make_such_a_thing_is_read(text: str) -> None:
    assert list(to_read({"x": text.encode()})) == ["x"]


@pytest.mark.parametrize(
    "text",
    [
        'CREATE INDEX "i" ON "t"("a", "b" DESC);',
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
        'DROP INDEX "i"',
        'CREATE TABLE "t" ("a" TEXT NOT NULL)',
        "ALTER TABLE t DROP COLUMN a",
    ],
)
def test_a_script_that_makes_none_needs_no_parser(text: str) -> None:
    assert to_read({"x": text.encode()}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "DROP INDEX i",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t SET SCHEMA s",
        "DO $$ BEGIN EXECUTE 'DR' || 'OP'; END $$",
        "SELECT f()",
    ],
)
def test_a_script_that_may_take_it_away_is_read_only_after_one_that_makes_some(text: str) -> None:
    making = b"CREATE INDEX i ON t (lower(a))"
    assert list(to_read({"before": text.encode(), "making": making, "after": text.encode()})) == ["making", "after"]
