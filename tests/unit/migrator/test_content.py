"""What is read of a bundle's folder, and when it is not believed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from litellm_database_operator.migrator.content import ContentError, Index, View, read_content

SCRIPTS = {"20250102_b": b"SELECT 2", "20250102_B with spaces": b"SELECT 1"}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name, script in SCRIPTS.items():
        (tmp_path / "1.0/migrations" / name).mkdir(parents=True)
        (tmp_path / "1.0/migrations" / name / "migration.sql").write_bytes(script)
    checksums = [{"name": name, "checksum": hashlib.sha256(script).hexdigest()} for name, script in SCRIPTS.items()]
    files = {
        "bundle.json": {"version": "1.0", "digest": "sha256:1", "litellm": [], "migrations": checksums},
        "indexes.json": [{"name": "i", "table": "t", "definition": '("a")'}],
        "views.json": [{"name": "v", "sql": "CREATE VIEW v"}],
    }
    for name, value in files.items():
        (tmp_path / "1.0" / name).write_text(json.dumps(value))
    return tmp_path


def test_a_bundle_is_read_in_the_order_of_its_bytes(library: Path) -> None:
    content = read_content(library, "1.0", digest="sha256:1")
    assert content.names == ("20250102_B with spaces", "20250102_b")
    assert content.migrations[0].script == b"SELECT 1"
    assert content.indexes == (Index(name="i", table="t", definition='("a")'),)
    assert content.views == (View(name="v", sql="CREATE VIEW v"),)


def test_another_version_is_not_there(library: Path) -> None:
    with pytest.raises(ContentError, match=r"cannot read 2\.0/bundle\.json"):
        read_content(library, "2.0", digest="sha256:1")


def test_another_digest_is_refused(library: Path) -> None:
    with pytest.raises(ContentError, match="the Job wants sha256:2"):
        read_content(library, "1.0", digest="sha256:2")


def test_a_changed_script_is_refused(library: Path) -> None:
    (library / "1.0/migrations/20250102_b/migration.sql").write_text("DROP TABLE x")
    with pytest.raises(ContentError, match="20250102_b is not the file that was built in"):
        read_content(library, "1.0", digest="sha256:1")


def test_an_empty_bundle_is_refused(library: Path) -> None:
    facts = json.loads((library / "1.0/bundle.json").read_text())
    (library / "1.0/bundle.json").write_text(json.dumps(facts | {"migrations": []}))
    with pytest.raises(ContentError, match="no migrations"):
        read_content(library, "1.0", digest="sha256:1")
