"""How scripts are read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from litellm_database_operator.migrator.judge import JudgeError, Statement
from litellm_database_operator.migrator.script import controls_transactions, failing_statement, leaves_only_an_index


class Parser:
    """Splits at semicolons; a statement's kind is its first word."""

    def parse(self, script: str) -> Sequence[Statement]:
        """Refuse what has `SYNTAX` in it."""
        if "SYNTAX" in script:
            raise JudgeError("syntax error", sqlstate="42601")
        found: list[Statement] = []
        place = 0
        for text in script.split(";"):
            if text:
                found.append(Statement(kind=text.split()[0], start=place, end=place + len(text), text=text))
            place += len(text) + 1
        return found


class NoParser(Parser):
    """Was not to be asked."""

    def parse(self, script: str) -> Sequence[Statement]:
        """Fail."""
        raise AssertionError(script)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        pytest.param(b"SELECT 1;TransactionStmt COMMIT", True, id="a COMMIT"),
        pytest.param(b"transactionstmt begin", False, id="a word that the parser takes for another"),
        pytest.param(b"DO $$ BEGIN x END $$", False, id="a block"),
        pytest.param(b"SYNTAX BEGIN", False, id="what does not parse cannot run"),
    ],
)
def test_transaction_statements_are_found_by_the_parser(script: bytes, found: bool) -> None:  # noqa: FBT001
    assert controls_transactions(script, Parser()) is found


def test_most_scripts_need_no_parser() -> None:
    assert not controls_transactions(b'ALTER TABLE "x" ADD COLUMN "committed_at" INT', NoParser())


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(b"DO $$ BEGIN\n ALTER TABLE x; END $$;", id="a block"),
        pytest.param(b"DO $a$ BEGIN IF y THEN z; END IF; END; $a$;", id="a block with an IF"),
    ],
)
def test_a_block_needs_no_parser(script: bytes) -> None:
    assert not controls_transactions(script, NoParser())


@pytest.mark.parametrize("begin", ["BEGIN", "begin ;", "BEGIN/**/;", "BEGIN -- c\n;", "BEGIN READ ONLY", "begin  work"])
def test_whatever_may_begin_a_transaction_is_parsed(begin: str) -> None:
    assert controls_transactions(f"TransactionStmt {begin}".encode(), Parser())


@pytest.mark.parametrize("end", ["END", "x; END;", "END /**/;", "end work", "COMMIT", "rollback", "ABORT"])
def test_whatever_may_end_a_transaction_is_parsed(end: str) -> None:
    assert controls_transactions(f"TransactionStmt {end}".encode(), Parser())


@pytest.mark.parametrize(
    ("script", "found"),
    [
        pytest.param(b"IndexStmt create index Concurrently i on t", True, id="a lone one"),
        pytest.param(b"IndexStmt create index i on t", False, id="not concurrently"),
        pytest.param(b"IndexStmt x concurrently;IndexStmt y concurrently", False, id="two"),
        pytest.param(b"AlterTableStmt concurrently", False, id="something else"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_only_a_lone_concurrent_index_can_be_run_again(script: bytes, found: bool) -> None:  # noqa: FBT001
    assert leaves_only_an_index(script, Parser()) is found


@pytest.mark.parametrize(
    ("script", "completed", "position", "statement"),
    [
        pytest.param(b"a;b;c", 0, None, "a", id="the first"),
        pytest.param(b"a;b;c", 2, 1, "c", id="the count goes before the position"),
        pytest.param(b"a;b;c", 3, None, None, id="all were done"),
        pytest.param(b"a;b;c", -2, None, None, id="none was begun, and no position"),
        pytest.param(b"a;b;c", -2, 3, "b", id="none was begun"),
        pytest.param(b"a;\nSYNTAX here;\nc", -2, 5, "SYNTAX here;", id="does not parse: the line"),
        pytest.param(b"SYNTAX", 0, None, None, id="does not parse, no position"),
    ],
)
def test_the_failing_statement_is_found(
    script: bytes, completed: int, position: int | None, statement: str | None
) -> None:
    assert failing_statement(script, Parser(), completed=completed, position=position) == statement
