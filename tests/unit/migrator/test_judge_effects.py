"""What the judge tells of scripts, read from the lines that its own tests hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from litellm_database_operator.migrator.judge import Judge, JudgeError
from litellm_database_operator.migrator.plan.effect import Act, Effect
from litellm_database_operator.migrator.settings import Login
from litellm_database_operator.model.names import RoleName, SchemaName
from litellm_database_operator.model.secret import Password

LINES: Final = Path(__file__).resolve().parents[2] / "data/judge/effects.jsonl"
# Stands for Node: takes `--liftoff-only <file>`, and answers out of the file what was asked just so; anything else it
# gives back. Like the judge it reads the next request when the answer is written.
STAND_IN: Final = """#!{python}
import json, sys
lines = [json.loads(line) for line in open(sys.argv[2])]
answers = {{json.dumps(line["params"]): answer for line, answer in zip(lines[::2], lines[1::2])}}
for line in sys.stdin:
    request = json.loads(line)
    nothing = {{"result": {{"scripts": [], "statements": [], "padding": str(request["params"])}}}}
    answer = answers.get(json.dumps(request["params"]), nothing)
    print(json.dumps(answer | {{"id": request["id"]}}), flush=True)
"""
LOGIN: Final = Login(
    host="db",
    port=5432,
    database="d",
    schema=SchemaName("public"),
    username=RoleName("u"),
    password=Password("never-to-be-seen"),
    app=RoleName("a"),
    tls="disable",
    ca=None,
)


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    program = tmp_path / "node"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    return Judge(node=str(program), engine=LINES, login=LOGIN)


def scripts_of(number: int) -> dict[str, bytes]:
    request: dict[str, Any] = json.loads(LINES.read_text().splitlines()[2 * number])
    return {item["name"]: item["sql"].encode() for item in request["params"]["scripts"]}


def test_effects_are_read_statement_by_statement(judge: Judge) -> None:
    with judge:
        first, second = judge.effects(scripts_of(0))
    assert (first.name, second.name, second.statements) == ("1_é", "2", ())
    table, block = first.statements
    assert (table.kind, block.kind) == ("AlterTableStmt", "DoStmt")
    assert table.effects == (
        Effect(act=Act.DROP_COLUMN, table="ü", name="x"),
        Effect(act=Act.RETYPE_COLUMN, table="ü", name="y", type="character varying(10)"),
    )
    text = "UPDATE a SET b = 1 WHERE b IS NULL"
    assert block.effects == (
        Effect(act=Act.UPDATE, table="a", columns=("b",), only_null=True, where=True, conditional=True, text=text),
    )


def test_a_script_that_does_not_parse_is_named(judge: Judge) -> None:
    with judge, pytest.raises(JudgeError, match="syntax error") as refused:
        judge.effects(scripts_of(1))
    error = refused.value
    assert (error.sqlstate, error.script, error.position) == ("42601", "2_broken", 13)


def test_an_answer_is_kept_while_others_are_asked_for(judge: Judge) -> None:
    with judge:
        asked, broken = judge.ask_effects(scripts_of(0)), judge.ask_effects(scripts_of(1))
        assert judge.parse("SELECT 1") == ()
        with pytest.raises(JudgeError, match="syntax error"):
            broken.answer()
        assert [script.name for script in asked.answer()] == ["1_é", "2"]
        assert judge.effects({}) == ()


def test_answers_longer_than_a_pipe_hold_up_nobody(judge: Judge) -> None:
    longer_than_a_pipe = b" " * 1_000_000
    with judge:
        asked = [judge.ask_effects({"s": longer_than_a_pipe}) for _ in range(3)]
        assert judge.parse(longer_than_a_pipe.decode()) == ()
        assert [one.answer() for one in asked] == [(), (), ()]


def test_a_judge_that_is_gone_tells_nothing() -> None:
    with Judge(node="/bin/true", engine=Path("/dev/null"), login=LOGIN) as gone:
        for _ in range(2):
            with pytest.raises(JudgeError, match="ended before it answered"):
                gone.effects({})
