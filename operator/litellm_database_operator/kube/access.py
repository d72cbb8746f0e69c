"""What the operator's account may do, and which namespaces are there, as the API server itself says.

Every authenticated account may ask about itself, and nothing is stored: a review is a question, sent by POST.
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api import Api
from litellm_database_operator.kube.api_errors import ApiStatusError, explained
from litellm_database_operator.kube.reading import part
from litellm_database_operator.kube.rights import Need

_REVIEW: Final = "authorization.k8s.io/v1"
_AT_A_TIME: Final = 8


class Access:
    """Asks about the account that `api` is; its methods raise UnavailableError."""

    def __init__(self, api: Api) -> None:
        """Speak through `api`, with a few requests at a time."""
        self._api = api
        self._free = asyncio.Semaphore(_AT_A_TIME)

    async def missing(self, needs: Iterable[Need]) -> list[Need]:
        """Return those of `needs` that are not granted, in their order."""
        asked = list(needs)
        answers = await asyncio.gather(*map(self._is_granted, asked))
        return [need for need, granted in zip(asked, answers, strict=True) if not granted]

    async def absent(self, namespaces: Iterable[str]) -> list[str]:
        """Return those namespaces that are not there; one that we may not look at counts as there."""
        asked = list(namespaces)
        answers = await asyncio.gather(*map(self._is_there, asked))
        return [namespace for namespace, there in zip(asked, answers, strict=True) if not there]

    async def _is_granted(self, need: Need) -> bool:
        body = {
            "apiVersion": _REVIEW,
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": need.attributes()},
        }
        async with self._free:
            with explained("ask for the operator's own rights"):
                answer = await self._api.request("POST", f"/apis/{_REVIEW}/selfsubjectaccessreviews", body=body)
        return bool(part(answer, "status").get("allowed"))

    async def _is_there(self, namespace: str) -> bool:
        async with self._free:
            with explained(f"read Namespace {namespace}"):
                try:
                    return await self._api.fetch(kinds.NAMESPACE.path(None, namespace)) is not None
                except ApiStatusError as error:
                    if error.code != HTTPStatus.FORBIDDEN:
                        raise
                    return True
