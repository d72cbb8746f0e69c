"""Looks at everything that a plan for one LiteLLMDatabase needs, and changes nothing."""

from collections.abc import Mapping
from typing import Any

from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.job_facts import is_finished, job_facts, pod_of
from litellm_database_operator.kube.kinds import Body, uid_of
from litellm_database_operator.kube.reading import part
from litellm_database_operator.kube.secrets import secret_facts
from litellm_database_operator.model import names
from litellm_database_operator.model.observed import (
    CatalogFacts,
    InsideFacts,
    JobFacts,
    LoginState,
    Observed,
    SecretFacts,
)
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.resource_key import ResourceKey
from litellm_database_operator.model.secret import PASSWORD_KEY, Password
from litellm_database_operator.planning.migration import is_at_rest
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.postgres.inside import look_inside
from litellm_database_operator.reconcile.servers import Connected
from litellm_database_operator.reconcile.slots import MigrationSlots


class Observer:
    """Looks by way of the API server, the server's admin and the app's login."""

    def __init__(self, cluster: Cluster, slots: MigrationSlots) -> None:
        """Look through `cluster`; `slots` learns which runs are there."""
        self._cluster = cluster
        self._slots = slots

    async def observe(
        self, resource: LiteLLMDatabase, status: Mapping[str, Any], server: Connected, occasion: Occasion
    ) -> Observed:
        """Return what is so; `status` is what was last written, and only tells where to look."""
        catalog = await server.gateway.fetch_catalog(resource.database)
        secret = await self._secret(resource, resource.secret_name)
        former = await self._former(resource, status)
        ca_secret = await self._secret(resource, resource.ca_secret_name) if server.ca else None
        former_ca = await self._secret(resource, names.ca_secret(former.name)) if former and server.ca else None
        login, inside = await _look_inside(resource, server, catalog, secret or former)
        at_rest = is_at_rest(resource, catalog, inside, occasion)
        jobs = () if at_rest else await self.jobs(resource)
        return Observed(
            endpoint=server.endpoint,
            server_key=server.key,
            server=server.facts,
            catalog=catalog,
            secret=secret,
            former_secret=former,
            ca=server.ca,
            ca_secret=ca_secret,
            former_ca_secret=former_ca,
            login=login,
            inside=inside,
            jobs=jobs,
            connections_allowed=server.resource.spec.limits.connections_per_database,
            may_migrate=not at_rest and self._may_migrate(resource, server, jobs),
            recorded_system_identifier=_recorded(status, secret or former),
        )

    async def jobs(self, resource: LiteLLMDatabase) -> tuple[JobFacts, ...]:
        """Return the resource's Jobs, the newest first; those of a namesake that is gone are left out."""
        namespace, name = resource.metadata.namespace, resource.metadata.name
        bodies = await self._cluster.list_jobs(namespace, name)
        if not bodies:
            return ()
        pods = await self._cluster.list_pods(namespace, name)
        facts = [await self._job(resource, body, pods) for body in bodies]
        ours = [each for each in facts if each.ours]
        return tuple(sorted(ours, key=lambda each: each.created, reverse=True))

    async def _job(self, resource: LiteLLMDatabase, body: Body, pods: list[Body]) -> JobFacts:
        pod = pod_of(body, pods)
        refused = None
        if pod is None and not is_finished(body):
            refused = await self._cluster.fetch_failed_create(resource.metadata.namespace, uid_of(body))
        return job_facts(body, pod, refused, resource.metadata.uid)

    async def _secret(self, resource: LiteLLMDatabase, name: str) -> SecretFacts | None:
        meta = resource.metadata
        body = await self._cluster.fetch_secret(meta.namespace, name)
        return secret_facts(body, meta.name, meta.uid) if body else None

    async def _former(self, resource: LiteLLMDatabase, status: Mapping[str, Any]) -> SecretFacts | None:
        name = part(status, "binding").get("name")
        if not name or name == resource.secret_name:
            return None
        found = await self._secret(resource, name)
        return found if found and found.ours else None

    def _may_migrate(self, resource: LiteLLMDatabase, server: Connected, jobs: tuple[JobFacts, ...]) -> bool:
        meta = resource.metadata
        key = ResourceKey(names.DATABASE_KIND, meta.namespace, meta.name)
        if any(not job.finished for job in jobs):
            self._slots.occupy(server.key, key)
            return True
        limit = server.resource.spec.limits.concurrent_migrations
        return self._slots.reserve(server.key, key, limit=limit)


async def _look_inside(
    resource: LiteLLMDatabase, server: Connected, catalog: CatalogFacts, secret: SecretFacts | None
) -> tuple[LoginState, InsideFacts | None]:
    password = _password(secret)
    if password is None or catalog.database is None or resource.roles.app_a not in catalog.roles:
        return LoginState.UNTRIED, None
    return await look_inside(
        server.endpoint,
        server.ca,
        database=resource.database,
        schema=resource.spec.schema_,
        login=resource.roles.app_a,
        password=password,
    )


def _password(secret: SecretFacts | None) -> Password | None:
    return secret.password(PASSWORD_KEY) if secret and secret.ours else None


def _recorded(status: Mapping[str, Any], secret: SecretFacts | None) -> str | None:
    if secret and secret.ours and secret.system_identifier:
        return secret.system_identifier
    recorded: str | None = part(status, "server").get("systemIdentifier")
    return recorded
