"""One pass over one LiteLLMDatabase: look, decide, act, report."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from litellm_database_operator.errors import InvalidSpecError, OperatorError, UnavailableError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.objects import owner_of
from litellm_database_operator.kube.reading import part
from litellm_database_operator.model.bundle import Bundle, Library
from litellm_database_operator.model.observed import Observed
from litellm_database_operator.model.outcome import Event, Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase, LiteLLMTarget
from litellm_database_operator.model.resource_key import ResourceKey, key_of
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import mint_password
from litellm_database_operator.planning import deletion, guards
from litellm_database_operator.planning.occasion import FreshPasswords, Occasion
from litellm_database_operator.planning.parse import parse_database
from litellm_database_operator.planning.plan import Plan, make_plan
from litellm_database_operator.planning.steps import StartMigration
from litellm_database_operator.reconcile import database_report
from litellm_database_operator.reconcile.apply import Applier
from litellm_database_operator.reconcile.observe import Observer
from litellm_database_operator.reconcile.servers import Connected, Servers
from litellm_database_operator.reconcile.slots import MigrationSlots
from litellm_database_operator.reconcile.summary import Patience, past

_ROUNDS: Final = 4
"""Looks in one pass: making, closing a run and judging it follow at once, without a status between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a pass is for; every look in it has passwords and a time of its own."""

    target: Bundle
    mark: Mark

    def occasion(self) -> Occasion:
        """Return what a plan is made with, now."""
        fresh = FreshPasswords(app=mint_password(), migrator=mint_password())
        return Occasion(target=self.target, mark=self.mark, fresh=fresh, now=datetime.now(UTC))


class DatabaseReconciler:
    """Brings one database after the other to what its resource asks for."""

    def __init__(  # noqa: PLR0913 - what a pass is made of, wired once in __main__
        self,
        *,
        cluster: Cluster,
        servers: Servers,
        applier: Applier,
        library: Library,
        slots: MigrationSlots,
        identity: str,
    ) -> None:
        """Work through these; `identity` is the installation's, as marks bear it."""
        self._cluster = cluster
        self._servers = servers
        self._applier = applier
        self._observer = Observer(cluster, slots)
        self._library = library
        self._slots = slots
        self._identity = identity
        self._patience = Patience()

    async def __call__(self, body: Mapping[str, Any]) -> Outcome:
        """Run one pass over the resource as it was last seen."""
        key = key_of(body)
        try:
            resource = parse_database(body)
            outcome = await (self._leave(resource, body) if resource.going else self._pass(resource, body))
        except OperatorError as error:
            return self._failed(key, body, error)
        self._patience.ends(key)
        return outcome

    def _failed(self, key: ResourceKey, body: Mapping[str, Any], error: OperatorError) -> Outcome:
        patient = self._patience.with_fault_of(key)
        return database_report.failed(error, before=past(body), now=datetime.now(UTC), patient=patient)

    async def _pass(self, resource: LiteLLMDatabase, body: Mapping[str, Any]) -> Outcome:
        target = resolve_target(resource.spec.litellm, self._library)
        namespace, _ = self._servers.reference(resource)
        guards.check_request(resource, server_namespace=namespace)
        server = await self._servers.connect_for(resource)
        mark = await self._mark(resource)
        try:
            observed, plan = await self._rounds(resource, body, server, Purpose(target=target, mark=mark))
        except OperatorError:
            self._slots.leave(key_of(body))
            raise
        return database_report.settled(resource, observed, plan, before=past(body), now=datetime.now(UTC))

    async def _rounds(
        self, resource: LiteLLMDatabase, body: Mapping[str, Any], server: Connected, purpose: Purpose
    ) -> tuple[Observed, Plan]:
        observed, plan = await self._round(resource, body, server, purpose)
        for _ in range(_ROUNDS - 1):
            if not _goes_on_at_once(plan):
                break
            jobs = observed.jobs
            observed, plan = await self._round(resource, body, server, purpose)
            # A look that found everything done asked for no Job; the run that did it is still worth telling of.
            observed = replace(observed, jobs=observed.jobs or jobs)
        return observed, plan

    async def _round(
        self, resource: LiteLLMDatabase, body: Mapping[str, Any], server: Connected, purpose: Purpose
    ) -> tuple[Observed, Plan]:
        """Look, decide and act once."""
        observed = await self._observer.observe(resource, part(body, "status"), server, purpose.target)
        plan = make_plan(resource, observed, purpose.occasion())
        _check_server_takes(resource, observed, server)
        await self._applier.apply(plan.steps, owner_of(body), server)
        self._settle_slot(key_of(body), observed, plan)
        return observed, plan

    def _settle_slot(self, key: ResourceKey, observed: Observed, plan: Plan) -> None:
        starts = any(isinstance(step, StartMigration) for step in plan.steps)
        runs = any(not job.finished for job in observed.jobs)
        if observed.may_migrate and not starts and not runs:
            self._slots.leave(key)

    async def _leave(self, resource: LiteLLMDatabase, body: Mapping[str, Any]) -> Outcome:
        self._slots.leave(key_of(body))
        server = await self._servers.find(resource)
        if server is None:
            return _left("its PostgresServer is gone, and the database with it or out of reach")
        try:
            connected = await self._servers.connect(server)
            catalog = await connected.gateway.fetch_catalog(resource.database)
            jobs = await self._observer.jobs(resource)
            steps = deletion.plan_leaving(resource, catalog, jobs, await self._mark(resource))
            await self._applier.apply(steps, owner_of(body), connected)
        except UnavailableError as error:
            return await self._let_go(resource, server.metadata.namespace, error)
        policy = resource.spec.deletion_policy
        told = "dropped with its roles" if policy == "Delete" else "kept; its logins are locked"
        return _left(f"database {resource.database} is {told}")

    async def _let_go(self, resource: LiteLLMDatabase, server_namespace: str, error: UnavailableError) -> Outcome:
        """Let a resource go whose server cannot be reached, where nothing is left or waiting has no end."""
        if error.reason is Reason.ADMIN_SECRET_MISSING or await self._cluster.is_namespace_going(server_namespace):
            return _left(
                f"the server's admin Secret or namespace is gone; database {resource.database} is left as it is"
            )
        if deletion.may_abandon(resource, now=datetime.now(UTC)):
            return _left(f"database {resource.database} is left as it is, with its logins: {error.message}")
        raise error

    async def _mark(self, resource: LiteLLMDatabase) -> Mark:
        meta = resource.metadata
        return Mark(
            identity=self._identity,
            namespace=meta.namespace,
            namespace_uid=await self._cluster.fetch_namespace_uid(meta.namespace),
            name=meta.name,
            uid=meta.uid,
        )


