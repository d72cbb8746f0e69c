"""`make truth` reads schema.prisma by itself, and finds in it what no file of the bundle makes."""

from __future__ import annotations

import pytest

from tests.truth.catalogue import Fact, Key
from tests.truth.datamodel import find_gaps

DATAMODEL = """
datasource client {
  provider = "postgresql"
}

// model Gone { id String @id }
model Team {
  id      String   @id @default(uuid())
  blocked Boolean? @map("is_blocked") // a comment, @map("no")
  tags    String[] @default([])
  kind    Kind
  keys    Key[]
  owner   Key?     @relation("owner", fields: [id], references: [token])

  @@unique([id, tags(ops: raw("gin")), blocked], map: "x")
  @@index(fields: [tags(sort: Desc)], type: Gin)
}

model Key {
  token String @unique
  @@id([token])
  @@map("keys")
}

enum Kind {
  A
  B
}
"""


def fact(kind: str, relation: str, name: str, definition: str = "") -> Fact:
    return Fact(kind=kind, relation=relation, name=name, definition=definition)


def key(table: str, *columns: str, unique: bool = True) -> Key:
    return Key(table=table, columns=columns, unique=unique)


FACTS = frozenset(
    {
        *(fact("table", name, name) for name in ("Team", "keys")),
        *(fact("column", "Team", name) for name in ("id", "is_blocked", "tags", "kind")),
        fact("column", "keys", "token"),
        fact("enum", "", "Kind", "e 'A','B'"),
    }
)
KEYS = frozenset(
    {
        key("Team", "id"),
        key("Team", "id", "tags", "is_blocked"),
        key("Team", "tags", unique=False),
        key("keys", "token"),
    }
)


def test_a_database_that_has_all_of_it_has_no_gap() -> None:
    assert find_gaps(DATAMODEL, FACTS, KEYS) == ()


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        (fact("table", "keys", "keys"), "table keys"),
        (fact("column", "Team", "is_blocked"), "column Team.is_blocked"),
        (fact("enum", "", "Kind", "e 'A','B'"), "enum Kind"),
    ],
)
def test_what_is_not_there_is_a_gap(lacking: Fact, told: str) -> None:
    assert [gap.told for gap in find_gaps(DATAMODEL, FACTS - {lacking}, KEYS)] == [told]


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        (key("Team", "id"), "unique index on Team (id)"),
        (key("Team", "id", "tags", "is_blocked"), "unique on Team (id, tags, is_blocked)"),
        (key("Team", "tags", unique=False), "index on Team (tags)"),
    ],
)
def test_an_index_that_is_not_there_is_a_gap(lacking: Key, told: str) -> None:
    assert [gap.told for gap in find_gaps(DATAMODEL, FACTS, KEYS - {lacking})] == [told]


def test_an_index_that_is_not_unique_is_no_unique_one() -> None:
    keys = KEYS - {key("Team", "id")} | {key("Team", "id", unique=False)}
    assert [gap.told for gap in find_gaps(DATAMODEL, FACTS, keys)] == ["unique index on Team (id)"]


def test_an_enum_without_one_of_its_values_is_a_gap() -> None:
    facts = FACTS - {fact("enum", "", "Kind", "e 'A','B'")} | {fact("enum", "", "Kind", "e 'A'")}
    assert [gap.told for gap in find_gaps(DATAMODEL, facts, KEYS)] == ["enum value Kind.B"]


def test_a_model_that_stands_twice_makes_all_of_it_invalid() -> None:
    gaps = find_gaps(f"{DATAMODEL}\nmodel Key {{\n}}\n", FACTS, KEYS)
    assert [gap.named for gap in gaps] == ["P1012"]
