"""What a run keeps of a try that could not be brought to its end."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from litellm_database_operator.migrator import run
from litellm_database_operator.migrator.errors import ConnectionLostError
from litellm_database_operator.migrator.progress import Progress
from litellm_database_operator.migrator.run import Run
from litellm_database_operator.model.report import Outcome


def test_how_a_lost_try_ended_says_nothing_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first waits for approval, and loses its connection before it could say so; the second passes."""
    ends = [Outcome.AWAITING_APPROVAL, None]
    recorded: list[Outcome | None] = []

    def migrate(self: Run, _session: object) -> None:
        if ended := ends[len(recorded)]:
            self.progress.ended = ended

    def record(self: Run, _session: object, *, failure: object) -> None:
        assert failure is None
        recorded.append(self.progress.ended)
        if len(recorded) == 1:
            raise ConnectionLostError("gone")

    monkeypatch.setattr(run, "open_session", Mock())
    monkeypatch.setattr(Run, "_migrate", migrate)
    monkeypatch.setattr(Run, "_record", record)
    Run(settings=Mock(), content=Mock(), judge=Mock(), progress=Progress()).migrate()
    assert recorded == [Outcome.AWAITING_APPROVAL, None]
