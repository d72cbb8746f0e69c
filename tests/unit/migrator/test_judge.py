"""The judge's protocol from the migrator's side, against the lines that the judge's own tests hold."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from litellm_database_operator.migrator.judge import Judge, JudgeError
from litellm_database_operator.migrator.settings import Login
from litellm_database_operator.model.names import RoleName, SchemaName
from litellm_database_operator.model.secret import Password

LINES: Final = Path(__file__).resolve().parents[2] / "data/judge"
# Stands for Node: takes `--liftoff-only <file>`, and answers out of the file what was asked just so.
STAND_IN: Final = """#!{python}
import json, sys
lines = [json.loads(line) for line in open(sys.argv[2])]
asked = [(line["method"], line["params"]) for line in lines[::2]]
for line in sys.stdin:
    request = json.loads(line)
    answer = lines[1::2][asked.index((request["method"], request["params"]))]
    print(json.dumps(answer | {{"id": 0}}))
    print(json.dumps(answer | {{"id": request["id"]}}), flush=True)
"""

Start = Callable[..., Judge]


def exchanges(method: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    lines = [json.loads(line) for line in (LINES / f"{method}.jsonl").read_text().splitlines()]
    return list(zip(lines[::2], lines[1::2], strict=True))


def login_of(request: dict[str, Any]) -> Login:
    told = request["params"]["connection"]
    return Login(
        host=told["host"],
        port=told["port"],
        database=told["database"],
        schema=SchemaName(told["schema"]),
        username=RoleName(told["user"]),
        password=Password(told["password"]),
        app=RoleName("gateway_app"),
        tls=told["sslmode"],
        ca=Path(told["sslrootcert"]) if "sslrootcert" in told else None,
    )


def scripts_of(request: dict[str, Any]) -> dict[str, Path]:
    """Return what a request is made of."""
    return {each["name"]: Path(each["path"]) for each in request["params"]["migrations"]}


NOBODY: Final = login_of(exchanges("diagnose")[0][0])


@pytest.fixture
def node(tmp_path: Path) -> str:
    program = tmp_path / "node"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(("request_", "answer"), exchanges("diagnose"))
def test_diagnoses_are_asked_for_and_read(node: str, request_: dict[str, Any], answer: dict[str, Any]) -> None:
    with Judge(node=node, engine=LINES / "diagnose.jsonl", login=login_of(request_)) as judge:
        if "error" in answer:
            with pytest.raises(JudgeError) as refused:
                judge.diagnose(scripts_of(request_))
            assert (refused.value.code, refused.value.sqlstate) == (
                answer["error"]["code"],
                answer["error"]["sqlstate"],
            )
            return
        diagnosis = judge.diagnose(scripts_of(request_))
    told = answer["result"]
    assert diagnosis.has_ledger is told["hasMigrationsTable"]
    assert [*map(list, (diagnosis.failed, diagnosis.edited, diagnosis.unapplied, diagnosis.unknown))] == [
        told[name] for name in ("failed", "edited", "unapplied", "unknown")
    ]


def test_what_a_database_lacks_is_told_in_words(node: str) -> None:
    request, _ = exchanges("compare")[0]
    with Judge(node=node, engine=LINES / "compare.jsonl", login=login_of(request)) as judge:
        assert judge.compare(Path(request["params"]["datamodel"])) == ("column LiteLLM_TeamTable.blocked",)


@pytest.mark.parametrize(("request_", "answer"), exchanges("parse"))
def test_statements_are_read_with_their_places(node: str, request_: dict[str, Any], answer: dict[str, Any]) -> None:
    script = request_["params"]["sql"]
    with Judge(node=node, engine=LINES / "parse.jsonl", login=NOBODY) as judge:
        if "error" in answer:
            with pytest.raises(JudgeError, match="syntax error"):
                judge.parse(script)
            return
        statements = judge.parse(script)
    assert [one.kind for one in statements] == [one["kind"] for one in answer["result"]["statements"]]
    assert all(one.text == script[one.start : one.end] for one in statements)


def test_a_judge_that_ended_cannot_answer() -> None:
    with Judge(node="/bin/true", engine=Path("/dev/null"), login=NOBODY) as judge:
        for _ in range(2):
            with pytest.raises(JudgeError, match="ended before it answered"):
                judge.parse("SELECT 1")


def test_the_password_is_in_no_argument_and_no_environment(tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/told\nenv >> {tmp_path}/told\n')
    program.chmod(0o755)
    with Judge(node=str(program), engine=Path("main.js"), login=NOBODY) as judge, pytest.raises(JudgeError):
        judge.diagnose({})
    told = (tmp_path / "told").read_text()
    assert told.startswith("--liftoff-only main.js\n")
    assert NOBODY.password.reveal() not in told
