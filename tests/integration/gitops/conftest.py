"""The worlds of tests/integration/reconcile, servers that a state may stop, and the real kstatus."""

from __future__ import annotations

import pytest

from tests.integration.gitops.states import Lab
from tests.integration.reconcile.conftest import WorldMaker, logged_admin, make_world
from tests.support.kstatus import ensure_kstatus
from tests.support.postgres_server import PostgresServers

__all__ = ["logged_admin", "make_world"]


@pytest.fixture(scope="session", autouse=True)
def program(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have what says what kstatus says."""
    ensure_kstatus(tmp_path_factory.mktemp("kstatus"))


@pytest.fixture
def lab(make_world: WorldMaker, postgres_servers: PostgresServers) -> Lab:
    """Give what a state is made with."""
    return Lab(make_world=make_world, servers=postgres_servers)
