"""The fields of a custom resource as a page, out of its CRD: docs/reference/ is never written by hand.

hook.py calls `page` when the site is built. `fields_of` yields each field once, in the order of the CRD.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Schema = dict[str, Any]

_EXAMPLE: Final = re.compile(r"\s*\bExample: (.+)")
_TOP: Final = 2  # the level of a heading for spec and status
_LOWEST: Final = 4  # below it a heading would be no larger than its text
_BOUNDS: Final = (
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "items"),
    ("minProperties", "maxProperties", "keys"),
    ("minimum", "maximum", ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field that a resource may have."""

    path: str
    """`spec.litellm.version`; `[]` and `{}` stand for each item of a list and each value of a map."""
    schema: Schema
    required: bool
    rules: tuple[str, ...]
    """What the API server answers where a rule is broken."""


def fields_of(crd: Schema) -> list[Field]:
    """Return every field below spec and status of a CRD's only version. ValueError where it has another number."""
    root = _root(crd)
    ours = {name: root["properties"][name] for name in ("spec", "status")}
    return list(_inside({**root, "properties": ours}, "", ()))


def _root(crd: Schema) -> Schema:
    (version,) = crd["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]


def _inside(schema: Schema, prefix: str, pointed: tuple[tuple[str, str], ...]) -> Iterator[Field]:
    """Yield the fields in a schema; `pointed` are rules written above, each with the path that it points at."""
    for name, inner in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        within = [(f"{path}{at}", message) for at, message in _rules(inner)]
        yield Field(
            path=path,
            schema=inner,
            required=name in schema.get("required", ()),
            rules=tuple(message for at, message in (*pointed, *within) if at == path),
        )
        yield from _inside(*_entered(inner, path), (*pointed, *within))


def _entered(schema: Schema, path: str) -> tuple[Schema, str]:
    """Return where a field's own fields are: in it, in its items, or in its values."""
    if each := _each(schema):
        return _entered(each, f"{path}{'[]' if 'items' in schema else '{}'}")
    return schema, f"{path}."


def _each(schema: Schema) -> Schema | None:
    return schema.get("items") or schema.get("additionalProperties")


def _rules(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield a schema's rules, and those of its items or values: where each points at, nothing being the schema."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield rule.get("fieldPath", ""), rule["message"]
    if each := _each(schema):
        yield from (("", message) for _, message in _rules(each))


def page(crd: Schema) -> str:
    """Return the page of a CRD: what the kind is, then each field under a heading of its own."""
    names = crd["spec"]["names"]
    root = _root(crd)
    rules = "".join(f"- {_plain(message)}\n" for _, message in _rules(root))
    return (
        f"# {names['kind']}\n\n"
        f"Of `{crd['spec']['group']}/{crd['spec']['versions'][0]['name']}`, in short `{names['shortNames'][0]}`. "
        f"`kubectl explain {names['shortNames'][0]}.spec` says the same.\n\n"
        f"{_description(root['description'], '')}\n{rules}\n{''.join(map(_entry, fields_of(crd)))}"
    )


def _entry(field: Field) -> str:
    level = min(_TOP + field.path.count("."), _LOWEST)
    rules = "".join(f"- {_plain(message)}\n" for message in field.rules)
    description = _description(field.schema.get("description", ""), field.path.rpartition(".")[2])
    return f"{'#' * level} `{field.path}`\n\n{facts(field)}\n\n{description}\n{rules}\n"


def facts(field: Field) -> str:
    """Return what the API server checks of a field, beside its rules: type, presence, default, bounds."""
    kind, *more = _facts(field.schema)
    said = [f"*{kind}*", *(["required"] if field.required else ()), *more]
    return ", ".join(said)


def _facts(schema: Schema) -> Iterator[str]:
    yield _type(schema)
    yield from _bounds(schema)
    if "enum" in schema:
        yield "one of " + ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("default", {}) != {}:
        yield f"default `{json.dumps(schema['default'])}`"
    if "pattern" in schema:
        yield f"matches `{schema['pattern']}`"
    if each := _each(schema):
        yield f"each {', '.join(_facts(each))}"


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    kind: str = schema["type"]
    return "map" if "additionalProperties" in schema else {"array": "list"}.get(kind, kind)


def _bounds(schema: Schema) -> Iterator[str]:
    for least, most, unit in _BOUNDS:
        low, high = schema.get(least), schema.get(most)
        said = _range(low, high)
        if said:
            yield f"{said} {unit}".strip()


def _range(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f"{low} to {high}"
    if high is not None:
        return f"at most {high}"
    return "" if low is None else f"at least {low}"


def _description(text: str, name: str) -> str:
    """Return a description with its example, where it has one, as YAML: the field with that value."""
    example = _EXAMPLE.search(text)
    if example is None:
        return f"{_plain(text)}\n"
    shown = f"{name}: {example[1]}" if name else example[1]
    rest = text[example.end() :]
    return f"{_plain(text[: example.start()])}\n\n```yaml\n{shown}\n```\n\n{_plain(rest)}".rstrip() + "\n"


def _plain(text: str) -> str:
    """Return text in which Markdown finds nothing to do."""
    return re.sub(r"([\\`*_\[\]])", r"\\\1", text.strip()).replace("<", "&lt;")
