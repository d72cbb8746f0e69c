"""The fake that the operator is tried on passes the contract of the real API server."""

from __future__ import annotations

import pytest

from tests.support.fake_api import FakeApi
from tests.support.kube_contract import *  # noqa: F403 - its tests and fixtures are what this module is for


@pytest.fixture
def namespace() -> str:
    """Give a namespace's name."""
    return "team-a"


@pytest.fixture
def api(namespace: str) -> FakeApi:
    """Give an API server in memory, with that namespace."""
    made = FakeApi()
    made.put({"kind": "Namespace", "metadata": {"name": namespace}})
    return made
