"""Reads migration scripts, with the judge's parser where words do not tell. Decides, runs nothing."""

import re
from collections.abc import Sequence
from typing import Final, Protocol

from litellm_database_operator.migrator.judge import JudgeError, Statement

# Every statement that controls transactions has one of these words; a script without needs no parser. BEGIN and END
# of a PL/pgSQL block are told by what follows, as far as that is certain: BEGIN by a statement's first word, END by
# IF, LOOP, CASE or the quote that closes the block.
_TRANSACTION_WORDS: Final = re.compile(
    rb"""\b(?:
        start | commit | rollback | abort | savepoint | release | prepare
      | begin (?! \s+ (?! work|transaction|isolation|read|not|deferrable ) [a-z] )
      | end (?! \s+ (?:if|loop|case) \b | \s* ;? \s* \$ \w* \$ )
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_CONCURRENTLY: Final = re.compile(r"\bconcurrently\b", re.IGNORECASE)


class Parser(Protocol):
    """The judge, as far as scripts are concerned."""

    def parse(self, script: str) -> Sequence[Statement]:
        """Split a script into its statements; JudgeError where it does not parse."""
        ...


def controls_transactions(script: bytes, judge: Parser) -> bool:
    """Tell whether a script holds BEGIN, COMMIT or their like: with one, a row of ours would be left behind.

    One that does not parse holds nothing that could run.
    """
    if not _TRANSACTION_WORDS.search(script):
        return False
    return any(statement.kind == "TransactionStmt" for statement in _parse(script, judge))


def leaves_only_an_index(script: bytes, judge: Parser) -> bool:
    """Tell whether a script is a lone CREATE INDEX CONCURRENTLY, which leaves at worst an INVALID index."""
    statements = _parse(script, judge)
    return [statement.kind for statement in statements] == ["IndexStmt"] and bool(
        _CONCURRENTLY.search(statements[0].text)
    )


def failing_statement(script: bytes, judge: Parser, *, completed: int, position: int | None) -> str | None:
    """Name the statement that a query stopped in.

    `completed`: how many of the script's statements were done, negative when none was begun, as after a syntax error;
    then `position` tells, 1-based, in characters of the script. None where neither does, or the judge is gone.
    """
    statements = _parse(script, judge)
    if 0 <= completed < len(statements):
        return statements[completed].text
    if position is None:
        return None
    return _around(script.decode(errors="replace"), statements, position)


def _around(script: str, statements: Sequence[Statement], position: int) -> str | None:
    """Return the statement at a position; where the script does not parse, the line."""
    if statements:
        return next((one.text for one in statements if one.start < position <= one.end), None)
    return script[: position - 1].rpartition("\n")[2] + script[position - 1 :].partition("\n")[0] or None


def _parse(script: bytes, judge: Parser) -> Sequence[Statement]:
    try:
        return judge.parse(script.decode(errors="replace"))
    except JudgeError:
        return ()
