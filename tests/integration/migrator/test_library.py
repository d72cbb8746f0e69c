"""The library that is built from the lock: every release once, every digest as a stranger computes it, every table."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bundles.build import build_library
from bundles.lock import read_lock
from litellm_database_operator.migrator.content import read_content
from litellm_database_operator.model.bundle import read_library
from litellm_database_operator.model.schema_state import foreign_tables

LOCK = read_lock()
MODEL = re.compile(r"^model\s+(\w+)\s*\{(.*?)^\}", re.DOTALL | re.MULTILINE)
MAPPED = re.compile(r'@@map\("([^"]+)"\)')
CREATED = re.compile(r'CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"(\w+)"', re.IGNORECASE)


def facts(library: Path, name: str) -> dict[str, Any]:
    return json.loads((library / f"{name}.json").read_bytes())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_lock_and_library_name_the_same_bundles(library: Path) -> None:
    index = facts(library, "index")
    locked = {
        bundle.version: {"digest": bundle.digest, "litellm": [*bundle.litellm], "gaps": [*bundle.gaps]}
        for bundle in LOCK.bundles
    }
    assert index["bundles"] == locked
    assert list(index["bundles"]) == list(locked)
    for version, known in locked.items():
        told = facts(library, version)
        assert {key: told[key] for key in known} == known


def test_every_release_is_known_and_has_one_answer(library: Path) -> None:
    known = read_library(library)
    pinned = {release: bundle.version for bundle in LOCK.bundles for release in bundle.litellm}
    pinned |= {each.release: each.bundle for each in LOCK.resolved}
    found = {release: bundle.version for release in LOCK.releases() if (bundle := known.by_litellm(release))}
    assert found == pinned
    refused = {release for release in LOCK.releases() if known.refusal(release)}
    assert refused == {each.release for each in LOCK.refused}
    assert found.keys() | refused == set(LOCK.releases())
    assert not found.keys() & refused


def test_who_is_refused_is_shown_a_way_that_is_open(library: Path) -> None:
    known = read_library(library)
    for refusal in known.refusals:
        nearest = known.by_litellm(refusal.nearest)
        assert nearest
        assert not nearest.gaps
        assert all(known.by_bundle(choice) for choice in refusal.choices)


def test_who_asks_for_a_bundle_with_gaps_is_shown_one_without(library: Path) -> None:
    known = read_library(library)
    gapped = [bundle for bundle in known.bundles if bundle.gaps]
    assert gapped
    releases = [release for release in LOCK.releases() if known.by_litellm(release) in gapped]
    shown = [known.by_litellm(known.nearest_litellm(release)) for release in releases]
    shown += [known.by_bundle(known.nearest_bundle(bundle.version)) for bundle in gapped]
    assert all(bundle and not bundle.gaps for bundle in shown)


@pytest.mark.parametrize("version", [bundle.version for bundle in LOCK.bundles])
def test_a_digest_is_what_docs_say_how_to_compute(version: str, library: Path) -> None:
    told = facts(library, version)
    lines = {"schema.prisma": told["schema"]}
    lines |= {f"migrations/{each['name']}/migration.sql": each["checksum"] for each in told["migrations"]}
    for part in ("indexes", "views"):
        text = json.dumps(told[part], indent=2, ensure_ascii=False) + "\n"
        lines[f"{part}.json"] = sha256(text.encode())
    in_order = sorted(lines.items(), key=lambda line: line[0].encode())
    assert told["digest"] == "sha256:" + sha256("".join(f"{sha}  {path}\n" for path, sha in in_order).encode())


@pytest.mark.parametrize("version", [bundle.version for bundle in LOCK.bundles])
def test_the_migrator_can_read_every_bundle(version: str, library: Path) -> None:
    told = facts(library, version)
    content = read_content(library, version, digest=told["digest"])
    assert [*content.names] == [each["name"] for each in told["migrations"]]
    assert content.datamodel.is_file()
    assert len(content.views) == 8


def test_an_object_is_what_its_name_says_and_belongs_to_a_bundle(library: Path) -> None:
    named = {path.name: sha256(path.read_bytes()) for path in (library / "objects").iterdir()}
    assert all(name == sha for name, sha in named.items())
    told = [facts(library, bundle.version) for bundle in LOCK.bundles]
    used = {each["schema"] for each in told} | {one["checksum"] for each in told for one in each["migrations"]}
    assert named.keys() == used


def test_all_files_of_one_folder_and_nothing_else(library: Path) -> None:
    there = {path.name for path in library.iterdir()}
    assert there == {"index.json", "objects", *(f"{bundle.version}.json" for bundle in LOCK.bundles)}
    assert sum(path.stat().st_size for path in library.rglob("*") if path.is_file()) < 8 << 20


def tables(library: Path) -> Iterator[str]:
    """Give every table that a schema.prisma names or a migration makes."""
    for path in (library / "objects").iterdir():
        text = path.read_text()
        yield from CREATED.findall(text)
        for name, body in MODEL.findall(text):
            mapped = MAPPED.search(body)
            yield mapped[1] if mapped else name


def test_no_table_of_litellm_looks_like_a_strangers(library: Path) -> None:
    found = set(tables(library))
    assert len(found) > 100
    assert foreign_tables(found) == ()


def test_building_again_touches_nothing(library: Path) -> None:
    before = _written(library)
    build_library(LOCK, library)
    assert _written(library) == before


def _written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return which file each is, and when it was written; reading it touches neither."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}
