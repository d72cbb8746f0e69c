"""When a migration Job runs; what its end means is in verdict.py.

Done is read from the database, never from a Job: a Job only says why the database is not done yet.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from litellm_database_operator.model import names
from litellm_database_operator.model.bundle import Bundle, ledger_fingerprint, names_ahead
from litellm_database_operator.model.observed import InsideFacts, JobFacts, LoginState, Observed, PodFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase, PodTemplate
from litellm_database_operator.planning.credentials import binding
from litellm_database_operator.planning.findings import Finding, done, stalled, waiting
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.steps import CloseMigration, DeleteJobs, StartMigration, Step
from litellm_database_operator.planning.verdict import judge_last_run, quoted

_AT_ONCE: Final = 0.0
_LOOK_AGAIN: Final = 30.0
"""Seconds between looks at a running Job; its end wakes us earlier."""
_UNSCHEDULABLE: Final = "Unschedulable"
_NOTHING: Final = InsideFacts(finished=frozenset(), unfinished=frozenset(), views=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """The steps towards the target, and how SchemaMigrated stands."""

    steps: tuple[Step, ...]
    finding: Finding


def is_complete(target: Bundle, inside: InsideFacts) -> bool:
    """Tell whether the database proves that it is at the target: ledger, views, and a run that compared the schema."""
    return (
        inside.finished.issuperset(target.migrations)
        and inside.views.issuperset(target.views)
        and target.digest in inside.verified
    )


def plan_migration(resource: LiteLLMDatabase, observed: Observed, occasion: Occasion, *, is_new: bool) -> MigrationPlan:
    """Decide on the Job; `is_new` says that no login could ever enter the database, so that it is empty."""
    if observed.catalog.migrator_unlocked and not _running_job(observed):
        close = CloseMigration(migrator=resource.roles.migrator)
        return MigrationPlan(steps=(close,), finding=_again("the run has ended; its result is being read"))
    if stuck := _replaceable(resource, observed, occasion):
        steps = (DeleteJobs(jobs=(stuck.name,)),)
        return MigrationPlan(steps=steps, finding=_again("its pod cannot start, and is asked for otherwise now"))
    inside = _NOTHING if is_new else observed.inside
    if inside is None:
        return MigrationPlan(steps=(), finding=_unseen(observed))
    if finding := _settled(resource, observed, inside, occasion):
        return MigrationPlan(steps=(), finding=finding)
    return MigrationPlan(
        steps=tuple(_start(resource, observed, inside, occasion)),
        finding=waiting(Reason.MIGRATING, _migrating(occasion.target), retry_after=_LOOK_AGAIN),
    )


def _settled(resource: LiteLLMDatabase, observed: Observed, inside: InsideFacts, occasion: Occasion) -> Finding | None:
    """Return why no Job is started, or None when one is due."""
    target = occasion.target
    if running := _running_job(observed):
        return _running(running, target)
    if ahead := names_ahead(target.migrations, inside.finished):
        return stalled(Reason.AHEAD_OF_TARGET, _ahead(target, ahead))
    if is_complete(target, inside):
        return done(Reason.MIGRATED, f"ledger, views and schema match bundle {target.version}")
    if stop := judge_last_run(resource, observed.jobs, inside, occasion):
        return stop
    if not observed.may_migrate:
        full = "waiting for a free migration: limits.concurrentMigrations of the PostgresServer are running"
        return waiting(Reason.PENDING, full, retry_after=_LOOK_AGAIN)
    return None


def _ahead(target: Bundle, ahead: tuple[str, ...]) -> str:
    return (
        f"the database is ahead of bundle {target.version}: {len(ahead)} applied migrations are newer, up to "
        f"{quoted(ahead[-1])}. Nothing is ever migrated back: ask for a LiteLLM release at least as new. "
        "The database serves on as it is"
    )


def _replaceable(resource: LiteLLMDatabase, observed: Observed, occasion: Occasion) -> JobFacts | None:
    """Return a Job whose pod has not started and would be made otherwise now: somebody mended what kept it."""
    job = _running_job(observed)
    if job is None or not (job.refused or _blocked(job.pod)):
        return None
    wanted = template_fingerprint(resource.spec.migration.pod_template, image=occasion.image)
    return job if job.template != wanted else None


def template_fingerprint(asked: PodTemplate, *, image: str) -> str:
    """Return a short name for what the pod of a Job is made from."""
    return hashlib.sha256(f"{image}\0{asked.model_dump_json()}".encode()).hexdigest()[:16]


def _running_job(observed: Observed) -> JobFacts | None:
    return next((job for job in observed.jobs if not job.finished), None)


def _again(message: str) -> Finding:
    return waiting(Reason.MIGRATING, message, retry_after=_AT_ONCE)


def _unseen(observed: Observed) -> Finding:
    if observed.login is LoginState.CROWDED:
        # not at once: looking again is one more connection
        text = "cannot look at the ledger while the app's connections, or the server's, are all in use"
        return waiting(Reason.SERVER_BUSY, text, retry_after=_LOOK_AGAIN)
    return _again("waiting for the app's login, to look at the ledger")


def _migrating(target: Bundle) -> str:
    return f"a migration Job runs to bundle {target.version}"


def _start(resource: LiteLLMDatabase, observed: Observed, inside: InsideFacts, occasion: Occasion) -> Iterator[Step]:
    target = occasion.target
    roles, meta = resource.roles, resource.metadata
    ledger = ledger_fingerprint(inside.finished)
    app = binding(resource, observed, occasion.fresh.migrator)
    yield StartMigration(
        job=names.job_name(meta.name, meta.uid, target.digest, ledger, resource.retry),
        bundle=target.version,
        target=target.digest,
        ledger=ledger,
        retry=resource.retry,
        template=template_fingerprint(resource.spec.migration.pod_template, image=occasion.image),
        deadline=resource.spec.migration.deadline,
        binding=app.for_login(roles.migrator),
        ca=observed.ca,
        app=roles.app,
        server=observed.server_key,
        pod_template=resource.spec.migration.pod_template,
        replaces=tuple(job.name for job in observed.jobs),
    )


def _running(job: JobFacts, target: Bundle) -> Finding:
    if job.refused:
        text = (
            f"the cluster lets Job {job.name} make no pod: {quoted(job.refused)}. Raise the quota, or correct "
            "spec.migration.podTemplate; it is tried again by itself"
        )
        return waiting(Reason.POD_REFUSED, text, retry_after=_LOOK_AGAIN)
    if blocked := _blocked(job.pod):
        return blocked
    if job.target != target.digest:
        text = f"a Job to another bundle still runs ({job.name}); bundle {target.version} comes after it"
        return waiting(Reason.MIGRATING, text, retry_after=_LOOK_AGAIN)
    return waiting(Reason.MIGRATING, _migrating(target), retry_after=_LOOK_AGAIN)


def _blocked(pod: PodFacts | None) -> Finding | None:
    if pod is None or pod.waiting is None:
        return None
    if pod.waiting == _UNSCHEDULABLE:
        text = (
            f"no node takes the migration pod: {quoted(pod.message)}. Correct spec.migration.podTemplate "
            "(nodeSelector, tolerations, resources), or make room; the pod is made anew then"
        )
        return waiting(Reason.POD_UNSCHEDULABLE, text, retry_after=_LOOK_AGAIN)
    text = (
        f"the migration pod's container cannot start ({pod.waiting}): {quoted(pod.message)}. Check the operator's "
        "LITELLMDB_IMAGE, and spec.migration.podTemplate.imagePullSecrets"
    )
    return waiting(Reason.IMAGE_PULL_FAILED, text, retry_after=_LOOK_AGAIN)
