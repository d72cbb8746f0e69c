"""What is read of a bundle's folder, and when it is not believed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from litellm_database_operator.migrator.content import ContentError, Index, View, read_content

SCRIPTS = {"20250102_b": b"SELECT 2", "20250102_B with spaces": b"SELECT 1"}


def checksum(script: bytes) -> str:
    return hashlib.sha256(script).hexdigest()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    objects = tmp_path / "objects"
    objects.mkdir()
    for script in SCRIPTS.values():
        (objects / checksum(script)).write_bytes(script)
    facts = {
        "version": "1.0",
        "digest": "sha256:1",
        "litellm": [],
        "schema": "5c",
        "migrations": [{"name": name, "checksum": checksum(script)} for name, script in SCRIPTS.items()],
        "indexes": [{"name": "i", "table": "t", "definition": '("a")'}],
        "views": [{"name": "v", "sql": "CREATE VIEW v"}],
    }
    (tmp_path / "1.0.json").write_text(json.dumps(facts))
    return tmp_path


def test_a_bundle_is_read_in_the_order_of_its_bytes(library: Path) -> None:
    content = read_content(library, "1.0", digest="sha256:1")
    assert content.names == ("20250102_B with spaces", "20250102_b")
    assert content.migrations[0].script == b"SELECT 1"
    assert content.indexes == (Index(name="i", table="t", definition='("a")'),)
    assert content.views == (View(name="v", sql="CREATE VIEW v"),)


def test_the_judge_reads_scripts_and_schema_where_they_lie(library: Path) -> None:
    content = read_content(library, "1.0", digest="sha256:1")
    assert {name: path.read_bytes() for name, path in content.script_paths.items()} == SCRIPTS
    assert list(content.script_paths) == list(content.names)
    assert content.datamodel == library / "objects/5c"


def test_a_script_of_any_bundle_is_read_by_its_checksum_and_nothing_else_is(library: Path) -> None:
    content = read_content(library, "1.0", digest="sha256:1")
    (library / "objects" / checksum(b"old")).write_bytes(b"old")
    assert content.script(checksum(b"old")) == b"old"
    for chosen in (checksum(b"none"), "", "../1.0.json", checksum(b"old").upper(), f"{checksum(b'old')}\n"):
        assert content.script(chosen) is None


def test_another_version_is_not_there(library: Path) -> None:
    with pytest.raises(ContentError, match=r"cannot read 2\.0\.json"):
        read_content(library, "2.0", digest="sha256:1")


def test_another_digest_is_refused(library: Path) -> None:
    with pytest.raises(ContentError, match="the Job wants sha256:2"):
        read_content(library, "1.0", digest="sha256:2")


def test_a_changed_script_is_refused(library: Path) -> None:
    (library / "objects" / checksum(SCRIPTS["20250102_b"])).write_text("DROP TABLE x")
    with pytest.raises(ContentError, match="20250102_b: it is not the file that was built in"):
        read_content(library, "1.0", digest="sha256:1")


def test_a_script_that_is_gone_is_told(library: Path) -> None:
    (library / "objects" / checksum(SCRIPTS["20250102_b"])).unlink()
    with pytest.raises(ContentError, match=f"cannot read {checksum(SCRIPTS['20250102_b'])}"):
        read_content(library, "1.0", digest="sha256:1")


def test_an_empty_bundle_is_refused(library: Path) -> None:
    facts = json.loads((library / "1.0.json").read_text())
    (library / "1.0.json").write_text(json.dumps(facts | {"migrations": []}))
    with pytest.raises(ContentError, match="no migrations"):
        read_content(library, "1.0", digest="sha256:1")
