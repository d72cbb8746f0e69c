"""What becomes of each LiteLLM release, and of one with a range in place of a pin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bundles.content import View
from bundles.lock import Refused, Resolved, Wheel
from bundles.moments import fetch_got, moment_of
from bundles.releases import sort_releases
from bundles.renew import oldest_with

ASKED = {
    "1.80.0": "==0.4.5",
    "1.80.10": "==0.4.9",
    "1.80.9": "==0.4.9",
    "1.81.0": ">=0.4.9,<0.5.0",
    "1.81.1": ">=0.4.10,<0.5.0",
    "1.81.2": "==0.4.14",
    "1.82.0": "",
    "1.83.0": "==0.4.12",
}
SORTED = sort_releases(
    ASKED, ["0.4.5", "0.4.9", "0.4.10", "0.4.11", "0.4.12"], {"1.81.0": ["0.4.10"], "1.81.1": ["0.4.10", "0.4.11"]}
)


def test_bundles_are_those_that_somebody_can_be_given() -> None:
    assert SORTED.bundles() == ["0.4.5", "0.4.9", "0.4.10", "0.4.11", "0.4.12"]
    assert dict(SORTED.pinning) == {"0.4.5": ("1.80.0",), "0.4.9": ("1.80.9", "1.80.10"), "0.4.12": ("1.83.0",)}


def test_a_range_with_one_answer_is_resolved() -> None:
    assert SORTED.resolved == (Resolved(release="1.81.0", requires=">=0.4.9,<0.5.0", bundle="0.4.10"),)


def test_what_has_no_bundle_is_refused_with_the_nearest_that_has() -> None:
    assert SORTED.refused == (
        Refused(
            release="1.81.1",
            requires=">=0.4.10,<0.5.0",
            why="Range",
            nearest="1.81.0",
            choices=("0.4.10", "0.4.11"),
        ),
        Refused(release="1.81.2", requires="==0.4.14", why="NotServed", nearest="1.81.0", choices=()),
        Refused(release="1.82.0", requires="", why="NoPin", nearest="1.81.0", choices=()),
    )


def test_a_release_with_an_incomplete_bundle_is_never_the_nearest() -> None:
    (refused,) = sort_releases(
        {"1.80.0": "==0.4.5", "1.80.5": "==0.4.6", "1.80.6": "==0.4.7"}, ["0.4.5", "0.4.6"], {}, incomplete={"0.4.6"}
    ).refused
    assert refused.nearest == "1.80.0"


def test_the_nearest_of_a_release_older_than_all_is_the_oldest() -> None:
    asked = {"1.80.0": "==0.4.5", "1.80.5": "==0.4.6", "1.80.6": "==0.4.7"}
    (refused,) = sort_releases(asked, ["0.4.6", "0.4.7"], {}).refused
    assert refused.nearest == "1.80.5"


@pytest.mark.parametrize(
    ("bundle", "release"),
    [
        pytest.param("0.4.9", "1.80.9", id="the oldest that pins it"),
        pytest.param("0.4.10", "1.81.0", id="one with a range"),
        pytest.param("0.4.11", "1.81.1", id="one that leaves the choice"),
    ],
)
def test_views_are_those_of_the_oldest_release_that_brings_the_bundle(bundle: str, release: str) -> None:
    assert SORTED.bringing(bundle) == release


def test_equal_views_are_read_of_one_wheel() -> None:
    old, new = (View(name="v", sql="old"),), (View(name="v", sql="new"),)
    wheels = {bundle: _wheel(f"1.{bundle}.0") for bundle in ("8", "9", "10", "11")}
    views = {"8": old, "9": new, "10": old, "11": new}
    found = [oldest_with(views[bundle], views, wheels).version for bundle in views]
    assert found == ["1.8.0", "1.9.0", "1.8.0", "1.9.0"]


def _wheel(version: str) -> Wheel:
    return Wheel(project="litellm", version=version, filename=f"litellm-{version}.whl", sha256="0" * 64)


CAME = datetime(2026, 3, 18, 1, 18, 40, tzinfo=UTC)
"""When the release of these tests was uploaded."""
RANGE = ">=0.4.56,<0.5.0"


@dataclass(frozen=True)
class Uploads:
    """An index that knows when which bundle was uploaded."""

    bundles: Mapping[str, datetime]

    def __call__(self, requirement: str, *, before: datetime) -> str:
        """Answer as pip does."""
        if requirement == "litellm<=1.82.4":
            return "1.82.4" if before > CAME else "1.82.3"
        assert requirement == f"litellm-proxy-extras{RANGE}"
        return max(bundle for bundle, at in self.bundles.items() if before > at)


UPLOADS = Uploads({"0.4.56": CAME - timedelta(days=3), "0.4.57": CAME - timedelta(minutes=1)})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_minute_in_which_a_release_came_is_found() -> None:
    found = moment_of("1.82.4", now=CAME + timedelta(days=200, seconds=3), newest=UPLOADS)
    assert found == datetime(2026, 3, 18, 1, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later", "got"),
    [
        pytest.param(timedelta(minutes=2), ["0.4.57", "0.4.58"], id="another one minutes later"),
        pytest.param(timedelta(hours=23), ["0.4.57", "0.4.58"], id="another one on the same day"),
        pytest.param(timedelta(hours=25), ["0.4.57"], id="another one the day after"),
    ],
)
def test_what_fresh_installs_got_on_the_day_is_asked_at_both_ends(later: timedelta, got: list[str]) -> None:
    index = Uploads({**UPLOADS.bundles, "0.4.58": CAME + later})
    assert fetch_got("1.82.4", RANGE, now=CAME + timedelta(days=9), newest=index) == got


@pytest.mark.parametrize(
    ("age", "asked_again"),
    [
        pytest.param(timedelta(hours=23), True, id="the day is not over"),
        pytest.param(timedelta(hours=25), False, id="the day is over"),
    ],
)
def test_an_answer_that_cannot_change_is_kept(age: timedelta, asked_again: bool, cache: Path) -> None:  # noqa: FBT001
    now = CAME + age
    assert fetch_got("1.82.4", RANGE, now=now, newest=UPLOADS) == ["0.4.57"]
    assert any(cache.rglob("*.json")) is not asked_again
    again = fetch_got("1.82.4", RANGE, now=now, newest=Uploads({"0.4.55": CAME - timedelta(days=9)}))
    assert again == (["0.4.55"] if asked_again else ["0.4.57"])
