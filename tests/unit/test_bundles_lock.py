"""The lock in the repository, and how it is renewed: with the package index played by a folder of answers."""

import json
import re
from pathlib import Path

import pytest

from bundles import lock
from bundles.lock import LockedBundle, Wheel, read_lock, version_key, write_lock
from bundles.pip import Release, fetch_release
from bundles.renew import releases_with

HEX = re.compile(r"[0-9a-f]{64}")


@pytest.mark.parametrize("bundle", [pytest.param(bundle, id=bundle.version) for bundle in read_lock()])
def test_locked_bundle_is_complete(bundle: LockedBundle) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", bundle.digest)
    assert HEX.fullmatch(bundle.extras_wheel.sha256)
    assert HEX.fullmatch(bundle.litellm_wheel.sha256)
    assert bundle.extras_wheel.version == bundle.version
    assert bundle.litellm_wheel.version == bundle.litellm[0]
    assert list(bundle.litellm) == sorted(bundle.litellm, key=version_key)


def test_no_release_stands_in_two_bundles() -> None:
    releases = [release for bundle in read_lock() for release in bundle.litellm]
    assert len(releases) == len(set(releases))


def test_lock_names_no_address() -> None:
    assert "//" not in lock.PATH.read_text()


def test_what_is_written_is_read_again_and_is_in_order(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    write_lock(tuple(reversed(read_lock())), path)
    assert path.read_bytes() == lock.PATH.read_bytes()


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        pytest.param('"format": 1', '"format": 2', "format 2", id="another format"),
        pytest.param("[0-9a-f]{64}", "abc", "64 hexadecimal digits", id="a cut hash"),
    ],
)
def test_a_lock_that_cannot_be_trusted_is_refused(pattern: str, replacement: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    path.write_text(re.sub(pattern, replacement, lock.PATH.read_text()))
    with pytest.raises(ValueError, match=message):
        read_lock(path)


def test_releases_are_ordered_by_number() -> None:
    ordered = ["0.4.9", "0.4.39", "0.4.102", "0.4.102.post1", "0.4.110"]
    shuffled = [ordered[place] for place in (4, 0, 3, 1, 2)]
    assert sorted(shuffled, key=version_key) == ordered


@pytest.mark.parametrize(
    ("requires", "pinned"),
    [
        pytest.param(['litellm-proxy-extras (==0.4.39) ; extra == "proxy"'], "0.4.39", id="in parentheses"),
        pytest.param(["litellm-proxy-extras==0.4.110 ; extra == 'proxy'"], "0.4.110", id="without"),
        pytest.param(["litellm-proxy-extras==0.4.102.post1; extra == 'proxy'"], "0.4.102.post1", id="a post-release"),
        pytest.param(["litellm-proxy-extras<0.5.0,>=0.4.60; extra == 'proxy'"], None, id="a range"),
        pytest.param(["httpx>=0.23"], None, id="none"),
    ],
)
def test_pin_is_read_from_the_metadata(
    requires: list[str], pinned: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _answer(tmp_path, "1.0", requires)
    assert fetch_release("litellm", "1.0") == Release(
        wheel=Wheel(project="litellm", version="1.0", filename="litellm-1.0.whl", sha256="0" * 64), extras=pinned
    )


def test_neighbours_with_the_same_pin_are_found_and_no_others_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # whoever is asked and not in the cache fails
    for version, pin in (("1.1", "0.8"), ("1.2", "0.9"), ("1.3", "0.9"), ("1.10", "0.9"), ("1.11", "1.0")):
        _answer(tmp_path, version, [f"litellm-proxy-extras=={pin}; extra == 'proxy'"])
    releases = ["1.0", "1.1", "1.2", "1.3", "1.10", "1.11", "1.12"]
    assert releases_with("0.9", around=3, releases=releases) == ["1.2", "1.3", "1.10"]


def _answer(cache: Path, version: str, requires: list[str]) -> None:
    path = cache / "litellm-database-operator" / "releases" / f"litellm-{version}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"filename": f"litellm-{version}.whl", "sha256": "0" * 64, "requires": requires}))
