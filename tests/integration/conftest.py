"""What holds for every test on real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres_server import PostgresServers


@pytest.fixture(autouse=True)
def no_server_of_its_own_outlives_a_test(postgres_servers: PostgresServers) -> Iterator[None]:
    """End the servers that a test started for itself: each takes memory, and is asked for what a test left there."""
    kept = list(postgres_servers.started)
    yield
    for server in [each for each in postgres_servers.started if each not in kept]:
        if server not in postgres_servers.shared.values():
            postgres_servers.end(server)
