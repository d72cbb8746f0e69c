"""Which scripts are read for what must stand in the database, and what is done with one that cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from litellm_database_operator.migrator.compare.beyond import Named
from litellm_database_operator.migrator.compare.standing import Standing
from litellm_database_operator.migrator.content import Content, Migration
from litellm_database_operator.migrator.judge import Judge, JudgeError, ScriptEffects
from litellm_database_operator.migrator.look import LedgerRow, SchemaObject, Seen
from litellm_database_operator.migrator.plan.effect import Act, Effect, StatementEffects
from litellm_database_operator.migrator.session import Session
from litellm_database_operator.model.names import SchemaName

MAKES = b"CREATE INDEX i ON t (lower(a))"
DROPS = b"DROP INDEX i"
BROKEN = b"CREATE INDEX oops ("
PLAIN = b"CREATE TABLE t (a text)"


def checksum(script: bytes) -> str:
    return hashlib.sha256(script).hexdigest()


DOES = {
    checksum(MAKES): Effect(act=Act.CREATE_INDEX, table="t", name="i", expression=True),
    checksum(DROPS): Effect(act=Act.DROP_INDEX, name="i"),
}


class FakeJudge:
    """Knows what two scripts do, and cannot read a third; an answer is given once, as the judge does."""

    def __init__(self) -> None:
        self.asked: list[list[bytes]] = []

    def ask_effects(self, scripts: Mapping[str, bytes]) -> FakeAnswer:
        """Note what was asked."""
        self.asked.append(list(scripts.values()))
        return FakeAnswer(scripts)


class FakeAnswer:
    """An answer, or the error that it is."""

    def __init__(self, scripts: Mapping[str, bytes]) -> None:
        self._scripts = scripts

    def answer(self) -> tuple[ScriptEffects, ...]:
        """Tell what the scripts do."""
        if checksum(BROKEN) in self._scripts:
            raise JudgeError("syntax error", script=checksum(BROKEN), sqlstate="42601")
        return tuple(
            ScriptEffects(name=name, statements=(StatementEffects(kind="S", text="", effects=(DOES[name],)),))
            for name in self._scripts
        )


class FakeSession:
    """A database without triggers, functions and constraints."""

    def fetch(self, _kind: type[Named], _query: object) -> Sequence[Named]:
        """Find none."""
        return []


def standing(judge: FakeJudge, *pending: bytes) -> Standing:
    content = Content(
        objects=Path("/nowhere"),
        schema="",
        version="1",
        digest="",
        migrations=tuple(Migration(name=each.decode(), script=each, checksum=checksum(each)) for each in pending),
        indexes=(),
        views=(),
    )
    return Standing(content=content, judge=cast("Judge", judge), schema=SchemaName("public"))


def seen(*applied: bytes, objects: Sequence[SchemaObject] = (), **row: Any) -> Seen:
    rows = (
        LedgerRow(name=each.decode(), checksum=checksum(each), finished=True, rolled_back=False) for each in applied
    )
    return Seen(objects=tuple(objects), rows=tuple(replace(each, **row) for each in rows))


def missing(judge: FakeJudge, *applied: bytes, **facts: Any) -> tuple[str, ...]:
    return standing(judge, MAKES, DROPS, BROKEN, PLAIN).missing(cast("Session", FakeSession()), seen(*applied, **facts))


def test_what_applied_files_made_is_missed() -> None:
    judge = FakeJudge()
    assert missing(judge, PLAIN, MAKES) == ("index t.i",)
    assert judge.asked == [[MAKES]]


@pytest.mark.parametrize(("valid", "kind"), [(True, "i"), (False, "i"), (False, "I")])
def test_an_index_that_is_there_is_not_missed(*, valid: bool, kind: str) -> None:
    there = SchemaObject(name="i", kind=kind, valid=valid, table="t")
    assert missing(FakeJudge(), MAKES, objects=[there]) == ()


def test_the_ledgers_order_counts() -> None:
    assert missing(FakeJudge(), MAKES, DROPS) == ()
    assert missing(FakeJudge(), DROPS, MAKES) == ("index t.i",)


@pytest.mark.parametrize("row", [{"finished": False}, {"rolled_back": True}])
def test_what_was_not_applied_made_nothing(row: dict[str, bool]) -> None:
    assert missing(FakeJudge(), MAKES, **row) == ()


def test_a_script_that_does_not_parse_did_anything_and_the_others_are_read() -> None:
    judge = FakeJudge()
    assert missing(judge, BROKEN, MAKES) == ("index t.i",)
    assert judge.asked == [[BROKEN, MAKES], [MAKES]]
    assert missing(FakeJudge(), MAKES, BROKEN) == ()


def test_a_script_that_no_bundle_has_did_anything() -> None:
    assert missing(FakeJudge(), MAKES, b"unknown") == ()
    assert missing(FakeJudge(), b"unknown", MAKES) == ("index t.i",)


def test_what_was_asked_beforehand_or_for_the_plan_is_not_asked_again() -> None:
    judge = FakeJudge()
    those = standing(judge, PLAIN, MAKES, DROPS)
    those.known[checksum(DROPS)] = ()
    those.ask(seen())
    assert judge.asked == [[MAKES]]
    assert those.missing(cast("Session", FakeSession()), seen(PLAIN, MAKES, DROPS)) == ("index t.i",)
    assert judge.asked == [[MAKES]]
