"""Places to migrate, and the library that is built from the lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bundles.build import build_library
from bundles.lock import read_lock
from tests.integration.migrator.place import Place
from tests.support.postgres_server import PostgresServer

PlaceMaker = Callable[..., Place]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give LiteLLM's own bundles."""
    folder = tmp_path_factory.mktemp("library")
    build_library(read_lock(), folder)
    return folder


@pytest.fixture
def place_on(unique_name: str, tmp_path: Path) -> PlaceMaker:
    """Give what makes a place on a server."""

    def make(server: PostgresServer, *, schema: str = "public") -> Place:
        place = Place(server=server, database=unique_name, schema=schema, folder=tmp_path)
        place.prepare()
        return place

    return make


@pytest.fixture
def place(postgres: PostgresServer, place_on: PlaceMaker) -> Place:
    """Give a place on the shared server."""
    return place_on(postgres)
