"""One request to the API server, JSON in and JSON out; only cluster.py calls it.

The generated API classes are left out: their import costs 31 MiB more than their transport (CoreV1Api alone
16 MiB), and what they add is a path. Reading is json.loads, as deserialising into models blocks the loop.
"""

import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import incluster_config, kube_config

from litellm_database_operator.kube.api_errors import ApiStatusError, silence, status_error
from litellm_database_operator.kube.kinds import Body

TIMEOUT: Final = 10.0
"""Seconds: longer than any answer of a healthy server, shorter than what a Lease tolerates."""
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
_AUTHENTICATION: Final = ["BearerToken"]
_SERVICE_ACCOUNT: Final = Path(incluster_config.SERVICE_TOKEN_FILENAME)


class Api:
    """A connection to the API server, with the token of the moment."""

    def __init__(self, client: ApiClient) -> None:
        """Speak through `client`, which is closed with this."""
        # Any: the client's transport is not annotated
        self._client = cast("Any", client)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Body | list[Body] | None = None,
        content_type: str = "application/json",
    ) -> Body:
        """Return the answer's JSON; ApiStatusError for a refusal, UnavailableError for silence."""
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            method, url, headers, body, _ = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=_AUTHENTICATION,
            )
            answer = await self._client.call_api(method, url, headers, body, _request_timeout=TIMEOUT)
            content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise silence(error) from error
        return _decode(answer.status, content)

    async def fetch(self, path: str) -> Body | None:
        """Return an object, or None when there is none."""
        try:
            return await self.request("GET", path)
        except ApiStatusError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _decode(code: int, content: bytes) -> Body:
    try:
        answer: Body = json.loads(content)
    except ValueError:
        answer = {}
    if code >= HTTPStatus.BAD_REQUEST:
        raise status_error(code, answer)
    return answer


async def connect() -> Api:
    """Return a connection as the pod's service account, or elsewhere as the kubeconfig says.

    The in-cluster configuration reads its token anew every minute, so that a rotated one is taken up.
    """
    configuration = Configuration()
    if _SERVICE_ACCOUNT.is_file():
        cast("Any", incluster_config).load_incluster_config(client_configuration=configuration)
    else:
        # named here: the client reads the variable when it is imported
        file = os.environ.get("KUBECONFIG")
        await cast("Any", kube_config).load_kube_config(file, client_configuration=configuration)
    return Api(ApiClient(configuration))
