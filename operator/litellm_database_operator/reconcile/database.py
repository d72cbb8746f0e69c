"""One pass over one LiteLLMDatabase: look, decide, act, report."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from litellm_database_operator.errors import InvalidSpecError, MustActError, OperatorError, UnavailableError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.objects import owner_of
from litellm_database_operator.kube.reading import is_going, part
from litellm_database_operator.model.bundle import Bundle, Library
from litellm_database_operator.model.observed import Observed
from litellm_database_operator.model.outcome import Outcome
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase
from litellm_database_operator.model.resource_key import ResourceKey, key_of
from litellm_database_operator.model.roles import Mark
from litellm_database_operator.model.secret import mint_password
from litellm_database_operator.planning import guards
from litellm_database_operator.planning.occasion import FreshPasswords, Occasion, PreviewTarget
from litellm_database_operator.planning.parse import parse_database
from litellm_database_operator.planning.plan import Plan, make_plan
from litellm_database_operator.planning.running import LOOK_AGAIN
from litellm_database_operator.planning.steps import StartMigration
from litellm_database_operator.planning.target import resolve_target
from litellm_database_operator.postgres.history import read_history
from litellm_database_operator.reconcile import database_report
from litellm_database_operator.reconcile.apply import Applier
from litellm_database_operator.reconcile.claims import Claims
from litellm_database_operator.reconcile.home import Home
from litellm_database_operator.reconcile.leaving import Leaver, leave_unreadable
from litellm_database_operator.reconcile.observe import Observer
from litellm_database_operator.reconcile.places import Places
from litellm_database_operator.reconcile.servers import Connected, Servers
from litellm_database_operator.reconcile.slots import MigrationSlots
from litellm_database_operator.reconcile.summary import Patience, past
from litellm_database_operator.settings import Settings

_ROUNDS: Final = 4
"""Looks in one pass: making, closing a run and judging it follow at once, without a status between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a pass is for; every look in it has passwords and a time of its own."""

    target: Bundle
    preview: PreviewTarget | None
    mark: Mark
    settings: Settings

    def occasion(self) -> Occasion:
        """Return what a look and its plan are made with, now."""
        return Occasion(
            target=self.target,
            mark=self.mark,
            fresh=FreshPasswords(app=mint_password(), migrator=mint_password()),
            image=self.settings.image,
            now=datetime.now(UTC),
            preview=self.preview,
            proof_after=timedelta(hours=self.settings.proof_hours),
            history=frozenset(each.name for each in read_history(self.settings.history).migrations),
        )


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
        places: Places,
        identity: str,
        settings: Settings,
    ) -> None:
        """Work through these; `identity` is the installation's, as marks bear it."""
        self._cluster = cluster
        self._servers = servers
        self._applier = applier
        self._observer = Observer(cluster, slots)
        self._claims = Claims(identity)
        self._leaver = Leaver(
            cluster=cluster, servers=servers, applier=applier, observer=self._observer, claims=self._claims
        )
        self._library = library
        self._slots = slots
        self._places = places
        self._settings = settings
        self._patience = Patience()

    async def __call__(self, body: Mapping[str, Any]) -> Outcome:
        """Run one pass over the resource as it was last seen."""
        key = key_of(body)
        try:
            outcome = await (self._leave(body) if is_going(body) else self._pass(parse_database(body), body))
        except OperatorError as error:
            if isinstance(error, MustActError):
                self._slots.leave(key)  # nobody should wait for a person who mends another's resource
            return self._failed(key, body, error)
        self._patience.ends(key)
        return outcome

    def _failed(self, key: ResourceKey, body: Mapping[str, Any], error: OperatorError) -> Outcome:
        # a deletion that hangs says why at once: nobody is served by its Ready any more
        patient = self._patience.with_fault_of(key) and not is_going(body)
        return database_report.failed(error, before=past(body), now=datetime.now(UTC), patient=patient)

    async def _pass(self, resource: LiteLLMDatabase, body: Mapping[str, Any]) -> Outcome:
        target = resolve_target(resource.spec.litellm, self._library)
        namespace, _ = self._servers.reference(resource)
        guards.check_request(resource, server_namespace=namespace)
        home = Home(self._cluster, resource.metadata.namespace)
        server = await self._connect(resource, body, home)
        mark = await self._claims.mark_of(resource, home)
        purpose = Purpose(target=target, preview=self._preview_of(resource), mark=mark, settings=self._settings)
        observed, plan = await self._rounds(resource, body, server, purpose)
        outcome = database_report.settled(resource, observed, plan, before=past(body), now=datetime.now(UTC))
        outcome = _looked_at_again(outcome, observed)
        # What is mended in every look and never stays so is left for longer each time.
        return replace(outcome, failed=True, retry_after=None) if _goes_on_at_once(plan) else outcome

    async def _connect(self, resource: LiteLLMDatabase, body: Mapping[str, Any], home: Home) -> Connected:
        try:
            return await self._servers.connect_for(resource, home)
        except UnavailableError as error:
            if error.reason is Reason.SERVER_NOT_AVAILABLE and await self._leaver.close_run(resource, body, home):
                self._slots.leave(key_of(body))
            raise

    def _preview_of(self, resource: LiteLLMDatabase) -> PreviewTarget | None:
        """Return what is to be planned for; one that cannot be is told of, and stops nothing."""
        asked = resource.spec.migration.preview
        if asked is None:
            return None
        try:
            return PreviewTarget(bundle=resolve_target(asked, self._library))
        except InvalidSpecError as error:
            return PreviewTarget(bundle=None, refusal=error.message, reason=error.reason)

    async def _leave(self, body: Mapping[str, Any]) -> Outcome:
        self._slots.leave(key_of(body))
        try:
            resource = parse_database(body)
        except InvalidSpecError as error:
            return leave_unreadable(body, error)
        return await self._leaver.leave(resource, body)

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
        occasion = purpose.occasion()
        observed = await self._observer.observe(resource, part(body, "status"), server, occasion)
        try:
            plan = make_plan(resource, observed, occasion)
            _check_server_takes(resource, observed, server)
            async with self._place(body, observed, plan, server, purpose.mark):
                await self._applier.apply(plan.steps, owner_of(body), server)
        except OperatorError:
            # A Job that was started all the same is counted again by the next look.
            if not _runs(observed):
                self._slots.leave(key_of(body))
            raise
        self._settle_slot(key_of(body), observed, plan)
        return observed, plan

    def _place(
        self, body: Mapping[str, Any], observed: Observed, plan: Plan, server: Connected, mark: Mark
    ) -> AbstractAsyncContextManager[None]:
        """Hold a place on the server for a database that is made now, or picked up again; any other one has its own."""
        claimed = observed.catalog.mark is not None and not observed.catalog.mark.released
        return nullcontext() if claimed or not plan.steps else self._places.taken(body, server, mark)

    def _settle_slot(self, key: ResourceKey, observed: Observed, plan: Plan) -> None:
        """Keep a slot for a run, and a place among those who wait for one; leave for everybody else."""
        starts = any(isinstance(step, StartMigration) for step in plan.steps)
        waits = plan.migrated.reason is Reason.PENDING or plan.aside.waits
        if not (starts or waits or _runs(observed)):
            self._slots.leave(key)


def _looked_at_again(outcome: Outcome, observed: Observed) -> Outcome:
    """Have a run looked at before its slot ages, whatever else is said of the database."""
    if not _runs(observed):
        return outcome
    return replace(outcome, retry_after=min(LOOK_AGAIN, outcome.retry_after or LOOK_AGAIN))


def _runs(observed: Observed) -> bool:
    return any(not job.finished for job in observed.jobs)


def _goes_on_at_once(plan: Plan) -> bool:
    return bool(plan.steps) and plan.retry_after() == 0


def _check_server_takes(resource: LiteLLMDatabase, observed: Observed, server: Connected) -> None:
    if server.resource.going and observed.catalog.database is None:
        raise UnavailableError(
            Reason.SERVER_NOT_AVAILABLE,
            f"cannot make database {resource.database}: PostgresServer {server.key} is being deleted",
        )
