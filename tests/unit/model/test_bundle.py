"""Bundles: which one is meant, and how a ledger is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model.bundle import Library, ledger_fingerprint, read_library
from tests.support.planning import BUNDLE, NEWER, UNHURRIED

LIBRARY = Library(bundles=(BUNDLE, replace(NEWER, litellm=("1.82.0", "1.90.3"))))


def test_a_release_is_found_by_the_bundle_that_it_pins() -> None:
    found = LIBRARY.by_litellm("1.90.3")
    assert found is not None
    assert found.version == "0.4.40"
    assert LIBRARY.by_litellm("1.90.4") is None


def test_a_bundle_is_found_by_its_own_version() -> None:
    assert LIBRARY.by_bundle("0.4.39") == BUNDLE
    assert LIBRARY.by_bundle("0.4.3") is None


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        pytest.param("1.81.13", "1.81.12", id="the patch after"),
        pytest.param("1.82.5", "1.82.0", id="of the same minor"),
        pytest.param("1.99.0", "1.90.3", id="newer than all"),
        pytest.param("9.9.9", "1.90.3", id="of a major that is not there yet"),
        pytest.param("0.1.0", "1.81.12", id="older than all"),
        pytest.param("v1.82.0", "1.82.0", id="with a letter before it"),
        pytest.param("1.90", "1.90.3", id="without a patch"),
        pytest.param("1.82.0rc1", "1.82.0", id="a candidate"),
        pytest.param("latest", "1.81.12", id="no number at all"),
    ],
)
def test_the_nearest_release_is_named(asked: str, nearest: str) -> None:
    assert LIBRARY.nearest_litellm(asked) == nearest


@UNHURRIED
@given(st.sets(st.text("abc_0123", min_size=1)), st.sets(st.text("abc_0123", min_size=1)))
def test_equal_ledgers_have_equal_names(one: set[str], other: set[str]) -> None:
    assert (ledger_fingerprint(one) == ledger_fingerprint(sorted(other))) == (one == other)


def test_a_library_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps({BUNDLE.version: {}}))
    folder = tmp_path / BUNDLE.version
    for name in reversed(BUNDLE.migrations):
        (folder / "migrations" / name).mkdir(parents=True)
    (folder / "migrations" / "migration_lock.toml").touch()
    facts = {"version": BUNDLE.version, "digest": BUNDLE.digest, "litellm": list(BUNDLE.litellm)}
    (folder / "bundle.json").write_text(json.dumps(facts))
    (folder / "views.json").write_text(json.dumps([{"name": name} for name in BUNDLE.views]))
    assert read_library(tmp_path) == Library(bundles=(BUNDLE,))
