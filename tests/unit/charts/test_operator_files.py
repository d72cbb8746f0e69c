"""The files of charts/: what is generated is fresh, and values, schema and the operator's settings are one list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from litellm_database_operator.model import names
from litellm_database_operator.settings import Settings
from tools import chart_crds, chart_readme

Body = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[3]
CHART: Final = ROOT / "charts/litellm-database-operator"
VALUES: Final[Body] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: Final[Body] = json.loads((CHART / "values.schema.json").read_text())
KUBERNETES_OWN: Final = frozenset({"resources", "podSecurityContext", "containerSecurityContext", "affinity"})
"""Values that are parts of a pod as Kubernetes has them: the API server knows what may be in them."""
NOT_OF_THE_INSTALLER: Final = frozenset({"pod_name", "pod_namespace", "library", "history", "probe_port"})
"""Settings that the chart or the image gives."""


def read(path: str) -> Body:
    """Read a YAML file of the repository."""
    return yaml.safe_load((ROOT / path).read_text())


def test_the_charts_crds_are_those_of_crds() -> None:
    found = {path.name: path.read_text() for path in chart_crds.TEMPLATES.iterdir()}
    assert found == chart_crds.templates(), "run tools/chart_crds.py"


def test_a_crd_that_helm_would_read_otherwise_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot make a template"):
        chart_crds.template_of("description: an {{ action }}")


@pytest.mark.parametrize("chart", chart_readme.charts(), ids=lambda chart: chart.name)
def test_a_readme_holds_the_values(chart: Path) -> None:
    assert (chart / "README.md").read_text() == chart_readme.readme_of(chart), "run tools/chart_readme.py"


@pytest.mark.parametrize("chart", chart_readme.charts(), ids=lambda chart: chart.name)
def test_every_value_is_described(chart: Path) -> None:
    values = chart_readme.values_of((chart / "values.yaml").read_text())
    assert values
    assert [value.path for value in values if not value.description] == []


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param("# -- Text\nname: a\n", ['| `name` | `"a"` | Text |'], id="a leaf"),
        pytest.param("# -- A\n# and B\nname: 1\n", ["| `name` | `1` | A and B |"], id="a comment of two lines"),
        pytest.param("a:\n  # -- Text\n  b: x|y\n", ['| `a.b` | `"x\\|y"` | Text |'], id="inside, with a bar"),
        pytest.param("# -- Text\na:\n  b: 1\n", ['| `a` | `{"b": 1}` | Text |'], id="a whole"),
        pytest.param("# no value's\n\na:\n  b: 1\n", ["| `a.b` | `1` |  |"], id="without a comment"),
    ],
)
def test_values_become_rows(text: str, rows: list[str]) -> None:
    assert chart_readme.table(chart_readme.values_of(text)).splitlines()[2:] == rows


def test_chart_and_project_have_one_version() -> None:
    chart = read("charts/litellm-database-operator/Chart.yaml")
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{chart["version"]}"' in project
    assert chart["version"] == chart["appVersion"]


def test_the_charts_first_example_is_of_our_kinds() -> None:
    notes = read("charts/litellm-database-operator/Chart.yaml")["annotations"]
    kinds = {names.DATABASE_KIND, names.SERVER_KIND}
    assert {each["kind"] for each in yaml.safe_load(notes["artifacthub.io/crds"])} == kinds
    assert {each["kind"] for each in yaml.safe_load(notes["artifacthub.io/crdsExamples"])} == kinds


# Values and schema


def resolved(schema: Body) -> Body:
    """Follow a reference."""
    reference = schema.get("$ref")
    return schema if reference is None else SCHEMA["definitions"][reference.removeprefix("#/definitions/")]


def inner_values(values: Body) -> Iterator[tuple[str, Body]]:
    """Yield what holds values itself."""
    yield from ((name, value) for name, value in values.items() if isinstance(value, dict) and value)


def differences(values: Body, schema: Body, path: str = "") -> Iterator[str]:
    """Yield what is in one of both only, and where a typo would pass."""
    properties = schema["properties"]
    optional = {name for name in properties if path.endswith("Probe.")} | {"global"}
    yield from (f"{path}{name}" for name in sorted((values.keys() ^ properties.keys()) - optional))
    if schema.get("additionalProperties") is not False:
        yield f"{path}: takes more than it knows"
    for name, value in inner_values(values):
        if name not in KUBERNETES_OWN:
            yield from differences(value, resolved(properties[name]), f"{path}{name}.")


def test_values_and_schema_are_one_list() -> None:
    assert list(differences(VALUES, SCHEMA)) == []


# Values and settings


def test_every_setting_is_a_value() -> None:
    environment = (CHART / "templates/_pod.tpl").read_text()
    variables = [str(each.alias) for name, each in Settings.model_fields.items() if name not in NOT_OF_THE_INSTALLER]
    assert sorted(each for each in variables if f"name: {each}" not in environment) == []


@pytest.mark.parametrize(
    ("value", "setting"),
    [
        ("workers", "workers"),
        ("proofHours", "proof_hours"),
        ("logLevel", "log_level"),
        ("postgresImage", "postgres_image"),
    ],
)
def test_a_values_default_is_the_settings(value: str, setting: str) -> None:
    assert VALUES[value] == Settings.model_fields[setting].default


def test_bounds_are_the_settings() -> None:
    image = {"POD_NAMESPACE": "a", "POD_NAME": "b", "LITELLMDB_IMAGE": "c"}
    for value, alias in (("workers", "LITELLMDB_WORKERS"), ("proofHours", "LITELLMDB_PROOF_HOURS")):
        for bound in ("minimum", "maximum"):
            Settings.model_validate({**image, alias: str(SCHEMA["properties"][value][bound])})
