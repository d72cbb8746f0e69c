"""The mark that a resource's database should bear; made of the resource, its namespace and the installation."""

from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.reconcile.home import Home


class Claims:
    """Makes marks."""

    def __init__(self, identity: str) -> None:
        """Remember the installation's identity."""
        self._identity = identity

    async def mark_of(self, resource: LiteLLMDatabase, home: Home) -> Mark:
        """Return the mark of a resource; its namespace tells its uid, as a namesake has another."""
        meta = resource.metadata
        return Mark(
            identity=self._identity,
            namespace=meta.namespace,
            namespace_uid=(await home.facts()).uid,
            name=meta.name,
            uid=meta.uid,
        )
