"""Who is in the way, in words."""

from __future__ import annotations

import pytest

from litellm_database_operator.migrator.blockers import Blocker, tell


def blocker(**facts: object) -> Blocker:
    """Give the proxy's session, as the migrator sees it."""
    seen: dict[str, object] = {
        "pid": 7,
        "role": "d_app_a",
        "application": "litellm",
        "state": None,
        "seconds": None,
        "held": "LiteLLM_SpendLogs",
        "mode": "AccessShareLock",
    }
    return Blocker(**(seen | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param(
            [blocker()],
            'pid 7, role "d_app_a", application "litellm", holds AccessShareLock on "LiteLLM_SpendLogs"',
            id="what is seen of another role's session",
        ),
        pytest.param(
            [blocker(state="idle in transaction", seconds=600, application="")],
            'pid 7, role "d_app_a", idle in transaction for 600 s, holds AccessShareLock on "LiteLLM_SpendLogs"',
            id="what is seen of an own session",
        ),
        pytest.param(
            [blocker(mode=None)],
            'pid 7, role "d_app_a", application "litellm"',
            id="one that is before in the queue",
        ),
        pytest.param(
            [blocker(held=None, mode="ExclusiveLock")],
            'pid 7, role "d_app_a", application "litellm", holds ExclusiveLock',
            id="a lock of no table",
        ),
        pytest.param(
            [blocker(pid=0, role=None, application=None, mode=None)],
            "a prepared transaction (see pg_prepared_xacts)",
            id="a transaction without a session",
        ),
        pytest.param(
            [blocker(pid=pid, role=None, application=None, mode=None) for pid in (1, 2, 3, 4)],
            "pid 1; pid 2; and 2 more",
            id="many",
        ),
    ],
)
def test_sessions_are_told_in_one_line(found: list[Blocker], told: str | None) -> None:
    assert tell(found) == told


def test_names_are_foreign_text() -> None:
    told = tell([blocker(application='\x1b[31m\u202e"; run\nthis' + "x" * 100, role="a\x00b", held='"')])
    assert told == f'pid 7, role "ab", application "[31m\'; run this{"x" * 24}…", holds AccessShareLock on "\'"'
