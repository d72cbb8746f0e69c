"""What the API server's refusals and silences mean to a pass; called by api.py and cluster.py."""

from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube.reading import Json, items, part
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import clean

_REFUSALS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY})
"""Quota and RBAC say 403, admission 403 or what a webhook likes, validation 422 or 400."""


class ApiStatusError(Exception):
    """The API server answered that it would not: its Status object, never the request's body.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
    """

    def __init__(self, *, code: int, reason: str, message: str, causes: frozenset[str] = frozenset()) -> None:
        """Keep the parts that decisions are made of."""
        super().__init__(f"{code} {reason}: {clean(message)}")
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes


def status_error(code: int, answer: Json) -> ApiStatusError:
    """Read a Status object; whatever stood between us and the server may have sent something else."""
    return ApiStatusError(
        code=code,
        reason=str(answer.get("reason") or HTTPStatus(code).phrase),
        message=str(answer.get("message") or ""),
        causes=frozenset(str(cause.get("reason")) for cause in items(part(answer, "details"), "causes")),
    )


def silence(error: Exception) -> UnavailableError:
    """Return what a broken or timed out connection to the API server means."""
    cause = str(error) or type(error).__name__
    return UnavailableError(Reason.KUBERNETES_UNAVAILABLE, f"cannot reach the API server: {clean(cause)}")


@contextmanager
def explained(action: str) -> Generator[None]:
    """Turn a refusal of `action` ("create Job team/x") into the error that a pass knows."""
    try:
        yield
    except ApiStatusError as error:
        raise _explain(action, error) from error


def _explain(action: str, error: ApiStatusError) -> UnavailableError:
    if "NamespaceTerminating" in error.causes:
        return UnavailableError(Reason.DELETING, f"cannot {action}: the namespace is being deleted")
    if error.code == HTTPStatus.CONFLICT:
        return UnavailableError(Reason.KUBERNETES_UNAVAILABLE, f"cannot {action}: it was changed meanwhile")
    if error.code in _REFUSALS:
        return UnavailableError(Reason.OBJECT_REFUSED, f'cannot {action}: the cluster says "{clean(error.message)}"')
    return UnavailableError(Reason.KUBERNETES_UNAVAILABLE, f'cannot {action}: the API server says "{error}"')
