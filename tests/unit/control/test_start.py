"""Before any work, and beside it: what is wrong is said once, told to the probes, and looked at again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import pytest

from litellm_database_operator.control import start
from litellm_database_operator.control.installation import Findings
from litellm_database_operator.control.lease import Lease
from litellm_database_operator.control.probes import Condition
from litellm_database_operator.control.start import InstallationWatch
from litellm_database_operator.errors import OperatorError, UnavailableError
from litellm_database_operator.model.reasons import Reason
from tests.unit.control.test_lease import FakeLeases

SILENCE = UnavailableError(Reason.KUBERNETES_UNAVAILABLE, "cannot reach the API server")
WELL = Findings()
NO_CRDS = Findings(blocking=("CRDs are not served",), watchable=(None,))
NO_TEAM = Findings(absent=("namespace team does not exist",), watchable=("a",))
NO_SECRETS = Findings(failing=("may not create secrets",), notices=("CRDs are newer",))


class Looks:
    """Answers each look with the next of some findings, then with the last one for ever."""

    def __init__(self, *answers: Findings | OperatorError) -> None:
        self.answers = list(answers)
        self.condition = Condition(lease=Lease(FakeLeases(), "a"))
        self.told: list[tuple[str, ...]] = []
        self.slept: list[float] = []
        self.pauses: list[float] = []
        """The same, over several times that were cut off."""
        self.anew: list[bool] = []
        """Of each look, whether it was to ask everything."""

    async def __call__(self, *, anew: bool) -> Findings:
        """Look, once."""
        self.anew.append(anew)
        self.told.append(self.condition.obstacles)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OperatorError):
            raise answer
        return answer


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Looks, InstallationWatch]]:
    """Give a function that makes an installation whose pauses take no time."""

    def make(*answers: Findings | OperatorError) -> tuple[Looks, InstallationWatch]:
        looks = Looks(*answers)
        sleep = asyncio.sleep

        async def pause(seconds: float) -> None:
            looks.slept.append(seconds)
            looks.pauses.append(seconds)
            if len(looks.slept) > 20:
                raise asyncio.CancelledError
            await sleep(0)

        monkeypatch.setattr(start.asyncio, "sleep", pause)
        return looks, InstallationWatch(looks, looks.condition)

    return make


Make = Callable[..., tuple[Looks, InstallationWatch]]


def messages(caplog: pytest.LogCaptureFixture, level: int) -> Sequence[str]:
    return [record.message for record in caplog.records if record.levelno == level]


async def test_work_begins_at_once_where_all_is_well(looking: Make, caplog: pytest.LogCaptureFixture) -> None:
    looks, installation = looking(WELL)
    await installation.wait()
    assert (looks.slept, looks.condition.obstacles, caplog.messages) == ([], (), [])


async def test_what_blocks_is_waited_for_and_said_once(looking: Make, caplog: pytest.LogCaptureFixture) -> None:
    looks, installation = looking(SILENCE, NO_CRDS, NO_CRDS, NO_CRDS, WELL)
    caplog.set_level(logging.INFO)
    await installation.wait()
    assert looks.told == [(), (SILENCE.message,), *[NO_CRDS.blocking] * 3]
    assert messages(caplog, logging.WARNING) == [SILENCE.message, *NO_CRDS.blocking]
    assert messages(caplog, logging.INFO) == [f"no more: {SILENCE.message}", f"no more: {NO_CRDS.blocking[0]}"]
    assert looks.condition.obstacles == ()
    assert looks.slept == [1, 1, 1.5, 2.25]


async def test_what_does_not_block_is_told_and_not_waited_for(looking: Make, caplog: pytest.LogCaptureFixture) -> None:
    looks, installation = looking(NO_SECRETS)
    await installation.wait()
    assert looks.slept == []
    assert looks.condition.obstacles == NO_SECRETS.failing
    assert messages(caplog, logging.WARNING) == [*NO_SECRETS.failing, *NO_SECRETS.notices]


async def test_it_looks_again_soon_while_something_is_wrong_and_seldom_after(
    looking: Make, caplog: pytest.LogCaptureFixture
) -> None:
    looks, installation = looking(WELL, WELL, NO_SECRETS, NO_SECRETS, WELL)
    await installation.wait()
    with pytest.raises(asyncio.CancelledError):
        await installation.look_forever()
    assert looks.slept[:6] == [600, 600, 1, 1.5, 600, 600]
    assert caplog.text.count("may not create secrets") == 1
    assert caplog.text.count("CRDs are newer") == 1


async def test_it_never_looks_more_seldom_than_every_half_minute_while_something_is_wrong(looking: Make) -> None:
    looks, installation = looking(NO_SECRETS)
    await installation.wait()
    with pytest.raises(asyncio.CancelledError):
        await installation.look_forever()
    assert (looks.slept[0], looks.slept[-1]) == (1, 30)


async def test_everything_is_asked_every_ten_minutes_and_else_what_was_missing(looking: Make) -> None:
    looks, installation = looking(NO_SECRETS)
    await installation.wait()
    for _ in range(3):  # twenty pauses each
        looks.slept.clear()
        with pytest.raises(asyncio.CancelledError):
            await installation.look_forever()
    slept = [0.0, *accumulate(looks.pauses)]
    asked = [at for at, anew in zip(slept, looks.anew, strict=False) if anew]
    assert [round(later - at) // 600 for at, later in pairwise(asked)] == [1, 1]
    assert len(looks.anew) > 50


async def test_where_nothing_is_wrong_each_look_asks_everything(looking: Make) -> None:
    looks, installation = looking(WELL)
    await installation.wait()
    with pytest.raises(asyncio.CancelledError):
        await installation.look_forever()
    assert all(looks.anew)


async def test_a_look_that_was_to_ask_everything_and_failed_is_made_again(looking: Make) -> None:
    looks, installation = looking(SILENCE, NO_CRDS, WELL)
    await installation.wait()
    assert looks.anew == [True, True, False]


async def test_a_namespace_that_is_not_there_is_told_and_looked_for_while_the_operator_is_ready(
    looking: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    looks, installation = looking(NO_TEAM, NO_TEAM, NO_TEAM, WELL)
    await installation.wait()
    with pytest.raises(asyncio.CancelledError):
        await installation.look_forever()
    assert looks.slept[:4] == [1, 1.5, 2.25, 600]
    assert {each for each in looks.told if each} == set()
    assert messages(caplog, logging.WARNING) == [*NO_TEAM.absent]
    assert messages(caplog, logging.INFO) == [f"no more: {NO_TEAM.absent[0]}"]


async def test_a_silence_later_says_nothing_about_the_installation(
    looking: Make, caplog: pytest.LogCaptureFixture
) -> None:
    looks, installation = looking(WELL, SILENCE)
    await installation.wait()
    installation.changed.clear()
    with pytest.raises(asyncio.CancelledError):
        await installation.look_forever()
    assert (looks.condition.obstacles, installation.findings, caplog.messages) == ((), WELL, [])
    assert not installation.changed.is_set()


async def test_a_change_is_told_to_whoever_opens_the_watches(looking: Make) -> None:
    _, installation = looking(Findings(watchable=("a",)), Findings(watchable=("a", "b")))
    await installation.wait()
    installation.changed.clear()
    with pytest.raises(asyncio.CancelledError):
        await installation.look_forever()
    assert installation.changed.is_set()
    assert installation.findings.watchable == ("a", "b")
