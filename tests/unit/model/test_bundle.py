"""Bundles: which one is meant, and how a ledger is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_database_operator.model.bundle import (
    BundleVersion,
    Library,
    LibraryError,
    Refusal,
    Resolution,
    Why,
    ledger_fingerprint,
    read_library,
)
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


def test_what_has_gaps_is_never_the_nearest() -> None:
    gapped = replace(BUNDLE, gaps=("column t.c",))
    newest = replace(NEWER, version=BundleVersion("0.4.60"))
    library = replace(LIBRARY, bundles=(gapped, *LIBRARY.bundles[1:], newest), resolutions=(RESOLUTION,))
    assert (library.nearest_litellm("1.81.12"), library.nearest_litellm("1.82.6")) == ("1.82.0", "1.82.0")
    assert library.nearest_bundle(gapped.version) == "0.4.40"
    assert library.without_gaps((gapped.version, newest.version)) == (newest.version,)


@UNHURRIED
@given(st.sets(st.text("abc_0123", min_size=1)), st.sets(st.text("abc_0123", min_size=1)))
def test_equal_ledgers_have_equal_names(one: set[str], other: set[str]) -> None:
    assert (ledger_fingerprint(one) == ledger_fingerprint(sorted(other))) == (one == other)


RESOLUTION = Resolution(release="1.82.6", requires=">=0.4.39", bundle=BUNDLE.version)
REFUSAL = Refusal(
    release="1.109.1", requires="==0.4.113", why=Why.NOT_SERVED, nearest="1.90.3", choices=(BUNDLE.version,)
)


def write_library(folder: Path, *, migrations: tuple[str, ...] = BUNDLE.migrations, library_format: int = 2) -> None:
    index = {
        "format": library_format,
        "bundles": {BUNDLE.version: {"digest": BUNDLE.digest, "litellm": list(BUNDLE.litellm)}},
        "resolved": {"1.82.6": {"bundle": BUNDLE.version, "requires": ">=0.4.39"}},
        "refused": {
            "1.109.1": {
                "requires": "==0.4.113",
                "why": "NotServed",
                "nearest": "1.90.3",
                "choices": [BUNDLE.version],
            }
        },
    }
    facts = {
        "version": BUNDLE.version,
        "digest": BUNDLE.digest,
        "litellm": list(BUNDLE.litellm),
        "migrations": [{"name": name, "checksum": "0"} for name in reversed(migrations)],
        "views": [{"name": name} for name in BUNDLE.views],
        "gaps": ["column t.c"],
    }
    (folder / "index.json").write_text(json.dumps(index))
    (folder / f"{BUNDLE.version}.json").write_text(json.dumps(facts))


def test_a_library_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_library(tmp_path)
    bundle = replace(BUNDLE, gaps=("column t.c",))
    assert read_library(tmp_path) == Library(bundles=(bundle,), resolutions=(RESOLUTION,), refusals=(REFUSAL,))


def test_a_library_with_an_empty_bundle_is_refused_by_name(tmp_path: Path) -> None:
    write_library(tmp_path, migrations=())
    with pytest.raises(LibraryError, match=f"cannot use bundle {BUNDLE.version}: it has no migrations"):
        read_library(tmp_path)


def test_a_library_of_another_format_is_refused(tmp_path: Path) -> None:
    write_library(tmp_path, library_format=3)
    with pytest.raises(LibraryError, match="its format is not 2"):
        read_library(tmp_path)


def test_a_release_with_a_known_range_has_the_bundle_that_its_day_gave_it() -> None:
    library = replace(LIBRARY, resolutions=(RESOLUTION,))
    found = library.by_litellm("1.82.6")
    assert found == replace(BUNDLE, resolution=RESOLUTION)
    assert library.by_bundle(BUNDLE.version) == BUNDLE
    assert library.nearest_litellm("1.82.7") == "1.82.6"


def test_a_refused_release_is_known_and_has_no_bundle() -> None:
    library = replace(LIBRARY, refusals=(REFUSAL,))
    assert (library.by_litellm("1.109.1"), library.refusal("1.109.1")) == (None, REFUSAL)
    assert library.refusal("1.90.3") is None
