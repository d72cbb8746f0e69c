"""Carries out the steps of a plan, one after the other, and decides nothing."""

import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from pydantic import BaseModel

from litellm_database_operator.errors import NotOursError, OperatorError
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.effects import Effects
from litellm_database_operator.kube.job_facts import is_finished
from litellm_database_operator.kube.jobs import migration_job
from litellm_database_operator.kube.objects import Owner
from litellm_database_operator.kube.reading import controller_uid
from litellm_database_operator.kube.secrets import ca_secret, migrator_secret, published_secret, secret_facts
from litellm_database_operator.model import names
from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.observed import SecretFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.secret_metadata import KEEPING_ALL, SecretMetadata
from litellm_database_operator.planning.steps import (
    AdmitLogins,
    CloseMigration,
    ClusterStep,
    CreateDatabase,
    DeleteJobs,
    DeleteSecret,
    DropDatabase,
    ExtendHistory,
    PostgresStep,
    PrepareDatabase,
    PublishCa,
    PublishSecret,
    ReleaseDatabase,
    RestrictDatabase,
    SetPassword,
    ShapeRoles,
    StartMigration,
    Step,
)
from litellm_database_operator.reconcile.servers import Connected
from litellm_database_operator.settings import Settings

_log = logging.getLogger(__name__)
_LOGIN_OUTLIVES_DEADLINE: Final = timedelta(minutes=10)
"""VALID UNTIL of the migrator's password: its deadline, and time for the pod to be scheduled and pulled."""


class Applier:
    """Carries out steps by way of the API server and the server's admin."""

    def __init__(self, cluster: Cluster, settings: Settings, effects: Effects) -> None:
        """Work through `cluster`; `effects` surrounds each step, so that a test can crash there."""
        self._cluster = cluster
        self._settings = settings
        self._effects = effects

    async def apply(self, steps: Iterable[Step], owner: Owner, server: Connected) -> None:
        """Carry out `steps` in order; the first that fails ends the pass, and the next one begins with a look."""
        for step in steps:
            async with self._effect(step):
                await self._apply(step, owner, server)

    def _effect(self, step: Step) -> AbstractAsyncContextManager[None]:
        return self._effects(type(step).__name__)

    async def _apply(self, step: Step, owner: Owner, server: Connected) -> None:
        if isinstance(step, PostgresStep):
            await self._apply_to_server(step, server)
        else:
            await self._apply_to_cluster(step, owner, server)

    async def _apply_to_server(self, step: PostgresStep, server: Connected) -> None:
        gateway = server.gateway
        match step:
            case ShapeRoles():
                await gateway.shape_roles(step, server.facts)
            case CreateDatabase(database=database):
                await gateway.create_database(database)
            case PrepareDatabase():
                await gateway.prepare_database(step, server.facts, self._settings.history)
            case ExtendHistory():
                await self._extend_history(step, server)
            case AdmitLogins():
                await gateway.admit_logins(step)
            case RestrictDatabase(database=database):
                await gateway.restrict_database(database)
            case SetPassword(login=login, password=password):
                await gateway.set_password(login, password)
            case ReleaseDatabase():
                await gateway.release(step)
            case DropDatabase():
                await gateway.drop(step)
            case _:
                assert_never(step)

    async def _extend_history(self, step: ExtendHistory, server: Connected) -> None:
        try:
            await server.gateway.extend_history(step, self._settings.history)
        except OperatorError as error:
            if step.needed:
                raise
            _log.warning("the next look tries again: %s", error.message)

    async def _apply_to_cluster(self, step: ClusterStep, owner: Owner, server: Connected) -> None:
        match step:
            case PublishSecret():
                await self._put_secret(published_secret(step, owner), step.replaces, step.metadata)
            case PublishCa():
                await self._put_secret(ca_secret(step, owner), step.replaces, step.metadata)
            case DeleteSecret(name=name, uid=uid):
                await self._cluster.delete_secret(owner.namespace, name, uid=uid)
            case StartMigration():
                await self._start_migration(step, owner, server)
            case CloseMigration(migrator=migrator):
                await self._close_migration(migrator, owner, server)
            case DeleteJobs(jobs=jobs):
                await self._delete_jobs(jobs, owner)
            case _:
                assert_never(step)

    async def _put_secret(self, body: BaseModel, replaces: str | None, metadata: SecretMetadata = KEEPING_ALL) -> None:
        if replaces is None:
            await self._cluster.create_secret(body)
        else:
            await self._cluster.replace_secret(body, dropping=metadata)

    async def _start_migration(self, step: StartMigration, owner: Owner, server: Connected) -> None:
        """Hand the migrator its login, then start it; an earlier run may have left its Secret, which is overwritten.

        Unless a run has begun since the look: it has read its login, which a new password would take away.
        """
        await self._delete_jobs(step.replaces, owner)
        found = await self._find_migrator_secret(owner)
        if found and await self._runs(owner):
            return
        await self._put_migrator_secret(step, owner, found)
        valid_until = datetime.now(UTC) + timedelta(seconds=step.deadline) + _LOGIN_OUTLIVES_DEADLINE
        await server.gateway.unlock_migrator(step.binding.login, step.binding.password, valid_until=valid_until)
        settings = self._settings
        job = migration_job(
            step=step,
            owner=owner,
            image=settings.image,
            pull_policy=settings.image_pull_policy,
        )
        await self._cluster.create_job(job)

    async def _close_migration(self, migrator: RoleName, owner: Owner, server: Connected) -> None:
        """Take the migrator's login away, unless a run has begun since the look: another operator may have started it.

        It would wait for its Secret until its deadline.
        """
        if await self._runs(owner):
            return
        await self.delete_migrator_secret(owner)
        await server.gateway.lock_login(migrator)

    async def _runs(self, owner: Owner) -> bool:
        jobs = await self._cluster.list_jobs(owner.namespace, owner.name)
        return any(controller_uid(job) == owner.uid and not is_finished(job) for job in jobs)

    async def _put_migrator_secret(self, step: StartMigration, owner: Owner, found: SecretFacts | None) -> None:
        if found and not found.ours:
            raise NotOursError(
                Reason.SECRET_NOT_OURS,
                f"cannot hand the migrator its login: Secret {found.name} exists and is not ours; delete it",
            )
        replaces = found.resource_version if found else None
        await self._put_secret(migrator_secret(step, owner, replaces=replaces), replaces)

    async def has_migrator_secret(self, owner: Owner) -> bool:
        """Tell whether the Secret by which the migrator was handed its login is there, and ours."""
        found = await self._find_migrator_secret(owner)
        return found is not None and found.ours

    async def delete_migrator_secret(self, owner: Owner) -> None:
        """Delete the Secret by which the migrator was handed its login; one that is gone, or not ours, is fine."""
        found = await self._find_migrator_secret(owner)
        if found and found.ours:
            await self._cluster.delete_secret(owner.namespace, found.name, uid=found.uid)

    async def _find_migrator_secret(self, owner: Owner) -> SecretFacts | None:
        body = await self._cluster.fetch_secret(owner.namespace, names.migrator_secret(owner.name))
        return secret_facts(body, owner.name, owner.uid) if body else None

    async def _delete_jobs(self, jobs: Iterable[str], owner: Owner) -> None:
        for job in jobs:
            await self._cluster.delete_job(owner.namespace, job)
