"""When a migration Job runs, and what its end means.

Done is read from the database, never from a Job: a Job only says why the database is not done yet.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from litellm_database_operator.model import names, report
from litellm_database_operator.model.bundle import Bundle, ledger_fingerprint, names_ahead
from litellm_database_operator.model.observed import InsideFacts, JobFacts, LoginState, Observed, PodFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase, PodTemplate
from litellm_database_operator.planning.credentials import binding
from litellm_database_operator.planning.findings import Finding, done, stalled, waiting
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.steps import CloseMigration, DeleteJobs, StartMigration, Step

_AT_ONCE: Final = 0.0
_LOOK_AGAIN: Final = 30.0
"""Seconds between looks at a running Job; its end wakes us earlier."""
_REPEAT_AFTER: Final = timedelta(minutes=10)
"""A run that a fault ended, or that succeeded and left the schema incomplete, is repeated this seldom."""
_PASSING: Final = frozenset({Reason.SERVER_UNREACHABLE, Reason.LOGIN_FAILED, Reason.MIGRATION_INTERRUPTED})
"""Failures of a run that say nothing against the bundle: another run may well go through."""
_UNDONE_AFTER: Final = timedelta(minutes=1)
"""So long after its beginning a run is repeated whose work is not to be seen."""
_UNSCHEDULABLE: Final = "Unschedulable"
_NOTHING: Final = InsideFacts(finished=frozenset(), unfinished=frozenset(), views=frozenset(), verified=frozenset())


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
    if stop := _verdict(resource, observed.jobs, inside, occasion):
        return stop
    if not observed.may_migrate:
        full = "waiting for a free migration: limits.concurrentMigrations of the PostgresServer are running"
        return waiting(Reason.PENDING, full, retry_after=_LOOK_AGAIN)
    return None


def _ahead(target: Bundle, ahead: tuple[str, ...]) -> str:
    return (
        f"the database is ahead of bundle {target.version}: {len(ahead)} applied migrations are newer, up to "
        f"{_quoted(ahead[-1])}. Nothing is ever migrated back: ask for a LiteLLM release at least as new. "
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
            f"the cluster lets Job {job.name} make no pod: {_quoted(job.refused)}. Raise the quota, or correct "
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
            f"no node takes the migration pod: {_quoted(pod.message)}. Correct spec.migration.podTemplate "
            "(nodeSelector, tolerations, resources), or make room; the pod is made anew then"
        )
        return waiting(Reason.POD_UNSCHEDULABLE, text, retry_after=_LOOK_AGAIN)
    text = (
        f"the migration pod's container cannot start ({pod.waiting}): {_quoted(pod.message)}. Check the operator's "
        "LITELLMDB_IMAGE, and spec.migration.podTemplate.imagePullSecrets"
    )
    return waiting(Reason.IMAGE_PULL_FAILED, text, retry_after=_LOOK_AGAIN)


def _verdict(
    resource: LiteLLMDatabase, jobs: tuple[JobFacts, ...], inside: InsideFacts, occasion: Occasion
) -> Finding | None:
    """Return why no further Job is started: the last one answered for just this target, ledger and retry."""
    target = occasion.target
    last = next((job for job in jobs if job.target == target.digest and job.retry == resource.retry), None)
    if last is None:
        return None
    found = read_report(last)
    told = found if isinstance(found, report.Report) else None
    # a run that applied nothing may have failed before its first look: it left the ledger that it started from
    ended_at = told.ledger if told and told.applied else last.ledger
    if ended_at != ledger_fingerprint(inside.finished):
        return _undone(last, inside, occasion)
    if last.succeeded:
        return _left_incomplete(last, inside, occasion)
    how = f"Job {last.name} to bundle {target.version}"
    retry = f"then: kubectl -n {resource.metadata.namespace} annotate litellmdatabase {resource.metadata.name} "
    retry += f"--overwrite {names.RETRY_ANNOTATION}=$(date +%s)"
    failure = _failed(last, found, how=how, retry=retry)
    return _or_another_try(failure, last, occasion) if failure.reason in _PASSING else failure


def _undone(last: JobFacts, inside: InsideFacts, occasion: Occasion) -> Finding | None:
    """Return a pause where the ledger is what the run began with, whatever it reports; None where it is another.

    A database that was restored looks like that, and so does a report that was forged: the one may run again, the
    other may not have it run again and again.
    """
    left = last.created + _UNDONE_AFTER - occasion.now
    if last.ledger != ledger_fingerprint(inside.finished) or left <= timedelta(0):
        return None
    text = f"Job {last.name} has ended, and nothing of what it reports is in the ledger; it is run again soon"
    return waiting(Reason.MIGRATING, text, retry_after=left.total_seconds())


def _or_another_try(failure: Finding, last: JobFacts, occasion: Occasion) -> Finding | None:
    """Return the failure as one that passes, or None when it is time for another run."""
    left = last.created + _REPEAT_AFTER - occasion.now
    if left <= timedelta(0):
        return None
    text = f"{failure.message}. It is run again by itself ten minutes after it began"
    return waiting(failure.reason, text, retry_after=left.total_seconds())


def _left_incomplete(last: JobFacts, inside: InsideFacts, occasion: Occasion) -> Finding | None:
    target = occasion.target
    if occasion.now - last.created >= _REPEAT_AFTER:
        return None
    lacking = sorted((set(target.migrations) - inside.finished) | (set(target.views) - inside.views))
    what = ", ".join(lacking[:3]) or "the record of its comparison"
    return stalled(
        Reason.SCHEMA_INCOMPLETE,
        f"Job {last.name} succeeded, yet the database lacks {what}; something removed it afterwards. "
        "The run is repeated in ten minutes",
    )


def _failed(last: JobFacts, found: report.Report | str | None, *, how: str, retry: str) -> Finding:
    if isinstance(found, report.Report) and found.failure is not None:
        return stalled(found.failure.reason, f"{how} failed: {_told(found.failure)}. Mend the cause, {retry}")
    if isinstance(found, str):
        text = f"{how} failed and its report cannot be read ({found}). See its log, {retry}"
        return stalled(Reason.REPORT_INVALID, text)
    if last.deadline_exceeded:
        text = (
            f"{how} outlived its deadline and was ended by Kubernetes: its pod could not start (see the Job's Events), "
            f"or needs a longer spec.migration.deadline. Mend it, {retry}"
        )
        return stalled(Reason.MIGRATION_DEADLINE_EXCEEDED, text)
    code = f" (exit code {last.pod.exit_code})" if last.pod and last.pod.exit_code is not None else ""
    return stalled(
        Reason.MIGRATION_INTERRUPTED,
        f"{how} ended without a report{code}: its pod was deleted or killed, or its node went. What it had applied is "
        f"recorded and stays. See kubectl logs job/{last.name}, {retry}",
    )


def read_report(job: JobFacts) -> report.Report | str | None:
    """Return a Job's report, why it is none, or None where nothing was left."""
    text = job.pod.termination_message if job.pod else None
    if not text:
        return None
    try:
        return report.parse(text)
    except report.ReportError as error:
        return str(error)


def _told(failure: report.Failure) -> str:
    parts = [_quoted(failure.message)]  # the migrator's word, and so a tenant's namespace's
    if failure.migration:
        parts.append(f"migration {_quoted(failure.migration)}")
    codes = [code for code in (failure.prisma_code, failure.sqlstate and f"SQLSTATE {failure.sqlstate}") if code]
    if codes:
        parts.append(", ".join(codes))
    if failure.server_message:
        parts.append(f"PostgreSQL says {_quoted(failure.server_message)}")
    if failure.statement:
        parts.append(f"at {_quoted(failure.statement)}")
    return "; ".join(parts)


def _quoted(text: str) -> str:
    """Return a foreign text as it may stand in a message of ours: cleaned, bounded, quoted."""
    return f'"{report.clean(text)}"'
