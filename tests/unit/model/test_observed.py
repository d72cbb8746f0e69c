"""What a comparison is worth once something was applied after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from litellm_database_operator.model.observed import Change, InsideFacts, Judged

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _inside(*, missing: tuple[str, ...] = (), changed: float | None = None) -> InsideFacts:
    at = AT if changed is None else AT + timedelta(hours=changed)
    changes = () if changed is None else (Change(at=at, names=frozenset({"x"}), breaks=False),)
    return InsideFacts(
        finished=frozenset(),
        unfinished=frozenset(),
        views=frozenset(),
        judged={"a": Judged(at=AT, missing=missing)},
        changes=changes,
    )


@pytest.mark.parametrize(
    ("inside", "holds", "verified"),
    [
        pytest.param(_inside(), True, {"a"}, id="nothing was applied since"),
        pytest.param(_inside(missing=("table x",)), True, set[str](), id="something was missing"),
        pytest.param(_inside(changed=-1), True, {"a"}, id="applied before"),
        pytest.param(_inside(changed=0), True, {"a"}, id="applied by the run that compared"),
        pytest.param(_inside(changed=1), False, set[str](), id="applied after it, by a run to another bundle"),
        pytest.param(_inside(missing=("table x",), changed=1), False, set[str](), id="which may have brought it"),
    ],
)
def test_a_comparison_holds_until_something_is_applied(inside: InsideFacts, holds: bool, verified: set[str]) -> None:  # noqa: FBT001
    assert (inside.comparison("a") is not None) is holds
    assert inside.verified == verified


def test_a_bundle_that_it_was_never_compared_with_has_none() -> None:
    assert _inside().comparison("b") is None
