"""What error codes mean: the table, its page in docs/, and the code that knows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.remedies import REMEDIES, remedy_of

TOP: Final = Path(__file__).resolve().parents[3]
ENTRY: Final = re.compile(r"^### (\w{5})\n`([^`]+)`, reason `(\w+)`\. (.+)\n\n(.+)$", re.MULTILINE)
SQLSTATE: Final = re.compile(r"(?=.*\d)[0-9A-Z]{5}|P\d{4}")
PRISMA: Final = re.compile(r"\bP[1-9]\d{3}\b")
NOT_TOLD: Final = {"P4001", "00000"}
"""Of an empty database that is introspected, and no error at all: neither reaches anybody."""


def page() -> str:
    return (TOP / "docs/operations/errors.md").read_text()


def constants(path: Path) -> Iterator[str]:
    """Give the strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    told = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told:
            yield node.value


def codes_of_the_migrator() -> set[str]:
    modules = (TOP / "operator/litellm_database_operator/migrator").rglob("*.py")
    texts = [text for module in modules for text in constants(module)]
    prisma = {code for text in texts for code in PRISMA.findall(text)}
    return prisma | {text for text in texts if SQLSTATE.fullmatch(text)}


def codes_of_the_judge() -> set[str]:
    text = "".join(path.read_text() for path in (TOP / "engine").glob("*.js"))
    return set(re.findall(r"'(P\d{4}|(?=\w*\d)[0-9A-Z]{5})'", text))


def test_the_page_has_an_entry_for_each_code_and_no_other() -> None:
    assert [entry[0] for entry in ENTRY.findall(page())] == list(REMEDIES)
    assert page().count("\n### ") == len(REMEDIES)


@pytest.mark.parametrize("entry", ENTRY.findall(page()), ids=lambda entry: entry[0])
def test_the_page_says_what_the_table_says(entry: tuple[str, str, str, str, str]) -> None:
    code, name, reason, meaning, remedy = entry
    told = REMEDIES[code]
    assert (name, meaning, remedy) == (told.name, told.meaning, told.remedy)
    assert reason in set(Reason)


@pytest.mark.parametrize("code", sorted(codes_of_the_migrator() | codes_of_the_judge() - NOT_TOLD))
def test_every_code_that_the_job_knows_has_an_entry(code: str) -> None:
    assert code in REMEDIES


def test_codes_are_found_where_they_are() -> None:
    assert {"55P03", "40P01", "25001", "P3018", "P3009"} <= codes_of_the_migrator()
    assert {"P1001", "57P01", "53300"} <= codes_of_the_judge()


@pytest.mark.parametrize("code", sorted(REMEDIES))
def test_sentences_are_sentences_and_short(code: str) -> None:
    told = REMEDIES[code]
    for text in (told.meaning, told.remedy):
        assert text.endswith(".")
        assert len(text) <= 220
    assert "\n" not in told.meaning + told.remedy


@pytest.mark.parametrize(
    ("prisma_code", "sqlstate", "telling"),
    [
        pytest.param("P3018", "53100", "53100", id="what PostgreSQL refused a statement for"),
        pytest.param("P3018", "99999", "P3018", id="a SQLSTATE that nobody knows"),
        pytest.param("P3018", None, "P3018", id="Prisma's code alone"),
        pytest.param(None, "55P03", "55P03", id="a SQLSTATE alone"),
        pytest.param("P1001", "57P03", "57P03", id="why the server does not answer"),
        pytest.param("P1010", "42501", "P1010", id="a login that may not enter"),
        pytest.param("P3009", "22012", "P3009", id="why nothing is applied, before what once failed"),
        pytest.param("P9999", "53100", "53100", id="a code of Prisma that nobody knows"),
    ],
)
def test_the_more_telling_code_decides(prisma_code: str | None, sqlstate: str | None, telling: str) -> None:
    assert remedy_of(prisma_code, sqlstate) == REMEDIES[telling]


@pytest.mark.parametrize(("prisma_code", "sqlstate"), [(None, None), ("P9999", None), (None, "99999"), ("", "")])
def test_what_nobody_knows_has_no_remedy(prisma_code: str | None, sqlstate: str | None) -> None:
    assert remedy_of(prisma_code, sqlstate) is None
