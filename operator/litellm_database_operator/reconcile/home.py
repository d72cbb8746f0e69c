"""The namespace that a resource lives in: read once a pass, for its labels and for the uid that marks bear."""

from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.model.observed import NamespaceFacts


class Home:
    """One namespace in one pass; in the next one it may be a namesake, or have other labels."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        """Read nothing yet."""
        self._cluster = cluster
        self._facts: NamespaceFacts | None = None
        self.name = name

    async def facts(self) -> NamespaceFacts:
        """Return what the namespace is; UnavailableError when it is gone, or cannot be read."""
        if self._facts is None:
            self._facts = await self._cluster.fetch_namespace(self.name)
        return self._facts
