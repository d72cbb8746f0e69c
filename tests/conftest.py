"""What every test may ask for: PostgreSQL servers, logins, and names of its own."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.postgres_server import (
    MAJORS,
    Login,
    PostgresServer,
    PostgresServers,
    create_managed_admin,
    drop_everything_named,
)

TESTS = Path(__file__).resolve().parent
_SHARING = {("integration", "charts"), ("integration", "kube"), ("integration", "litellm")}
"""Folders whose tests share an API server, or databases that take long to make."""


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the folder it lives in; those that share a heavy server stay in one process."""
    for item in items:
        folders = item.path.relative_to(TESTS).parts
        item.add_marker(folders[0])
        if folders[:2] in _SHARING:
            item.add_marker(pytest.mark.xdist_group("/".join(folders[:2])))


def pytest_collection_finish() -> None:
    """Let the collector leave alone what lives as long as the session: a killed operator asks for collections."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[PostgresServers]:
    """Start servers of a test's own: other settings, TLS, one to stop or to silence."""
    with closing(PostgresServers()) as servers:
        yield servers


@pytest.fixture(scope="session")
def server_of_major(postgres_servers: PostgresServers) -> Callable[[int], PostgresServer]:
    """Give the shared server of a major version, started when first asked for."""
    shared = postgres_servers.shared

    def give(major: int) -> PostgresServer:
        if major not in shared:
            shared[major] = postgres_servers.start(major)
        return shared[major]

    return give


@pytest.fixture
def postgres(server_of_major: Callable[[int], PostgresServer]) -> PostgresServer:
    """Give the shared PostgreSQL 16. Do not stop it: `postgres_servers` makes one to stop."""
    return server_of_major(16)


@pytest.fixture(params=MAJORS, ids=lambda major: f"PostgreSQL {major}")
def any_postgres(request: pytest.FixtureRequest, server_of_major: Callable[[int], PostgresServer]) -> PostgresServer:
    """Give the shared server of each major version in turn: a test with this runs three times."""
    return server_of_major(request.param)


@pytest.fixture
def unique_name(postgres_servers: PostgresServers) -> Iterator[str]:
    """Give a name that nobody else has, fit for a Kubernetes namespace.

    Databases and roles whose names begin with it are dropped after the test,
    on every server that runs, and so are databases which such a role owns.
    """
    name = f"t{secrets.token_hex(4)}"
    yield name
    for server in postgres_servers.started:
        if server.is_running():
            drop_everything_named(server, name)


@pytest.fixture
def managed_admin(postgres: PostgresServer, unique_name: str) -> Login:
    """Give an admin of `postgres` as managed services have it: CREATEROLE and CREATEDB, no superuser."""
    return create_managed_admin(postgres, f"{unique_name}_admin")


@pytest.fixture
def any_managed_admin(any_postgres: PostgresServer, unique_name: str) -> Login:
    """Give such an admin of `any_postgres`."""
    return create_managed_admin(any_postgres, f"{unique_name}_admin")
