"""The reference of the two kinds against the CRDs that it is made of."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from tools.docs import fields

CRDS: Final = sorted((Path(__file__).resolve().parents[3] / "crds").glob("litellmdb.dev_*.yaml"))
each_crd: Final = pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)


def paths(schema: dict[str, Any], at: str) -> Iterator[str]:
    """Yield the path of every named field, by another walk than the page's."""
    for name, inner in schema.get("properties", {}).items():
        here = f"{at}.{name}" if at else name
        yield here
        while marks := {"items", "additionalProperties"} & inner.keys():
            (mark,) = marks
            here, inner = here + {"items": "[]", "additionalProperties": "{}"}[mark], inner[mark]  # noqa: PLW2901
        yield from paths(inner, here)


def messages(node: Any) -> Iterator[str]:
    """Yield the message of every rule, wherever it stands."""
    if isinstance(node, dict):
        inside = cast("dict[str, Any]", node)
        yield from (rule["message"] for rule in inside.get("x-kubernetes-validations", ()))
        node = list(inside.values())
    if isinstance(node, list):
        for inner in cast("list[Any]", node):
            yield from messages(inner)


def root_of(crd: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a whole resource."""
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


@each_crd
def test_every_field_has_one_heading(path: Path) -> None:
    crd = yaml.safe_load(path.read_text())
    headings = Counter(re.findall(r"^#+ `(.+)`$", fields.page(crd), re.MULTILINE))
    expected = [field for field in paths(root_of(crd), "") if field.split(".")[0] in {"spec", "status"}]
    assert len(expected) > 40
    assert headings == Counter(expected)


@each_crd
def test_every_rule_is_told_where_it_stands(path: Path) -> None:
    crd = yaml.safe_load(path.read_text())
    told = Counter(message for field in fields.fields_of(crd) for message in field.rules)
    of_the_resource = Counter(rule["message"] for rule in root_of(crd)["x-kubernetes-validations"])
    assert told + of_the_resource == Counter(messages(root_of(crd)))


@each_crd
def test_every_example_is_yaml_of_its_field(path: Path) -> None:
    page = fields.page(yaml.safe_load(path.read_text()))
    examples = re.findall(r"^#+ `(\S+)`\n((?:(?!\n#).)*?)```yaml\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    assert len(examples) > 10
    for field, _, example in examples:
        assert list(yaml.safe_load(example)) == [field.rpartition(".")[2]]


def test_a_rule_stands_at_the_field_that_it_points_at() -> None:
    crd = yaml.safe_load(next(path for path in CRDS if "databases" in path.name).read_text())
    rules = {field.path: field.rules for field in fields.fields_of(crd)}
    assert "spec.schema is immutable" in rules["spec.schema"][0]
    assert not any("immutable" in rule for rule in rules["spec"])


@pytest.mark.parametrize(
    ("schema", "required", "expected"),
    [
        pytest.param(
            {"type": "string", "minLength": 1, "maxLength": 53}, True, "*string*, required, 1 to 53 characters", id="a"
        ),
        pytest.param(
            {"type": "integer", "minimum": 0, "default": 0}, False, "*integer*, at least 0, default `0`", id="b"
        ),
        pytest.param(
            {"type": "array", "maxItems": 8, "items": {"type": "string", "maxLength": 9}},
            False,
            "*list*, at most 8 items, each string, at most 9 characters",
            id="c",
        ),
        pytest.param({"type": "object", "default": {}}, False, "*object*", id="a default that says nothing"),
        pytest.param(
            {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}},
            False,
            "*map*, each integer or string",
            id="d",
        ),
        pytest.param(
            {"type": "string", "enum": ["A", "B"], "pattern": "^.$"},
            False,
            "*string*, one of `A`, `B`, matches `^.$`",
            id="e",
        ),
    ],
)
def test_facts(schema: fields.Schema, *, required: bool, expected: str) -> None:
    assert fields.facts(fields.Field(path="spec.x", schema=schema, required=required, rules=())) == expected


def test_text_is_no_markdown() -> None:
    crd = yaml.safe_load(CRDS[0].read_text())
    root_of(crd)["description"] = "cut with '_' and <name>: *all* of it\n\nExample: spec: {a_b: 1}\n\nMore."
    page = fields.page(crd)
    assert "cut with '\\_' and &lt;name>: \\*all\\* of it\n\n```yaml\nspec: {a_b: 1}\n```\n\nMore.\n" in page
