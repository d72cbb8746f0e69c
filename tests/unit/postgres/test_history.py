"""The files of the operator's own schema."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from litellm_database_operator.postgres.history import read_history

TOP = Path(__file__).resolve().parents[3]


def test_the_repositorys_own_are_read_in_order() -> None:
    migrations = read_history(TOP).migrations
    assert [each.name for each in migrations] == sorted(each.name for each in migrations)
    first = migrations[0]
    assert (
        first.checksum == hashlib.sha256((TOP / "migrations" / first.name / "migration.sql").read_bytes()).hexdigest()
    )


def test_every_table_is_named_with_its_schema() -> None:
    for migration in read_history(TOP).migrations:
        tables = [line for line in migration.script.decode().splitlines() if "TABLE" in line]
        assert all('"litellm_operator".' in line for line in tables)


def test_only_the_pending_are_left() -> None:
    history = read_history(TOP)
    assert history.pending([]) == history.migrations
    assert history.pending([each.name for each in history.migrations]) == ()


def test_an_image_without_them_does_not_start_quietly(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_history(tmp_path)
