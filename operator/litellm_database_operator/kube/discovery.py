"""What the API server serves of our own kinds: their versions, and the fields that it would keep.

No right on CustomResourceDefinitions is needed: discovery and OpenAPI are for every authenticated account.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles
"""

from collections.abc import Mapping
from typing import Final

from litellm_database_operator.kube.api import Api
from litellm_database_operator.kube.api_errors import explained
from litellm_database_operator.kube.reading import Json, items, part
from litellm_database_operator.model import names

_KINDS_KEY: Final = "x-kubernetes-group-version-kind"


class Discovery:
    """Looks at our API group; its methods raise UnavailableError."""

    def __init__(self, api: Api) -> None:
        """Speak through `api`."""
        self._api = api

    async def served(self, version: str = names.VERSION) -> frozenset[str]:
        """Return the plurals that are served in a version of our group: none before the CRDs are installed."""
        return frozenset(
            item["name"] for item in items(await self._fetch(f"/apis/{names.GROUP}/{version}"), "resources")
        )

    async def versions(self) -> tuple[str, ...]:
        """Return the versions of our group that are served."""
        group = await self._fetch(f"/apis/{names.GROUP}")
        return tuple(str(each["version"]) for each in items(group, "versions"))

    async def spec_schemas(self) -> Mapping[str, Json]:
        """Return the schema of spec of each kind of our version; a CRD that is just established may lack yet.

        https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
        """
        document = await self._fetch(f"/openapi/v3/apis/{names.API_VERSION}")
        return {
            str(kind["kind"]): part(schema, "properties", "spec")
            for schema in part(document, "components", "schemas").values()
            for kind in items(schema, _KINDS_KEY)
            if (kind["group"], kind["version"]) == (names.GROUP, names.VERSION)
        }

    async def _fetch(self, path: str) -> Json:
        with explained(f"discover {names.API_VERSION}"):
            return await self._api.fetch(path) or {}
