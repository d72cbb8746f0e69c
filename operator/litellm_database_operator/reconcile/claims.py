"""The mark that a resource's database should bear; made of the resource, its namespace and the installation."""

from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark


class Claims:
    """Makes marks."""

    def __init__(self, cluster: Cluster, identity: str) -> None:
        """Ask `cluster` for namespaces; `identity` is the installation's."""
        self._cluster = cluster
        self._identity = identity

    async def mark_of(self, resource: LiteLLMDatabase) -> Mark:
        """Return the mark of a resource; the namespace is asked for its uid, as a namesake has another."""
        meta = resource.metadata
        return Mark(
            identity=self._identity,
            namespace=meta.namespace,
            namespace_uid=await self._cluster.fetch_namespace_uid(meta.namespace),
            name=meta.name,
            uid=meta.uid,
        )
