"""LiteLLM's own code of a release, on a database that this product made of the bundle that the release asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from litellm_database_operator.model.names import CA_MOUNT_PATH
from tests.bench.proxy_sql import fill
from tests.integration.litellm.conftest import MakeDatabase
from tests.support.litellm_charts import Variables, environment, litellm, litellm_helm, read_values
from tests.support.litellm_client import use_client
from tests.support.litellm_database import NEW, OLD, ProxyDatabase, secrets_of
from tests.support.litellm_release import Release, asked_of_prisma

SCHEMA: Final = "team llm"
BUNDLES: Final = {"1.81.12": OLD, "1.108.0": NEW}
CHARTS: Final = {
    "1.81.12": litellm_helm(read_values("litellm-helm"), version=(0, 4, 7)).proxies["proxy"],
    "1.108.0": litellm(read_values("litellm")).proxies["backend"],
}
HEALTHY: Final = {"1.81.12": "connected", "1.108.0": "healthy"}
"""What /health/readiness calls its status: the older one puts the database's in its place."""
REPORTS: Final = {
    "global_spend_logs": 1,
    "global_spend": 1,
    "global_spend_keys": 5,
    "global_spend_per_team": 50,
    "global_spend_models": 5,
    "global_view_all_end_users": 100,
    "global_get_all_tag_names": 1,
}
"""Rows that each report finds of what proxy_sql.fill wrote."""


@pytest.fixture(scope="module", params=[pytest.param("1.81.12", marks=pytest.mark.litellm), "1.108.0"])
def release(request: pytest.FixtureRequest) -> Release:
    """Give each release, installed."""
    found = Release(version=request.param)
    found.install()
    return found


@pytest.fixture(scope="module")
def database(release: Release, database_of: MakeDatabase) -> ProxyDatabase:
    """Give a database of the release's bundle, with rows in it."""
    made = database_of(BUNDLES[release.version], SCHEMA)
    with psycopg.connect(made.binding().libpq_url()) as session:
        fill(session, logs=100)
    return made


@pytest.fixture
def variables(release: Release, database: ProxyDatabase) -> Variables:
    """Give the environment that a chart of its time makes of what is published."""
    return environment(CHARTS[release.version], secrets_of(database.binding()))


def _url_of(answer: str, variables: Variables) -> str:
    return answer.replace("PASSWORD", variables["DATABASE_PASSWORD"])


def test_it_finds_its_views_and_rows_and_migrates_nothing(
    release: Release, database: ProxyDatabase, variables: Variables, tmp_path: Path
) -> None:
    """One process for all, since importing the proxy takes longest."""
    found: dict[str, Any] = release.ask(
        "views", "readiness", "reports", "migrator", environment=variables, folder=tmp_path
    )
    assert found["views"] == [], "it wanted to make views"
    assert found["readiness"] == [200, HEALTHY[release.version], "connected", [{"?column?": 1}]]
    assert found["reports"] == REPORTS
    assert set(asked_of_prisma(tmp_path)) - {""} == {"migrate diff"}, "which changes nothing"
    rewritten = _url_of(found["migrator"], variables)
    assert rewritten.startswith(variables["DATABASE_URL"].partition("?")[0])
    assert use_client(database.client(), {"DATABASE_URL": rewritten}).get("schema") == SCHEMA


@pytest.mark.litellm
def test_without_the_published_word_it_would_migrate(release: Release, variables: Variables, tmp_path: Path) -> None:
    release.start_its_migrator(Variables(variables, DISABLE_SCHEMA_UPDATE="false"), tmp_path)
    assert asked_of_prisma(tmp_path)[-1] == "migrate deploy"


@pytest.mark.litellm
def test_it_takes_the_published_url_over_one_made_of_parts(
    release: Release, database: ProxyDatabase, variables: Variables, tmp_path: Path
) -> None:
    """The parts would lose the port, and in the older one the schema's encoding."""
    alone = Variables((name, text) for name, text in variables.items() if name != "DATABASE_URL")
    made = release.ask("url from parts", environment=alone, folder=tmp_path)["url from parts"]
    assert f"@{database.server.host}/{database.name}?schema=" in made
    if release.version == "1.108.0":  # which has code of its own for the components of the newer chart
        kept = release.ask("url", environment=variables, folder=tmp_path)["url"]
        assert use_client(database.client(), {"DATABASE_URL": _url_of(kept, variables)}).get("schema") == SCHEMA
        strict = environment(CHARTS[release.version], secrets_of(database.binding(tls="verify-full")))
        strict["DATABASE_HOST_READ_REPLICA"] = "replica.example.com"
        told = release.ask("pooler", "replica", environment=strict, folder=tmp_path)
        assert {"server_tls_sslmode = verify-full", CA_MOUNT_PATH} <= set(told["pooler"])
        trusted = parse_qs(urlsplit(str(told["replica"])).query)
        assert (trusted["sslaccept"], trusted["sslcert"]) == (["strict"], [CA_MOUNT_PATH])
