"""The chart of one database follows the CRDs: no field that it lacks, and none that they lack."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

Body = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[3]
CHART: Final = ROOT / "charts/litellm-database"
VALUES: Final[Body] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: Final[Body] = json.loads((CHART / "values.schema.json").read_text())
SERVER_ONLY: Final = {"mode", "name"}
"""Values of `server` that are no fields of a PostgresServer."""


def spec_of(plural: str) -> Body:
    """Return the schema of a kind's spec."""
    body: Body = yaml.safe_load((ROOT / f"crds/litellmdb.dev_{plural}.yaml").read_text())
    return body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def resolved(schema: Body) -> Body:
    """Follow a reference, or the first part of an allOf."""
    if "allOf" in schema:
        return resolved(schema["allOf"][0])
    reference = schema.get("$ref")
    return SCHEMA["definitions"][reference.rpartition("/")[2]] if reference else schema


def differences(field: Body, value: Body, path: str) -> Iterator[str]:
    """Yield where a field of the CRD and the chart's value of that path differ."""
    value = resolved(value)
    if "enum" in field and set(field["enum"]) != set(value.get("enum", ())) - {""}:
        yield f"{path}: the CRD takes {field['enum']}, the chart {value.get('enum')}"
    for bound in ("minimum", "maximum"):
        if field.get(bound) != value.get(bound):
            yield f"{path}: {bound} is {field.get(bound)} in the CRD and {value.get(bound)} in the chart"
    yield from _differences_inside(field, value, path)


def _differences_inside(field: Body, value: Body, path: str) -> Iterator[str]:
    inside: Body = field.get("properties", {})
    known: Body = value.get("properties", {})
    if inside and not known:
        if value.get("additionalProperties") is False or value.get("type") != "object":
            yield f"{path}: the chart lets nothing be in it"
        return
    yield from (f"{path}.{name}: the chart lacks it" for name in inside.keys() - known.keys())
    yield from (f"{path}.{name}: the CRD lacks it" for name in known.keys() - inside.keys())
    if inside and value.get("additionalProperties") is not False:
        yield f"{path}: the chart takes any typo"
    for name in inside.keys() & known.keys():
        yield from differences(inside[name], known[name], f"{path}.{name}")
    if "items" in field:
        yield from differences(field["items"], value["items"], f"{path}[]")


@pytest.mark.parametrize(("value", "plural"), [("database", "litellmdatabases"), ("server", "postgresservers")])
def test_the_values_are_the_fields_of_the_crd(value: str, plural: str) -> None:
    schema: Body = SCHEMA["properties"][value]
    ours = SERVER_ONLY if value == "server" else set[str]()
    properties = {name: each for name, each in schema["properties"].items() if name not in ours}
    assert list(differences(spec_of(plural), schema | {"properties": properties}, value)) == []


def test_a_field_that_the_chart_does_not_know_is_found() -> None:
    newer: Body = {"properties": {"litellm": {}, "pooler": {"properties": {"host": {}}}}}
    known: Body = {"additionalProperties": False, "properties": {"litellm": {}, "poller": {}}}
    assert sorted(differences(newer, known, "database")) == [
        "database.poller: the CRD lacks it",
        "database.pooler: the chart lacks it",
    ]


def unlisted(schema: Body, values: Body, path: str) -> Iterator[str]:
    """Yield what the schema knows and values.yaml does not show, down to where its default is empty."""
    for name, each in resolved(schema).get("properties", {}).items():
        if name not in values:
            yield f"{path}{name}"
        elif isinstance(values[name], dict) and values[name]:
            yield from unlisted(each, cast("Body", values[name]), f"{path}{name}.")


def test_values_yaml_shows_every_value_that_there_is() -> None:
    of_a_parent_chart = {"global", "enabled"}
    assert set(unlisted(SCHEMA, VALUES, "")) == of_a_parent_chart


def defaults(field: Body, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the defaults of single values in a CRD."""
    for name, each in field.get("properties", {}).items():
        if "default" in each and not isinstance(each["default"], dict):
            yield f"{path}.{name}", each["default"]
        yield from defaults(each, f"{path}.{name}")


def at(values: Body, path: str) -> Any:
    """Return a value by its path; None below one that is empty."""
    found: Any = values
    for name in path.split("."):
        found = cast("Body", found).get(name) if isinstance(found, dict) else None
    return found


@pytest.mark.parametrize(("value", "plural"), [("database", "litellmdatabases"), ("server", "postgresservers")])
def test_the_defaults_are_those_of_the_crd(value: str, plural: str) -> None:
    ours = {path: at(VALUES, path) for path, _ in defaults(spec_of(plural), value)}
    left_to_it = {path for path, found in ours.items() if found is None}
    assert left_to_it == {path for path in ours if "SecretRef." in path}
    expected = {path: default for path, default in defaults(spec_of(plural), value) if path not in left_to_it}
    assert {path: found for path, found in ours.items() if found is not None} == expected
