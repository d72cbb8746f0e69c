"""docs/spec/secret.md against the code that it describes: its tables name all, and its examples make what they say."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from litellm_database_operator.model.reserved import RESERVED_KEYS, RESERVED_METADATA
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.templates import PLACEHOLDERS
from litellm_database_operator.planning.parse import parse_database
from tests.support.planning import PASSWORD, binding_of, published_keys

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs/spec/secret.md").read_text()


def named(heading: str) -> set[str]:
    """Return what stands in the first column of the table under a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def examples() -> list[LiteLLMDatabase]:
    """Return the resources on the page."""
    bodies: list[dict[str, Any]] = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    return [parse_database(body | {"metadata": body["metadata"] | {"uid": "1"}}) for body in bodies]


def test_the_table_of_keys_is_the_codes() -> None:
    assert named("Keys") == published_keys()


def test_the_table_of_placeholders_is_the_codes() -> None:
    assert named("Further keys") == {f"$({name})" for name in PLACEHOLDERS} | {"$$"}


def test_each_refused_domain_and_variable_is_on_the_page() -> None:
    words = {
        word for group in (*RESERVED_METADATA, *RESERVED_KEYS) for word in re.findall(r"\b[A-Z_]{3,}\b", group.message)
    }
    domains = {
        "litellmdb.dev",
        "argoproj.io",
        "fluxcd.io",
        "helm.sh",
        "k14s.io",
        "cattle.io",
        "kyverno.io",
        "janitor",
        "kubernetes.io",
        "k8s.io",
    }
    assert [word for word in sorted(words | domains) if f"`{word}`" not in PAGE and word not in PAGE] == []


def test_the_examples_make_what_they_say() -> None:
    dressed, keyed = examples()
    assert len(dressed.spec.secret.labels) == len(dressed.spec.secret.annotations) == 3
    published = binding_of(keyed).published()
    assert {key: published[key] for key in keyed.spec.secret.keys} == {
        "JDBC_URL": "jdbc:postgresql://db.example:5432/team-a_gateway?currentSchema=public&sslmode=require",
        "PGHOST": "db.example",
        "PGPORT": "5432",
        "PGDATABASE": "team-a_gateway",
        "PGUSER": "team-a_gateway_app_a",
        "PGPASSWORD": PASSWORD.reveal(),
        "PGSSLMODE": "require",
        ".pgpass": f"db.example:5432:team-a_gateway:team-a_gateway_app_a:{PASSWORD.reveal()}\n",
        "grafana.dsn": f"postgres://team-a_gateway_app_a:{PASSWORD.reveal()}@db.example:5432/team-a_gateway"
        "?sslmode=require",
        "conninfo": "host=db.example port=5432 dbname='team-a_gateway' user='team-a_gateway_app_a' "
        f"password='{PASSWORD.reveal()}' sslmode=require",
    }
