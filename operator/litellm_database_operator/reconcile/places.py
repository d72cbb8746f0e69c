"""Who may have one more database on a server: limits.databasesPerNamespace, the oldest first.

The truth is the marks on the server, counted when a database is to be made. What this process has let in and not
marked yet is kept in memory, so that passes which run at once do not count past each other. An operator that
overlaps with this one counts the same marks and the same order: it may let one in too many, and never cuts one off.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from litellm_database_operator.kube.kinds import DATABASE, uid_of
from litellm_database_operator.kube.reading import is_going
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.resource_key import ResourceKey, key_of
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.planning.limits import Claimant, check_place, taken_before
from litellm_database_operator.reconcile.servers import Connected, names_server

Group = tuple[str, str]
"""A server (namespace/name), and a namespace that has databases there."""


class Places:
    """The databases that are being made, and those that wait until another goes."""

    def __init__(self, resources: Resources, default_server: tuple[str, str] | None) -> None:
        """Let in nobody yet; `wake` is set by whoever owns the queue."""
        self._resources = resources
        self._default_server = default_server
        self._let_in: defaultdict[Group, set[str]] = defaultdict(set)
        self._counting: defaultdict[Group, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: set[ResourceKey] = set()
        self.wake: Callable[[ResourceKey], None] = lambda _key: None

    @asynccontextmanager
    async def taken(self, body: Mapping[str, Any], server: Connected, mark: Mark) -> AsyncGenerator[None]:
        """Hold a place for a resource while its database is made; InvalidSpecError when there is none.

        `mark` is what the database will bear. Where the server knows no limit, nothing is counted.
        """
        self._waiting.discard(key_of(body))
        limit = server.resource.spec.limits.databases_per_namespace
        if limit is None:
            yield
            return
        group = server.key, mark.namespace
        async with self._counting[group]:
            await self._enter(body, server, mark, limit)
        try:
            yield
        finally:
            self._let_in[group].discard(mark.uid)

    def leave(self, key: ResourceKey) -> None:
        """Hear that a resource is gone: who waits in its namespace counts again."""
        self._waiting.discard(key)
        for each in self._waiting:
            if each.namespace == key.namespace:
                self.wake(each)

    async def _enter(self, body: Mapping[str, Any], server: Connected, mark: Mark, limit: int) -> None:
        key, let_in = key_of(body), self._let_in[server.key, mark.namespace]
        marks = await server.gateway.fetch_marks(namespace_uid=mark.namespace_uid)
        claimed = {each.uid for each in marks if each.identity == mark.identity and not each.released}
        asking = await self._asking(server, mark.namespace)
        self._waiting.add(key)
        taken = taken_before(_claimant(body), holding=claimed | let_in, asking=asking)
        check_place(taken, limit, namespace=mark.namespace, server=server.key)
        self._waiting.discard(key)
        let_in.add(mark.uid)

    async def _asking(self, server: Connected, namespace: str) -> list[Claimant]:
        """Return the resources of a namespace that want a database on a server; asked anew, to miss none."""
        bodies, _ = await self._resources.list_all(DATABASE, namespace)
        here = (each for each in bodies if names_server(each, server.resource, self._default_server))
        return [_claimant(each) for each in here if not is_going(each)]


def _claimant(body: Mapping[str, Any]) -> Claimant:
    meta = body["metadata"]
    return Claimant(created=meta["creationTimestamp"], name=meta["name"], uid=uid_of(body))
