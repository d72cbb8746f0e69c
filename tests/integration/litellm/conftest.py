"""Databases as proxies find them: on a server that offers TLS, in LiteLLM's usual schema and in another."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from bundles.build import build_library
from bundles.lock import read_lock
from litellm_database_operator.model.names import DatabaseName, SchemaName
from tests.support.litellm_database import ProxyDatabase
from tests.support.postgres_server import PostgresServer, PostgresServers

MakeDatabase = Callable[[str, str], ProxyDatabase]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give LiteLLM's own bundles."""
    folder = tmp_path_factory.mktemp("library")
    build_library(read_lock(), folder)
    return folder


@pytest.fixture(scope="session")
def server(postgres_servers: PostgresServers) -> PostgresServer:
    """Give a server that speaks TLS to whoever asks."""
    return postgres_servers.start(16, tls="offered")


@pytest.fixture(scope="session")
def database_of(server: PostgresServer, library: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeDatabase:
    """Give what brings a database to a bundle in a schema, once for each."""
    made: dict[tuple[str, str], ProxyDatabase] = {}

    def give(bundle: str, schema: str = "public") -> ProxyDatabase:
        if (bundle, schema) not in made:
            database = ProxyDatabase(
                server=server,
                name=DatabaseName(f"t{secrets.token_hex(4)}"),
                schema=SchemaName(schema),
                library=library,
                bundle=bundle,
                folder=tmp_path_factory.mktemp("place"),
            )
            database.make()
            made[bundle, schema] = database
        return made[bundle, schema]

    return give
