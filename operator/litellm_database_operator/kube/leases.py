"""The Lease by which operators agree on one that works; control/lease.py decides."""

from http import HTTPStatus
from typing import Final

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api import Api
from litellm_database_operator.kube.api_errors import ApiStatusError, explained
from litellm_database_operator.kube.kinds import Body

LEASE_NAME: Final = "litellm-database-operator"


class Leases:
    """One Lease; its methods raise UnavailableError."""

    def __init__(self, api: Api, *, namespace: str, name: str) -> None:
        """Speak through `api` about the Lease `name`."""
        self._api = api
        self._namespace = namespace
        self._name = name

    async def fetch(self) -> Body | None:
        """Return the Lease, or None."""
        with explained(f"read Lease {self._namespace}/{self._name}"):
            return await self._api.fetch(kinds.LEASE.path(self._namespace, self._name))

    async def create(self, spec: Body) -> bool:
        """Create the Lease; False when another was faster."""
        body = {"metadata": {"name": self._name, "namespace": self._namespace}, "spec": spec}
        return await self._write("POST", kinds.LEASE.path(self._namespace), body)

    async def replace(self, found: Body, spec: Body) -> bool:
        """Give the Lease another spec where it is still as it was found; False when another was faster."""
        return await self._write("PUT", kinds.LEASE.path(self._namespace, self._name), found | {"spec": spec})

    async def _write(self, method: str, path: str, body: Body) -> bool:
        with explained(f"write Lease {self._namespace}/{self._name}"):
            try:
                await self._api.request(method, path, body=body)
            except ApiStatusError as error:
                if error.code != HTTPStatus.CONFLICT:
                    raise
                return False
        return True
