"""What a refusal means: its words are kept, a status code never is."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube.api_errors import explained, silence, status_error
from litellm_database_operator.model.reasons import Reason


@pytest.mark.parametrize(
    ("code", "answer", "reason", "said"),
    [
        pytest.param(
            403,
            {"reason": "Forbidden", "message": 'pods "x" is forbidden: exceeded quota: q'},
            Reason.OBJECT_REFUSED,
            'cannot create Job team/x: the cluster says "pods "x" is forbidden: exceeded quota: q"',
            id="quota",
        ),
        pytest.param(
            422,
            {"reason": "Invalid", "message": "spec.template: Invalid value"},
            Reason.OBJECT_REFUSED,
            'cannot create Job team/x: the cluster says "spec.template: Invalid value"',
            id="validation",
        ),
        pytest.param(
            403,
            {"reason": "Forbidden", "message": "…", "details": {"causes": [{"reason": "NamespaceTerminating"}]}},
            Reason.DELETING,
            "cannot create Job team/x: the namespace is being deleted",
            id="namespace goes",
        ),
        pytest.param(
            409,
            {"reason": "AlreadyExists"},
            Reason.KUBERNETES_UNAVAILABLE,
            "cannot create Job team/x: it was changed meanwhile",
            id="conflict",
        ),
        pytest.param(
            503,
            {},
            Reason.KUBERNETES_UNAVAILABLE,
            'cannot create Job team/x: the API server says "503 Service Unavailable: "',
            id="overloaded",
        ),
    ],
)
def test_a_refusal(code: int, answer: dict[str, Any], reason: Reason, said: str) -> None:
    with pytest.raises(UnavailableError) as caught, explained("create Job team/x"):
        raise status_error(code, answer)
    assert (caught.value.reason, caught.value.message) == (reason, said)


def test_foreign_words_are_cut_and_hold_no_control_characters() -> None:
    with pytest.raises(UnavailableError) as caught, explained("create Job team/x"):
        raise status_error(403, {"message": "\x1b[31m" + "a" * 1000})
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 400


def test_silence_is_told_even_where_the_error_says_nothing() -> None:
    assert silence(TimeoutError()).message == "cannot reach the API server: TimeoutError"
