"""What is said of a migration Job that has not finished, and whether it had better be made anew."""

import hashlib
from typing import Final

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import JobFacts, Observed, PodFacts
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import LiteLLMDatabase, PodTemplate
from litellm_database_operator.planning.findings import Finding, waiting
from litellm_database_operator.planning.occasion import Occasion
from litellm_database_operator.planning.question import running_job
from litellm_database_operator.planning.words import quoted

LOOK_AT_A_RUN: Final = 10.0
"""Seconds between looks at a running Job, for its progress; its end wakes us earlier."""
LOOK_AGAIN: Final = 30.0
"""Seconds between looks at what no event tells of: a free slot, a pod that cannot start."""
_UNSCHEDULABLE: Final = "Unschedulable"


def template_fingerprint(asked: PodTemplate, *, image: str) -> str:
    """Return a short name for what the pod of a Job is made from."""
    return hashlib.sha256(f"{image}\0{asked.model_dump_json()}".encode()).hexdigest()[:16]


def replaceable(resource: LiteLLMDatabase, observed: Observed, occasion: Occasion) -> JobFacts | None:
    """Return a Job whose pod has not started and would be made otherwise now: somebody mended what kept it."""
    job = running_job(observed.jobs)
    if job is None or not (job.refused or blocked(job.pod)):
        return None
    wanted = template_fingerprint(resource.spec.migration.pod_template, image=occasion.image)
    return job if job.template != wanted else None


def told_of_run(job: JobFacts, target: Bundle) -> Finding:
    """Return what is said while a Job is on its way to the target, or to another one before it."""
    if held := held_up(job):
        return held
    if job.target != target.digest:
        text = f"a Job to another bundle still runs ({job.name}); bundle {target.version} comes after it"
        return waiting(Reason.MIGRATING, text, retry_after=LOOK_AT_A_RUN)
    return waiting(Reason.MIGRATING, migrating(target), retry_after=LOOK_AT_A_RUN)


def migrating(target: Bundle) -> str:
    """Return what is said of a database whose Job runs."""
    return f"a migration Job runs to bundle {target.version}"


def held_up(job: JobFacts) -> Finding | None:
    """Return why a Job does not get to run, in the cluster's words, or None."""
    if not job.refused:
        return blocked(job.pod)
    text = (
        f"the cluster lets Job {job.name} make no pod: {quoted(job.refused)}. Raise the quota, or correct "
        "spec.migration.podTemplate; it is tried again by itself"
    )
    return waiting(Reason.POD_REFUSED, text, retry_after=LOOK_AGAIN)


def blocked(pod: PodFacts | None) -> Finding | None:
    """Return why a pod does not start, or None."""
    if pod is None or pod.waiting is None:
        return None
    if pod.waiting == _UNSCHEDULABLE:
        text = (
            f"no node takes the migration pod: {quoted(pod.message)}. Correct spec.migration.podTemplate "
            "(nodeSelector, tolerations, resources), or make room; the pod is made anew then"
        )
        return waiting(Reason.POD_UNSCHEDULABLE, text, retry_after=LOOK_AGAIN)
    text = (
        f"the migration pod's container cannot start ({pod.waiting}): {quoted(pod.message)}. Check the operator's "
        "LITELLMDB_IMAGE, and spec.migration.podTemplate.imagePullSecrets"
    )
    return waiting(Reason.IMAGE_PULL_FAILED, text, retry_after=LOOK_AGAIN)
