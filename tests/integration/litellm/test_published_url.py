"""The published environment, as each chart hands it on, against a real server: Prisma's own client, and libpq."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from litellm_database_operator.model.names import SchemaName
from litellm_database_operator.model.secret import Binding, mint_password
from tests.integration.litellm.conftest import MakeDatabase
from tests.support.authority import Authority
from tests.support.litellm_charts import Variables, environment, litellm, litellm_helm, read_values
from tests.support.litellm_client import use_client
from tests.support.litellm_database import NEW, OLD, ProxyDatabase, at_port, mounted, secrets_of
from tests.support.postgres_server import PostgresServer

CHARTS: Final = {
    "litellm-helm": litellm_helm(read_values("litellm-helm")).proxies["proxy"],
    "litellm": litellm(read_values("litellm")).proxies["gateway"],
}
ALPHABET: Final = f"{string.ascii_letters}{string.digits}-_"
"""What secrets.token_urlsafe writes: https://docs.python.org/3/library/secrets.html#secrets.token_urlsafe"""
SCHEMAS: Final = ("public", "My LLM\\ schema%")


def _environment(chart: str, binding: Binding, ca: Path | None = None) -> Variables:
    made = environment(CHARTS[chart], secrets_of(binding))
    return mounted(made, ca) if ca else made


def _by_prisma(database: ProxyDatabase, variables: Variables) -> dict[str, Any]:
    return use_client(database.client(), {"DATABASE_URL": variables["DATABASE_URL"]})


def _by_libpq(variables: Variables) -> dict[str, Any]:
    """Do with psycopg what proxy.js does with Prisma."""
    row = (
        "INSERT INTO \"LiteLLM_BudgetTable\" (budget_id, max_budget, created_by, updated_by) VALUES (%s, 12.5, '', '')"
    )
    with psycopg.connect(variables["uri"]) as session:
        budget = [secrets.token_hex(8)]
        session.execute(row, budget)
        session.execute('UPDATE "LiteLLM_BudgetTable" SET max_budget = max_budget + 1 WHERE budget_id = %s', budget)
        found = session.execute('SELECT max_budget FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', budget).fetchone()
        session.execute('DELETE FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', budget)
        tls = session.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        where = session.execute("SELECT current_user, current_schema()").fetchone()
    assert found is not None
    assert tls is not None
    assert where is not None
    return {"max_budget": found[0], "tls": tls[0], "login": where[0], "schema": where[1]}


@pytest.fixture(params=SCHEMAS)
def database(request: pytest.FixtureRequest, database_of: MakeDatabase) -> ProxyDatabase:
    """Give a database of the older bundle in each schema."""
    return database_of(OLD, request.param)


@pytest.mark.parametrize("tls", ["disable", "require", "verify-full"])
@pytest.mark.parametrize("chart", CHARTS)
def test_a_proxy_connects_reads_and_writes(chart: str, tls: str, database: ProxyDatabase) -> None:
    binding = database.binding(tls=tls)
    variables = _environment(chart, binding, database.server.ca)
    wanted = {"login": binding.login, "schema": binding.schema, "tls": tls != "disable", "max_budget": 13.5}
    by_prisma = _by_prisma(database, variables)
    assert {name: by_prisma.get(name) for name in wanted} == wanted, by_prisma
    assert (by_prisma["left"], by_prisma["keys"], by_prisma["views"]) == (0, [], [{"n": 0}])
    assert _by_libpq(variables) == wanted


def test_the_newest_bundle_serves_its_own_client(database_of: MakeDatabase) -> None:
    database = database_of(NEW, "public")
    seen = _by_prisma(database, _environment("litellm", database.binding()))
    assert (seen.get("max_budget"), seen.get("views")) == (13.5, [{"n": 0}]), seen


def _passwords() -> Iterator[Any]:
    yield pytest.param(ALPHABET, id="every character that is ever generated")
    for first in "-_":
        yield pytest.param(first * 43, id=f"nothing but {first}")
        yield pytest.param(f"{first}{mint_password().reveal()[1:]}", id=f"{first} first")
        yield pytest.param(f"{mint_password().reveal()[1:]}{first}", id=f"{first} last")
    yield pytest.param("p@ss/w:rd?#%25 &+=$(HOST)$$'\"\\", id="what is never generated")


@pytest.mark.parametrize("password", [*_passwords()])
def test_a_password_arrives_as_it_is(password: str, database_of: MakeDatabase) -> None:
    database = database_of(OLD, "public")
    variables = _environment("litellm-helm", database.binding(password))
    assert variables["DATABASE_PASSWORD"] == password
    assert _by_prisma(database, variables).get("max_budget") == 13.5
    assert _by_libpq(variables)["max_budget"] == 13.5


def test_generated_passwords_are_of_that_alphabet() -> None:
    assert set("".join(mint_password().reveal() for _ in range(100))) == set(ALPHABET)


def test_a_ca_that_did_not_sign_the_server_is_refused(tmp_path: Path, database_of: MakeDatabase) -> None:
    database = database_of(OLD, "public")
    variables = _environment("litellm", database.binding(tls="verify-full"), Authority(tmp_path / "other").cert)
    failed = _by_prisma(database, variables)["failed"]
    assert failed["kind"] == "TlsConnectionError"
    assert "certificate" in failed["reason"]
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(variables["uri"])


@pytest.mark.parametrize("tls", ["require", "verify-full"])
def test_a_server_without_tls_is_refused(tls: str, postgres: PostgresServer, database_of: MakeDatabase) -> None:
    database = database_of(OLD, "public")
    variables = _environment("litellm-helm", at_port(database.binding(tls=tls), postgres.port), database.server.ca)
    assert "does not support SSL" in _by_prisma(database, variables)["failed"]["reason"]
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        psycopg.connect(variables["uri"])


def test_a_double_quote_in_a_schema_is_beyond_prisma(database_of: MakeDatabase) -> None:
    """Why the CRD refuses one: the query compiler writes names as they are, and 42601 is a syntax error."""
    database = database_of(OLD, "public")
    variables = _environment("litellm", replace(database.binding(), schema=SchemaName('a"b')))
    assert _by_prisma(database, variables)["failed"]["code"] == "42601"
