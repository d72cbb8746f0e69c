"""The lock in the repository, and how it is renewed: with the package index played by a folder of answers."""

import json
import re
from pathlib import Path

import pytest

from bundles import lock
from bundles.lock import Lock, LockedBundle, Resolved, Wheel, read_lock, version_key, write_lock
from bundles.pip import Release, fetch_release

LOCK = read_lock()


@pytest.mark.parametrize("bundle", [pytest.param(bundle, id=bundle.version) for bundle in LOCK.bundles])
def test_locked_bundle_is_complete(bundle: LockedBundle) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", bundle.digest)
    assert bundle.extras_wheel.version == bundle.version
    assert bundle.litellm_wheel.version in LOCK.releases()
    assert list(bundle.litellm) == sorted(bundle.litellm, key=version_key)


def test_no_release_is_refused_with_one_that_has_gaps() -> None:
    gapped = {bundle.version: bundle.litellm for bundle in LOCK.bundles if bundle.gaps}
    releases = [release for pinning in gapped.values() for release in pinning]
    releases += [each.release for each in LOCK.resolved if each.bundle in gapped]
    assert releases
    assert not {each.nearest for each in LOCK.refused} & {*releases}


def test_lock_names_no_address() -> None:
    assert "//" not in lock.PATH.read_text()


def test_bundles_are_in_order() -> None:
    versions = [bundle.version for bundle in LOCK.bundles]
    assert versions == sorted(set(versions), key=version_key)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    write_lock(LOCK, path)
    assert path.read_bytes() == lock.PATH.read_bytes()
    assert read_lock(path) == LOCK


def test_no_release_stands_twice() -> None:
    (bundle, *_) = LOCK.bundles
    resolved = Resolved(release=bundle.litellm[0], requires=">=0.4", bundle=bundle.version)
    with pytest.raises(ValueError, match=f"{bundle.litellm[0]} would stand twice"):
        Lock(bundles=(bundle,), resolved=(resolved,))


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        pytest.param('"format": 2', '"format": 1', "format 1", id="another format"),
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
    ("requires", "asked"),
    [
        pytest.param(['litellm-proxy-extras (==0.4.39) ; extra == "proxy"'], "==0.4.39", id="in parentheses"),
        pytest.param(["litellm-proxy-extras==0.4.110 ; extra == 'proxy'"], "==0.4.110", id="without"),
        pytest.param(["litellm-proxy-extras==0.4.102.post1; extra == 'proxy'"], "==0.4.102.post1", id="a post-release"),
        pytest.param(["litellm-proxy-extras<0.5.0,>=0.4.60; extra == 'proxy'"], ">=0.4.60,<0.5.0", id="a range"),
        pytest.param(["litellm-proxy-extras (>=0.4.60, <0.5.0)"], ">=0.4.60,<0.5.0", id="a range with a space"),
        pytest.param(["httpx>=0.23"], "", id="none"),
    ],
)
def test_what_a_release_asks_for_is_read_from_the_metadata(
    requires: list[str], asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    _answer(tmp_path, "1.0", requires)
    assert fetch_release("litellm", "1.0") == Release(
        wheel=Wheel(project="litellm", version="1.0", filename="litellm-1.0.whl", sha256="0" * 64), extras=asked
    )


def _answer(cache: Path, version: str, requires: list[str]) -> None:
    path = cache / "litellm-database-operator" / "releases" / f"litellm-{version}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"filename": f"litellm-{version}.whl", "sha256": "0" * 64, "requires": requires}))
