"""docs/operations/pains.md: every pain has its entry, and every test that an entry names is there."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).resolve().parents[2]
PAGE: Final = TOP / "docs/operations/pains.md"
PAINS: Final = 23
EXCUSES: Final = ("Cannot apply: ", "Comes later: ")


def entries() -> dict[int, str]:
    """Return the text of each entry, by its number."""
    _, *parts = re.split(r"^### (\d+)\. ", PAGE.read_text(), flags=re.MULTILINE)
    return {int(number): text.partition("\n## ")[0] for number, text in zip(parts[::2], parts[1::2], strict=True)}


def named(text: str) -> list[tuple[str, str]]:
    """Return file and name of each test that a text names."""
    return re.findall(r"`((?:tests|engine)/[^`:]+)::([^`]+)`", text)


@cache
def titles_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file, without running it."""
    text = (TOP / path).read_text()
    if path.endswith(".js"):
        return frozenset(re.findall(r"^test\('([^']+)'", text, re.MULTILINE))
    nodes = ast.walk(ast.parse(text))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def test_every_pain_has_one_entry_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^### (\d+)\. ", PAGE.read_text(), re.MULTILINE)]
    assert numbers == list(range(1, PAINS + 1))


@pytest.mark.parametrize("number", range(1, PAINS + 1))
def test_an_entry_names_its_proof_or_says_why_there_is_none(number: int) -> None:
    text = entries()[number]
    assert named(text) or any(f"\n{excuse}" in text for excuse in EXCUSES)


@pytest.mark.parametrize(("path", "name"), sorted(set(named(PAGE.read_text()))))
def test_the_proof_is_there(path: str, name: str) -> None:
    assert name in titles_in(path)


def test_no_proof_is_named_in_a_form_that_is_passed_over() -> None:
    assert PAGE.read_text().count("::") == len(named(PAGE.read_text()))