def resolve_target(asked: LiteLLMTarget, library: Library) -> Bundle:
    """Return the bundle that is asked for; an unknown one is refused with the nearest that is known."""
    if asked.version is not None:
        found, what = library.by_litellm(asked.version), f"LiteLLM {asked.version}"
        known = f"the nearest known release is {library.nearest_litellm(asked.version)}"
    else:
        found, what = library.by_bundle(asked.bundle or ""), f"bundle {asked.bundle}"
        known = f"known are {', '.join(bundle.version for bundle in library.bundles)}"
    if found is None:
        raise InvalidSpecError(
            Reason.UNKNOWN_VERSION, f"cannot migrate to {what}: this operator has no bundle for it; {known}"
        )
    return found


def _goes_on_at_once(plan: Plan) -> bool:
    decisive = plan.decisive()
    return bool(plan.steps) and decisive is not None and decisive.retry_after == 0


def _check_server_takes(resource: LiteLLMDatabase, observed: Observed, server: Connected) -> None:
    if server.resource.going and observed.catalog.database is None:
        raise UnavailableError(
            Reason.SERVER_NOT_AVAILABLE,
            f"cannot make database {resource.database}: PostgresServer {server.key} is being deleted",
        )


def _left(message: str) -> Outcome:
    return Outcome(status=None, left=True, event=Event(type="Normal", reason=Reason.DELETING, message=message))
