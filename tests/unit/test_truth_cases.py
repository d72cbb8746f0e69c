"""What `make truth` tries is chosen by rule."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.postgres_server import MAJORS
from tests.truth.bundle_files import BundleFiles, File
from tests.truth.cases import FromEmpty, Kill, Tamper, Upgrade, everything, part, spread


@pytest.fixture
def bundles(tmp_path: Path) -> list[BundleFiles]:
    """Give 50 bundles, each with a file more than the one before; every tenth file runs outside of a transaction."""
    paths = [tmp_path / f"{number:03}.sql" for number in range(60)]
    for number, path in enumerate(paths):
        path.write_text("CREATE INDEX CONCURRENTLY a ON b (c)" if number % 10 == 5 else "-- not CONCURRENTLY\nSELECT 1")
    files = [File(name=path.name, path=path, checksum="") for path in paths]
    return [
        BundleFiles(
            version=f"0.4.{number}", files=tuple(files[: number + 11]), datamodel=tmp_path, indexes=(), views=()
        )
        for number in range(50)
    ]


def test_every_bundle_is_tried_from_empty_and_the_newest_on_every_major(bundles: list[BundleFiles]) -> None:
    tried = [case for case in everything(bundles) if isinstance(case, FromEmpty)]
    assert {case.version for case in tried} == {bundle.version for bundle in bundles}
    assert {case.server for case in tried if case.version == "0.4.49"} == set(MAJORS)
    assert min(Counter(case.server for case in tried).values()) >= len(bundles) // len(MAJORS)


def test_thirty_pairs_are_spread_over_the_library(bundles: list[BundleFiles]) -> None:
    order = [bundle.version for bundle in bundles]
    pairs = [
        (order.index(case.old), order.index(case.new)) for case in everything(bundles) if isinstance(case, Upgrade)
    ]
    assert len(set(pairs)) == len(pairs) == 30
    assert all(old < new for old, new in pairs)
    assert len([None for old, new in pairs if new == old + 1]) >= 10
    assert len([None for _, new in pairs if new == 49]) >= 10
    assert {old for old, _ in pairs} >= {0, 48}
    assert {old // 10 for old, _ in pairs} == set(range(5))


def test_an_upgrade_begins_where_its_older_bundle_was_tried(bundles: list[BundleFiles]) -> None:
    cases = everything(bundles)
    tried = {(case.server, case.version) for case in cases if isinstance(case, FromEmpty)}
    assert {(case.server, case.old) for case in cases if isinstance(case, Upgrade)} <= tried
    assert {(case.server, case.version) for case in cases if isinstance(case, Tamper)} <= tried


def test_twenty_files_are_killed_at_twice_and_some_run_outside_of_a_transaction(bundles: list[BundleFiles]) -> None:
    kills = [case for case in everything(bundles) if isinstance(case, Kill)]
    assert Counter(case.committed for case in kills) == {False: 20, True: 20}
    assert {case.version for case in kills} == {"0.4.49"}
    alone = {case.migration for case in kills} & {file.name for file in bundles[-1].files if file.runs_alone}
    assert len(alone) == 5


def test_no_case_has_its_name_twice_on_a_server(bundles: list[BundleFiles]) -> None:
    for cases in (everything(bundles), part(bundles)):
        names = [(case.server, case.name) for case in cases]
        assert len(set(names)) == len(names)


def test_a_library_of_two_has_one_pair(bundles: list[BundleFiles]) -> None:
    pairs = [case.name for case in everything(bundles[:2]) if isinstance(case, Upgrade)]
    assert pairs == ["0.4.0 to 0.4.1"]


def test_the_part_has_every_kind_on_every_major(bundles: list[BundleFiles]) -> None:
    cases = part(bundles)
    assert {type(case) for case in cases} == {FromEmpty, Upgrade, Tamper, Kill}
    assert {case.server for case in cases} == set(MAJORS)
    assert len(cases) < 60


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(0, []), (1, [9]), (2, [0, 9]), (3, [0, 4, 9]), (10, list(range(10))), (99, list(range(10)))],
)
def test_spread_takes_the_ends_first(count: int, chosen: list[int]) -> None:
    assert spread(range(10), count) == chosen
