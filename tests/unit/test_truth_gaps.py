"""That `make truth` holds the lock's gaps to what a verdict finds missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.truth.bundle_files import BundleFiles
from tests.truth.trials import otherwise_locked
from tests.truth.verdict import Verdict


@pytest.mark.parametrize(
    ("locked", "missing", "told"),
    [
        pytest.param((), (), None, id="none"),
        pytest.param(("column t.c",), ("column t.c",), None, id="the same"),
        pytest.param(("column t.c",), (), "calls column t.c a gap, and it is there", id="one that is none"),
        pytest.param(("column t.c",), ("column t.c", "column t.d"), "has no gap column t.d", id="one too few"),
    ],
)
def test_a_lock_that_says_otherwise_is_told_of(
    locked: tuple[str, ...], missing: tuple[str, ...], told: str | None, tmp_path: Path
) -> None:
    bundle = BundleFiles(version="1", files=(), datamodel=tmp_path, indexes=(), views=(), gaps=frozenset(locked))
    verdict = Verdict(complete=not missing, told="", missing=frozenset(missing), migration=None, contradiction=None)
    assert (otherwise_locked(bundle, verdict) or "").endswith(told or "")
    assert (otherwise_locked(bundle, verdict) is None) == (told is None)
