"""What passes by itself, and what a run ends with."""

from __future__ import annotations

import pytest

from litellm_database_operator.migrator.errors import ConnectionLostError, QueryError
from litellm_database_operator.migrator.judge import JudgeError
from litellm_database_operator.migrator.patience import may_pass, patiently, say_again
from litellm_database_operator.migrator.progress import Progress


def refused(sqlstate: str) -> QueryError:
    return QueryError("no", sqlstate=sqlstate, position=None)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        pytest.param(ConnectionLostError("gone"), True, id="a lost connection"),
        pytest.param(refused("55P03"), True, id="a lock"),
        pytest.param(refused("40P01"), True, id="a deadlock"),
        pytest.param(refused("40001"), True, id="a serialization failure"),
        pytest.param(refused("42501"), False, id="a right that is missing"),
        pytest.param(refused("53100"), False, id="a full disk"),
        pytest.param(refused("57014"), False, id="somebody who cancels"),
        pytest.param(JudgeError("x", code="P1001"), True, id="a judge that finds no server"),
        pytest.param(JudgeError("x", code="P1017", sqlstate="57P01"), True, id="a judge whose session ended"),
        pytest.param(JudgeError("x", code="P2037", sqlstate="53300"), True, id="a judge without a connection"),
        pytest.param(JudgeError("x", sqlstate="57P03"), True, id="a judge before a server that starts"),
        pytest.param(JudgeError("x", code="P1012"), False, id="a judge that cannot read"),
        pytest.param(JudgeError("the judge ended"), False, id="a judge that is gone"),
        pytest.param(KeyboardInterrupt(), False, id="a stop"),
        pytest.param(ValueError(), False, id="a bug"),
    ],
)
def test_only_what_passes_begins_again(error: BaseException, passes: bool) -> None:  # noqa: FBT001
    assert may_pass(error) is passes


def test_what_begins_again_is_kept_for_the_report() -> None:
    progress = Progress()
    assert say_again(JudgeError("no slot", code="P2037", sqlstate="53300"), progress) > 0
    assert (progress.obstacle, progress.prisma_code, progress.sqlstate) == ("no slot", "P2037", "53300")
    assert say_again(ConnectionLostError("gone", sqlstate="57P01"), progress) == 0
    assert (progress.obstacle, progress.prisma_code, progress.sqlstate) == ("gone", None, "57P01")


def test_what_came_to_its_end_has_nothing_in_its_way() -> None:
    progress = Progress(sqlstate="55P03", blocked_by="pid 7")
    patiently(lambda: None, progress)
    assert (progress.sqlstate, progress.blocked_by) == (None, None)


def test_what_does_not_pass_goes_up() -> None:
    def attempt() -> None:
        raise refused("42501")

    with pytest.raises(QueryError):
        patiently(attempt, Progress())
