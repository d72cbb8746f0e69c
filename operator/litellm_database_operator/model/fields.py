"""The fields of a spec by their paths, as a model of ours knows them and as a CRD serves them.

A CRD drops in silence what it does not know, so that operator and CRDs must be known to agree.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

Fields = Mapping[str, bool]
"""Path (`spec.litellm.version`) to whether all that may be inside it is known: of `affinity`, a model knows nothing."""


def model_fields(model: type[BaseModel], path: str = "spec") -> dict[str, bool]:
    """Return the fields of a model, `path` itself among them."""
    found = {path: True}
    for name, info in model.model_fields.items():
        inside = f"{path}.{_alias(name, info)}"
        found[inside] = False
        for inner in _models(info.annotation):
            found |= model_fields(inner, inside)
    return found


def schema_fields(schema: Mapping[str, Any], path: str = "spec") -> dict[str, bool]:
    """Return the fields of an OpenAPI schema, `path` itself among them; it keeps nothing else inside any of them."""
    found = {path: True}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    for name, inner in properties.items():
        found |= schema_fields(inner, f"{path}.{name}")
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, Mapping):
            found |= schema_fields(cast("Mapping[str, Any]", inner), path)
    return found


def lacking(fields: Fields, others: Fields) -> list[str]:
    """Return which of `fields` the others lack, without what is inside a field that they lack or do not look into."""
    return sorted(path for path in fields if path not in others and others.get(path.rpartition(".")[0]))


def _alias(name: str, info: FieldInfo) -> str:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias or name)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation speaks of: itself, or in a union, a list or a map."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
