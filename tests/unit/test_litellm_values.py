"""manifests/litellm/ and the examples of docs/how-to/litellm-charts.md: what a proxy finds in its environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from litellm_database_operator.model.names import CA_MOUNT_PATH, DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.secret import Binding, Endpoint, Password
from tests.support.litellm_charts import (
    MASTER_KEYS,
    NEWEST,
    OLDEST,
    Body,
    Container,
    Rendered,
    documented_values,
    environment,
    litellm,
    litellm_helm,
    merge,
    read_values,
)

BINDING: Final = Binding(
    endpoint=Endpoint(host="db.example.com", port=6432, tls="verify-full"),
    database=DatabaseName("team-a_gateway"),
    schema=SchemaName("llm"),
    login=RoleName("team-a_gateway_app_a"),
    password=Password("-_09azAZ"),
)
SECRETS: Final[Mapping[str, Mapping[str, str]]] = {
    "gateway-db": BINDING.published(),
    "gateway-litellm-helm-dbcredentials": {"username": "bundled", "password": "bundled"},
} | {name: {key: "sk-1"} for name, key in MASTER_KEYS.values()}
CHARTS: Final = {
    **{
        f"litellm-helm {'.'.join(map(str, version))}": litellm_helm(read_values("litellm-helm"), version=version)
        for version in (OLDEST, (0, 4, 4), (0, 4, 6), (1, 1, 0), NEWEST)
    },
    "litellm": litellm(read_values("litellm")),
}
PROXIES: Final = [
    pytest.param(container, id=f"{chart}, {name}")
    for chart, rendered in CHARTS.items()
    for name, container in rendered.proxies.items()
]
ARRIVING: Final = (
    *("DATABASE_URL", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_SCHEMA", "DATABASE_USER"),
    *("DATABASE_USERNAME", "DATABASE_PASSWORD", "DATABASE_SSLMODE", "DISABLE_SCHEMA_UPDATE", "uri"),
)


@pytest.mark.parametrize("container", PROXIES)
def test_every_variable_arrives_as_it_was_published(container: Container) -> None:
    found = environment(container, SECRETS)
    assert {name: found[name] for name in ARRIVING} == {name: BINDING.published()[name] for name in ARRIVING}
    assert "$(" not in "".join(found.values())


@pytest.mark.parametrize("container", PROXIES)
def test_no_variable_is_written_twice(container: Container) -> None:
    assert container.duplicates() == []


@pytest.mark.parametrize("chart", [name for name in CHARTS if name != "litellm-helm 0.3.0"])
def test_the_charts_own_job_is_off(chart: str) -> None:
    assert CHARTS[chart].job is None


def test_the_oldest_chart_makes_its_job_all_the_same() -> None:
    job = CHARTS["litellm-helm 0.3.0"].job
    assert job is not None
    assert environment(job, SECRETS) == {"DISABLE_SCHEMA_UPDATE": "false"}


@pytest.mark.parametrize(
    "rendered",
    [litellm_helm(read_values("litellm-helm", "litellm-helm-tls")), litellm(read_values("litellm", "litellm-tls"))],
)
def test_the_ca_is_mounted_where_the_urls_name_it(rendered: Rendered) -> None:
    for container in rendered.proxies.values():
        (volume,) = container.volumes
        (mount,) = container.mounts
        assert volume["name"] == mount["name"]
        assert volume["secret"] == {"secretName": "gateway-db-ca"}
        assert f"{mount['mountPath']}/ca.crt" == CA_MOUNT_PATH


DOCUMENTED: Final = list(documented_values())


def test_the_page_shows_the_files_as_they_are() -> None:
    shown = {title.partition(",")[0]: values for title, values in DOCUMENTED if title.startswith("manifests/")}
    assert len(shown) == 3
    for path, values in shown.items():
        assert values == read_values(Path(path).stem)


@pytest.mark.parametrize(
    ("title", "values"), [each for each in DOCUMENTED if not each[0].startswith("manifests/")], ids=str
)
def test_another_way_on_the_page_reaches_the_database(title: str, values: dict[str, Any]) -> None:
    rendered = litellm_helm(values) if title.startswith("litellm-helm: ") else litellm(values)
    assert rendered.job is None
    for container in rendered.proxies.values():
        found = environment(container, SECRETS)
        assert container.duplicates() == []
        assert found["DISABLE_SCHEMA_UPDATE"] == "true"
        parts = ("DATABASE_HOST", "DATABASE_NAME", "DATABASE_SCHEMA", "DATABASE_PASSWORD")
        assert {name: found[name] for name in parts} == {name: BINDING.published()[name] for name in parts}
        assert found.get("DATABASE_URL", BINDING.prisma_url()) == BINDING.prisma_url()


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param({"migrationJob": {"enabled": True}}, {"DISABLE_SCHEMA_UPDATE": "true"}, id="with its Job"),
        pytest.param(
            {"db": {"deployStandalone": True}},
            {"DATABASE_HOST": "gateway-postgresql", "DATABASE_URL": BINDING.prisma_url()},
            id="with a PostgreSQL of its own: right by luck",
        ),
        pytest.param(
            {"environmentSecrets": [], "db": {"useExisting": True, "secret": {"name": "gateway-db"}}},
            {
                "DATABASE_HOST": "localhost",
                "DATABASE_URL": "postgresql://team-a_gateway_app_a:-_09azAZ@localhost/litellm",
            },
            id="useExisting alone",
        ),
        pytest.param(
            {
                "environmentSecrets": [],
                "db": {"useExisting": True, "secret": {"name": "gateway-db", "endpointKey": "endpoint"}},
            },
            {
                "DATABASE_HOST": "db.example.com:6432",
                "DATABASE_URL": "postgresql://team-a_gateway_app_a:-_09azAZ@db.example.com:6432/litellm",
            },
            id="useExisting with endpointKey: no schema, no TLS",
        ),
    ],
)
def test_what_the_page_advises_against(values: dict[str, Any], found: dict[str, str]) -> None:
    made = litellm_helm(merge(read_values("litellm-helm"), values))
    made_of = environment(made.proxies["proxy"], SECRETS)
    assert {name: made_of.get(name) for name in found} == found


def test_use_existing_alone_lets_every_pod_migrate() -> None:
    existing: Body = {"db": {"useExisting": True, "secret": {"name": "gateway-db"}}, "environmentSecrets": []}
    made = litellm_helm(merge(read_values("litellm-helm"), existing))
    assert "DISABLE_SCHEMA_UPDATE" not in environment(made.proxies["proxy"], SECRETS)


def test_a_variable_of_the_charts_own_is_written_twice_when_set_again() -> None:
    again = {"migrationJob": {"enabled": True}, "envVars": {"DISABLE_SCHEMA_UPDATE": "true"}}
    made = litellm_helm(merge(read_values("litellm-helm"), again))
    assert made.proxies["proxy"].duplicates() == ["DISABLE_SCHEMA_UPDATE"]
    assert made.job is not None
    assert made.job.duplicates() == ["DISABLE_SCHEMA_UPDATE"]
    extra = {"gateway": {"extraEnv": [{"name": "DISABLE_SCHEMA_UPDATE", "value": "true"}]}}
    assert litellm(merge(read_values("litellm"), extra)).proxies["gateway"].duplicates() == ["DISABLE_SCHEMA_UPDATE"]


def test_the_kubelet_leaves_what_it_does_not_know_and_what_is_escaped() -> None:
    container = Container(
        secrets=("gateway-db",),
        env=[
            {"name": "A", "value": "$(B) $$(DATABASE_PORT) $(DATABASE_PORT) $"},
            {"name": "B", "value": "$(A)"},
        ],
        volumes=(),
        mounts=(),
    )
    found = environment(container, SECRETS)
    assert found["A"] == "$(B) $(DATABASE_PORT) 6432 $"
    assert found["B"] == found["A"]
