"""crds/ against the code that reads the resources, and against what each field owes its reader and the API server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from litellm_database_operator.model import names, report, templates
from litellm_database_operator.model.bundle import Digest
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.reserved import (
    MAX_KEY_PREFIX,
    METADATA_KEY,
    RESERVED_KEYS,
    RESERVED_METADATA,
    SECRET_KEY,
    Reserved,
)
from litellm_database_operator.model.resource import (
    LabelSelector,
    LiteLLMDatabaseSpec,
    PostgresServerSpec,
    PublishedSecret,
)

Schema = dict[str, Any]

CRDS: Final = Path(__file__).resolve().parents[2] / "crds"
DATABASES: Final = f"{names.GROUP}_{names.DATABASE_PLURAL}"
SERVERS: Final = f"{names.GROUP}_{names.SERVER_PLURAL}"
BOTH: Final = pytest.mark.parametrize("crd", [DATABASES, SERVERS])


def load(crd: str) -> Schema:
    """Read a CRD."""
    return yaml.safe_load((CRDS / f"{crd}.yaml").read_text())


def version_of(crd: str) -> Schema:
    """Return a CRD's only version."""
    (version,) = load(crd)["spec"]["versions"]
    return version


def walk(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every schema inside a schema; `[]` and `{}` stand for what is in lists and maps."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from walk(schema["additionalProperties"], f"{path}{{}}")


def fields_of(crd: str) -> dict[str, Schema]:
    """Return every field of ours by its path; metadata is Kubernetes'."""
    root = version_of(crd)["schema"]["openAPIV3Schema"]
    return {path: schema for path, schema in walk(root) if path != ".metadata"}


# What kubectl explain tells


@BOTH
def test_every_field_is_described(crd: str) -> None:
    named = {path: schema for path, schema in fields_of(crd).items() if not path.endswith(("[]", "{}"))}
    assert [path for path, schema in named.items() if not schema.get("description")] == []


@BOTH
def test_a_description_says_the_default(crd: str) -> None:
    def word(default: object) -> str:
        return str(default).lower() if isinstance(default, bool) else str(default)

    defaults = {path: schema for path, schema in fields_of(crd).items() if schema.get("default", {}) != {}}
    del defaults[".status"]
    assert defaults
    silent = [
        path for path, schema in defaults.items() if f"Default: {word(schema['default'])}" not in schema["description"]
    ]
    assert silent == []


# What the API server may be sent


def is_bounded(schema: Schema) -> bool:
    """Tell whether what fits a schema has a bounded size."""
    if "additionalProperties" in schema:
        return "maxProperties" in schema
    if schema.get("x-kubernetes-int-or-string"):
        return "maxLength" in schema
    bound = {"string": "maxLength", "array": "maxItems", "integer": "minimum", "number": "minimum"}
    return bound.get(schema["type"], "type") in schema


@BOTH
def test_every_field_is_bounded(crd: str) -> None:
    assert [path for path, schema in fields_of(crd).items() if not is_bounded(schema)] == []


@BOTH
def test_nothing_unknown_is_kept(crd: str) -> None:
    assert "preserve-unknown-fields" not in (CRDS / f"{crd}.yaml").read_text()


@BOTH
def test_every_rule_says_what_it_wants(crd: str) -> None:
    rules = [rule for schema in fields_of(crd).values() for rule in schema.get("x-kubernetes-validations", ())]
    assert rules
    assert [rule["rule"] for rule in rules if not rule.get("message")] == []


# What the code reads


def flatten(schema: Schema, definitions: Schema) -> Schema:
    """Bring pydantic's JSON schema to the form of a CRD's: references followed, null left out."""
    if "$ref" in schema:
        found = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return flatten(found | {key: value for key, value in schema.items() if key != "$ref"}, definitions)
    if "anyOf" in schema:
        (one,) = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return flatten(one | {key: value for key, value in schema.items() if key == "default"}, definitions)
    if "const" in schema:
        return schema | {"enum": [schema["const"]]}
    if "properties" in schema:
        inner = {name: flatten(each, definitions) for name, each in schema["properties"].items()}
        return schema | {"properties": inner}
    return schema


def schema_of(model: type[BaseModel]) -> Schema:
    """Return what a model reads, as a CRD would say it."""
    schema = model.model_json_schema(by_alias=True)
    return flatten(schema, schema.get("$defs", {}))


def told(schema: Schema) -> Schema:
    """Return what both sides tell of a field; an enum bounds its length, a nested default is its fields'."""
    keys = ("type", "enum", "minLength", "maxLength", "minimum", "maximum", "maxItems", "maxProperties")
    facts = {key: schema[key] for key in keys if key in schema}
    if "enum" in facts:
        facts.pop("maxLength", None)
    default = schema.get("default")
    if default is not None and not isinstance(default, dict):
        facts["default"] = default
    return facts | {"required": sorted(schema.get("required", ()))}


def is_open(schema: Schema) -> bool:
    """Tell whether the model passes a value on as it is: only the CRD knows what is in it."""
    return schema.get("type") in ("array", "object") and "properties" not in schema


def differences(crd: Schema, code: Schema, path: str) -> Iterator[str]:
    """Yield where a CRD and a model disagree."""
    if told(crd) != told(code) and not (is_open(code) and told(crd) | {"required": []} == told(code)):
        yield f"{path}: {told(crd)} in the CRD, {told(code)} in the code"
    if is_open(code):
        return
    outside, inside = crd.get("properties", {}), code.get("properties", {})
    yield from (f"{path}.{name}: in one of both only" for name in sorted(outside.keys() ^ inside.keys()))
    for name in sorted(outside.keys() & inside.keys()):
        yield from differences(outside[name], inside[name], f"{path}.{name}")


@pytest.mark.parametrize(
    ("crd", "model"),
    [
        pytest.param(DATABASES, LiteLLMDatabaseSpec, id="database"),
        pytest.param(SERVERS, PostgresServerSpec, id="server"),
    ],
)
def test_crd_and_code_agree(crd: str, model: type[BaseModel]) -> None:
    assert list(differences(fields_of(crd)[".spec"], schema_of(model), "spec")) == []


@BOTH
def test_a_nested_default_is_left_to_its_fields(crd: str) -> None:
    nested = {
        path: schema["default"]
        for path, schema in fields_of(crd).items()
        if schema.get("type") == "object" and "default" in schema
    }
    del nested[".status"]
    assert set(map(str, nested.values())) == {"{}"}


@pytest.mark.parametrize(
    ("crd", "kind", "plural", "short"),
    [
        pytest.param(DATABASES, names.DATABASE_KIND, names.DATABASE_PLURAL, "lldb", id="database"),
        pytest.param(SERVERS, names.SERVER_KIND, names.SERVER_PLURAL, "pgs", id="server"),
    ],
)
def test_names_are_the_codes(crd: str, kind: str, plural: str, short: str) -> None:
    found = load(crd)
    spec = found["spec"]
    assert found["metadata"]["name"] == f"{plural}.{names.GROUP}"
    assert (spec["group"], version_of(crd)["name"]) == (names.GROUP, names.VERSION)
    assert (spec["names"]["kind"], spec["names"]["plural"], spec["names"]["shortNames"]) == (kind, plural, [short])


def test_rules_hold_the_codes_names_and_bounds() -> None:
    fields = fields_of(DATABASES)

    def rules(path: str) -> str:
        return " ".join(rule["rule"] for rule in fields[path]["x-kubernetes-validations"])

    assert f"<= {names.MAX_DATABASE_BYTES}" in rules(".spec.database")
    assert repr(str(names.OPERATOR_SCHEMA)) in rules(".spec.schema")
    assert repr(names.migrator_secret("")) in rules("")
    assert f"size(self) <= {253 - len(names.ca_secret(''))}" in rules(".spec.secret.name")
    assert repr(names.MANAGED_BY_LABEL) in rules(".spec.migration.podTemplate.labels")
    assert repr(names.COMPONENT_LABEL) in rules(".spec.migration.podTemplate.labels")
    assert names.GROUP.replace(".", "[.]") in rules(".spec.migration.podTemplate.labels")


def rules_of(schema: Schema) -> list[tuple[str, str]]:
    """Return each rule of a schema with its message."""
    return [(rule["rule"], rule["message"]) for rule in schema["x-kubernetes-validations"]]


@pytest.mark.parametrize(
    ("field", "groups"),
    [("labels", RESERVED_METADATA), ("annotations", RESERVED_METADATA), ("keys", RESERVED_KEYS)],
)
def test_what_the_secret_may_not_hold_is_written_once(field: str, groups: tuple[Reserved, ...]) -> None:
    found = fields_of(DATABASES)[f".spec.secret.{field}"]
    (syntax, _), *refused = rules_of(found)
    assert refused == [(group.rule(), group.message) for group in groups]
    pattern, bound = (SECRET_KEY, 253) if field == "keys" else (METADATA_KEY, MAX_KEY_PREFIX)
    assert f"key.matches('{pattern}') && " in syntax
    assert syntax.endswith(f" <= {bound})")


def test_what_a_labels_key_is_is_written_once() -> None:
    found = fields_of(SERVERS)
    selector = ".spec.allowedNamespaces.selector"
    ((labels, _),) = rules_of(found[f"{selector}.matchLabels"])
    ((key, _),) = rules_of(found[f"{selector}.matchExpressions[].key"])
    assert labels == f"self.all(key, key.matches('{METADATA_KEY}') && key.indexOf('/') <= {MAX_KEY_PREFIX})"
    assert key == f"self.matches('{METADATA_KEY}') && self.indexOf('/') <= {MAX_KEY_PREFIX}"


@pytest.mark.parametrize("key", ["a..b/x", "a b", "-a", "a/", "/a"])
def test_a_selector_takes_no_key_that_no_label_has(key: str) -> None:
    with pytest.raises(ValidationError):
        LabelSelector.model_validate({"matchLabels": {key: "x"}})
    with pytest.raises(ValidationError):
        LabelSelector.model_validate({"matchExpressions": [{"key": key, "operator": "Exists"}]})


def test_what_a_template_is_is_written_once() -> None:
    field = fields_of(DATABASES)[".spec.secret.keys"]
    told = dict(rules_of(field["additionalProperties"]))
    assert told == {
        f"self.matches('{templates.WELL_FORMED}')": templates.MALFORMED,
        f"size(self.split('$(')) <= {templates.MAX_PLACEHOLDERS + 1}": templates.CROWDED,
    }
    named = {name.partition(".")[0] for name in templates.PLACEHOLDERS}
    assert [name for name in sorted(named) if name not in field["description"]] == []


@pytest.mark.parametrize("field", ["labels", "annotations", "keys"])
def test_values_of_the_secrets_maps_have_the_codes_bounds(field: str) -> None:
    code = schema_of(PublishedSecret)["properties"][field]
    (inside,) = code.get("patternProperties", {"": code.get("additionalProperties")}).values()
    outside = fields_of(DATABASES)[f".spec.secret.{field}"]["additionalProperties"]
    assert told(inside) == told(outside)
    assert inside.get("pattern") == outside.get("pattern")


# What the code writes


@BOTH
def test_a_resource_that_nobody_looked_at_is_not_done(crd: str) -> None:
    assert fields_of(crd)[".status"]["default"] == {"observedGeneration": -1}


@BOTH
def test_nothing_is_required_at_the_top_of_status(crd: str) -> None:
    # The API server refuses a CRD whose status default lacks a required field.
    assert "required" not in fields_of(crd)[".status"]


@BOTH
def test_status_is_a_subresource(crd: str) -> None:
    assert version_of(crd)["subresources"] == {"status": {}}


@BOTH
def test_every_reason_fits_a_condition(crd: str) -> None:
    assert max(map(len, Reason)) <= fields_of(crd)[".status.conditions[].reason"]["maxLength"]


@pytest.mark.parametrize(
    "field",
    [
        *(f"lastRun.{each}" for each in ("migration", "statement", "message", "blockedBy", "missing[]")),
        *(f"{plan}.{each}" for plan in ("plan", "preview.plan") for each in ("first", "loses[]", "blocks[]")),
        "next",
        "running.migration",
    ],
)
def test_what_a_report_says_fits_status(field: str) -> None:
    assert fields_of(DATABASES)[f".status.schema.{field}"]["maxLength"] >= report.MAX_TEXT


@pytest.mark.parametrize("field", ["plan.loses", "plan.blocks", "preview.plan.loses", "preview.plan.blocks"])
def test_status_has_room_for_every_line_of_a_plan(field: str) -> None:
    assert fields_of(DATABASES)[f".status.schema.{field}"]["maxItems"] >= report.MAX_LINES


def test_a_digest_fits_status() -> None:
    digest = Digest(f"sha256:{'0' * 64}")
    assert len(digest) <= fields_of(DATABASES)[".status.schema.digest"]["maxLength"]


def test_columns_name_fields_of_status() -> None:
    for crd in (DATABASES, SERVERS):
        fields = fields_of(crd)
        paths = [column["jsonPath"] for column in version_of(crd)["additionalPrinterColumns"]]
        plain = [path for path in paths if path.startswith(".status") and "?" not in path]
        assert plain
        assert [path for path in plain if path not in fields] == []
