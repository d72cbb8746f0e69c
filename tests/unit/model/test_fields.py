"""The fields that a model knows and a CRD serves, and where they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from litellm_database_operator.model.fields import lacking, model_fields, schema_fields
from litellm_database_operator.model.resource import LiteLLMDatabaseSpec, PostgresServerSpec

CRDS = Path(__file__).resolve().parents[3] / "crds"


class Inner(BaseModel):
    """Fields that have no others."""

    model_config = ConfigDict(alias_generator=to_camel)
    from_: str
    two_words: str = ""


class Outer(BaseModel):
    """Every way to have others."""

    model_config = ConfigDict(alias_generator=to_camel)
    one: Inner | None = None
    many: list[Inner] = []
    by_name: dict[str, Inner] = {}
    affinity: dict[str, Any] = {}


def properties(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


INNER = properties(from_={}, twoWords={})
OUTER = properties(one=INNER, many={"items": INNER}, byName={"additionalProperties": INNER}, affinity=properties(a={}))


def test_both_sides_name_fields_alike() -> None:
    told = {
        "spec",
        "spec.one",
        "spec.one.from_",
        "spec.one.twoWords",
        "spec.many",
        "spec.many.from_",
        "spec.many.twoWords",
        "spec.byName",
        "spec.byName.from_",
        "spec.byName.twoWords",
        "spec.affinity",
    }
    assert set(model_fields(Outer)) == told
    assert set(schema_fields(OUTER)) == {*told, "spec.affinity.a"}


def test_what_a_model_passes_on_is_not_newer() -> None:
    assert lacking(schema_fields(OUTER), model_fields(Outer)) == []
    assert lacking(model_fields(Outer), schema_fields(OUTER)) == []


@pytest.mark.parametrize(
    ("crd", "older", "newer"),
    [
        pytest.param(
            properties(one=properties(from_={}), many={"items": INNER}, byName={"additionalProperties": INNER}),
            ["spec.affinity", "spec.one.twoWords"],
            [],
            id="older",
        ),
        pytest.param(
            OUTER | {"properties": OUTER["properties"] | {"fresh": properties(a={}, b={})}},
            [],
            ["spec.fresh"],
            id="newer: the field, and not what is in it",
        ),
        pytest.param(
            properties(one={"type": "object"}, many={}, byName={}, affinity={}),
            [
                *("spec.byName.from_", "spec.byName.twoWords", "spec.many.from_", "spec.many.twoWords"),
                *("spec.one.from_", "spec.one.twoWords"),
            ],
            [],
            id="an object that had no fields",
        ),
        pytest.param(
            properties(other={}),
            ["spec.affinity", "spec.byName", "spec.many", "spec.one"],
            ["spec.other"],
            id="both",
        ),
    ],
)
def test_differences_are_named_from_the_top(crd: dict[str, Any], older: list[str], newer: list[str]) -> None:
    assert lacking(model_fields(Outer), schema_fields(crd)) == older
    assert lacking(schema_fields(crd), model_fields(Outer)) == newer


@pytest.mark.parametrize(
    ("crd", "model"),
    [("litellmdatabases", LiteLLMDatabaseSpec), ("postgresservers", PostgresServerSpec)],
)
def test_our_crds_are_neither_older_nor_newer(crd: str, model: type[BaseModel]) -> None:
    (version,) = yaml.safe_load((CRDS / f"litellmdb.dev_{crd}.yaml").read_text())["spec"]["versions"]
    served = schema_fields(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    known = model_fields(model)
    assert len(known) > 10
    assert (lacking(known, served), lacking(served, known)) == ([], [])
