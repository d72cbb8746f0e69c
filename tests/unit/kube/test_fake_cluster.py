"""The fake passes the contract of the real API server."""

from __future__ import annotations

import pytest

from tests.support.fake_cluster import FakeApi
from tests.unit.kube.contract import *  # noqa: F403 - its tests and fixtures are what this module is for


@pytest.fixture
def api() -> FakeApi:
    """Give an API server in memory."""
    return FakeApi()


@pytest.fixture
def namespace() -> str:
    """Give a namespace."""
    return "team-a"
