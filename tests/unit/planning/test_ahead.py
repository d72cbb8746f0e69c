"""Whether an older proxy works with a newer database, as far as the history tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from litellm_database_operator.model.observed import Change, InsideFacts, Judged
from litellm_database_operator.planning.ahead import is_compatible
from tests.support.planning import BUNDLE, NEWER, NOW, inside_of

THEN = NOW - timedelta(days=7)
THIRD, FOURTH = NEWER.migrations[-1], "20250401000000_fourth"


def _change(*names: str, days: int = 1, breaks: bool = False) -> Change:
    return Change(at=THEN + timedelta(days=days), names=frozenset(names), breaks=breaks)


def _ahead(
    *changes: Change, judged: Mapping[str, Judged] | None = None, more: tuple[str, ...] = (), **others: object
) -> InsideFacts:
    """Return a database that was complete at the older bundle, and then went to the newer one."""
    found = {BUNDLE.digest: Judged(at=THEN, missing=()), NEWER.digest: Judged(at=NOW, missing=())}
    inside = replace(inside_of(NEWER), judged=found | dict(judged or {}), changes=changes)
    return replace(inside, finished=inside.finished | set(more), **others)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        pytest.param(_ahead(_change(THIRD)), True, id="one upgrade that only added"),
        pytest.param(_ahead(_change(THIRD, days=0)), True, id="in the moment of the comparison"),
        pytest.param(
            _ahead(_change(THIRD), _change(FOURTH, days=2), more=(FOURTH,)), True, id="two upgrades that only added"
        ),
        pytest.param(
            _ahead(_change(THIRD), _change(THIRD, days=2)), True, id="an upgrade that was cut off and begun again"
        ),
        pytest.param(_ahead(_change(THIRD), more=("x_baseline_diff",)), True, id="a baseline diff says nothing"),
        pytest.param(_ahead(_change(THIRD, days=-1)), False, id="applied before the comparison"),
        pytest.param(_ahead(_change(THIRD, breaks=True)), False, id="it dropped something"),
        pytest.param(
            _ahead(_change(THIRD), _change("20240101000000_backdated", days=2, breaks=True)),
            False,
            id="something else dropped something",
        ),
        pytest.param(_ahead(_change(FOURTH, days=-1, breaks=True), _change(THIRD)), True, id="what broke was before"),
        pytest.param(_ahead(), False, id="applied by nobody we know"),
        pytest.param(_ahead(_change(THIRD), more=(FOURTH,)), False, id="one of two applied by nobody we know"),
        pytest.param(_ahead(_change(breaks=True)), False, id="a run of the version before, which named no files"),
        pytest.param(
            replace(_ahead(_change(THIRD)), judged={NEWER.digest: Judged(at=NOW, missing=())}),
            False,
            id="never compared with the target",
        ),
        pytest.param(
            _ahead(_change(THIRD), judged={BUNDLE.digest: Judged(at=THEN, missing=("table x",))}),
            False,
            id="the target's schema lacked something",
        ),
        pytest.param(
            _ahead(_change(THIRD), judged={NEWER.digest: Judged(at=NOW, missing=("column a.b",))}),
            False,
            id="the newer one's lacked something since",
        ),
        pytest.param(
            _ahead(_change(THIRD), judged={"sha256:0": Judged(at=THEN - timedelta(1), missing=("x",))}),
            True,
            id="an older one's lacked something before",
        ),
        pytest.param(
            replace(_ahead(_change(THIRD)), finished=frozenset({BUNDLE.migrations[0], THIRD})),
            False,
            id="a row of the target is gone from the ledger",
        ),
        pytest.param(_ahead(_change(THIRD), views=frozenset[str]()), False, id="the target's views are gone"),
    ],
)
def test_an_older_proxy_works_where_nothing_speaks_against_it(inside: InsideFacts, expected: bool) -> None:  # noqa: FBT001
    assert is_compatible(BUNDLE, inside) is expected
