"""One pass over one PostgresServer: run it where it is embedded, log in, and say what it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from litellm_database_operator.errors import NotOursError, OperatorError, UnavailableError
from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.embedded import (
    embedded_network_policy,
    embedded_service,
    embedded_stateful_set,
    users_let_in,
)
from litellm_database_operator.kube.objects import server_labels
from litellm_database_operator.kube.reading import labels, part
from litellm_database_operator.kube.secrets import admin_secret
from litellm_database_operator.model import names
from litellm_database_operator.model.outcome import Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import Embedded, PostgresServer
from litellm_database_operator.model.resource_key import key_of
from litellm_database_operator.model.secret import mint_password
from litellm_database_operator.planning import guards
from litellm_database_operator.planning.parse import parse_server
from litellm_database_operator.reconcile.server_report import available, in_use, server_failed, unfit
from litellm_database_operator.reconcile.server_users import ServerUsers
from litellm_database_operator.reconcile.servers import Connected, Servers
from litellm_database_operator.reconcile.summary import Patience, past
from litellm_database_operator.settings import Settings


class ServerReconciler:
    """Brings one PostgresServer after the other to what its resource asks for."""

    def __init__(self, *, cluster: Cluster, users: ServerUsers, servers: Servers, settings: Settings) -> None:
        """Work through these."""
        self._cluster = cluster
        self._users = users
        self._servers = servers
        self._settings = settings
        self._patience = Patience()

    async def __call__(self, body: Mapping[str, Any]) -> Outcome:
        """Run one pass over the resource as it was last seen."""
        key = key_of(body)
        try:
            server = parse_server(body)
            outcome = await (self._leave(server, body) if server.going else self._pass(server, body))
        except OperatorError as error:
            patient = self._patience.with_fault_of(key)
            return server_failed(error, before=past(body), now=datetime.now(UTC), patient=patient)
        self._patience.ends(key)
        return outcome

    async def _pass(self, server: PostgresServer, body: Mapping[str, Any]) -> Outcome:
        let_in: frozenset[str] | None = None
        if server.spec.embedded is not None:
            let_in = await self._run(server, server.spec.embedded)
        connected = await self._servers.connect(server)
        if let_in is not None:
            await self._let_users_in(server, connected, let_in)
        try:
            guards.check_server(connected.facts)
        except OperatorError as error:
            return unfit(connected, error, before=past(body), now=datetime.now(UTC))
        return available(connected, before=past(body), now=datetime.now(UTC))

    async def _run(self, server: PostgresServer, embedded: Embedded) -> frozenset[str]:
        """Bring the objects of an embedded server to what they should be, and wait until it answers.

        Returns the users that its NetworkPolicy lets in; before PostgreSQL answers nobody knows better.
        """
        name, namespace = server.metadata.name, server.metadata.namespace
        await self._make_admin_secret(name, namespace)
        await self._cluster.ensure(kinds.SERVICE, embedded_service(name, namespace))
        policy = await self._cluster.fetch(kinds.NETWORK_POLICY, namespace, names.embedded(name))
        let_in = users_let_in(policy) if policy else frozenset[str]()
        await self._cluster.bring(kinds.NETWORK_POLICY, self._policy(server, let_in), policy)
        image = self._settings.postgres_image
        wanted = embedded_stateful_set(name, namespace, image=image, asked=embedded)
        found = await self._cluster.ensure(kinds.STATEFUL_SET, wanted)
        if not part(found, "status").get("readyReplicas"):
            raise UnavailableError(
                Reason.STARTING,
                f"waiting for PostgreSQL to start: see kubectl -n {namespace} describe pod {names.embedded(name)}-0",
            )
        return let_in

    async def _let_users_in(self, server: PostgresServer, connected: Connected, let_in: frozenset[str]) -> None:
        """Have the NetworkPolicy let in whoever has a database, allowed or not any more: the marks tell who."""
        marks = await connected.gateway.fetch_marks()
        users = frozenset(mark.namespace for mark in marks if not mark.released) - {server.metadata.namespace}
        if users != let_in:
            await self._cluster.ensure(kinds.NETWORK_POLICY, self._policy(server, users))

    def _policy(self, server: PostgresServer, users: frozenset[str]) -> BaseModel:
        meta, allowed = server.metadata, server.spec.allowed_namespaces
        operator_namespace = self._settings.pod_namespace
        return embedded_network_policy(
            meta.name, meta.namespace, operator_namespace=operator_namespace, allowed=allowed, users=users
        )

    async def _make_admin_secret(self, name: str, namespace: str) -> None:
        """Make the admin's password once; one that is there belongs to the data, and is picked up with it."""
        found = await self._cluster.fetch_secret(namespace, names.embedded_admin_secret(name))
        if found is None:
            await self._cluster.create_secret(admin_secret(name, namespace, mint_password()))
        elif not server_labels(name).items() <= labels(found).items():
            raise NotOursError(
                Reason.OBJECT_NOT_OURS,
                f"cannot use Secret {namespace}/{names.embedded_admin_secret(name)} as the admin's: it exists and is "
                f"not labelled as {names.SERVER_LABEL}={name}; delete or rename it",
            )

    async def _leave(self, server: PostgresServer, body: Mapping[str, Any]) -> Outcome:
        # A namespace that goes takes the server's pod and Secret with it: nobody is held by waiting.
        if not await self._cluster.is_namespace_going(server.metadata.namespace):
            seen, looked_into = await self._users.seen(server)
            unseen = [] if seen else await self._users.unseen(server, looked_into)
            if seen or unseen:
                return in_use(server, seen, unseen, before=past(body), now=datetime.now(UTC))
        await self._servers.forget(server.key)
        if server.spec.embedded is not None:
            await self._stop(server)
        return Outcome(status=None, left=True)

    async def _stop(self, server: PostgresServer) -> None:
        name, namespace = server.metadata.name, server.metadata.namespace
        made = [(kind, names.embedded(name)) for kind in (kinds.STATEFUL_SET, kinds.SERVICE, kinds.NETWORK_POLICY)]
        if server.spec.deletion_policy == "Delete":
            made += [(kinds.CLAIM, names.embedded_claim(name)), (kinds.SECRET, names.embedded_admin_secret(name))]
        for kind, each in made:
            await self._cluster.remove(kind, namespace, each, bearing=server_labels(name))
