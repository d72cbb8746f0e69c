"""What a Job and its pod say: read from JSON that any version of Kubernetes sent."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from litellm_database_operator.kube.kinds import uid_of
from litellm_database_operator.kube.reading import (
    Json,
    annotations,
    controller_uid,
    is_going,
    items,
    labels,
    part,
)
from litellm_database_operator.model import names
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.model.observed import JobFacts, PodFacts
from litellm_database_operator.model.report import clean
from litellm_database_operator.planning.gate import DEFAULT_GATE

STUCK: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
"""Reasons of a waiting container that do not pass by themselves; ContainerCreating does.

https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go
"""
UNSCHEDULABLE: Final = "Unschedulable"


def job_facts(job: Json, pod: Json | None, failed_create: str | None, owner_uid: str) -> JobFacts:
    """Read a Job; it is ours when it bears our label and `owner_uid` controls it."""
    meta = job["metadata"]
    noted = annotations(job)
    ended = _ended(job)
    facts = None if pod is None else pod_facts(pod)
    # The pod's own word comes a second or two before the Job controller's.
    succeeded = (ended is not None and ended["type"] == "Complete") or (facts is not None and facts.exit_code == 0)
    return JobFacts(
        name=meta["name"],
        uid=uid_of(job),
        ours=labels(job).get(names.MANAGED_BY_LABEL) == names.MANAGED_BY and controller_uid(job) == owner_uid,
        target=noted.get(names.TARGET_ANNOTATION, ""),
        ledger=noted.get(names.LEDGER_ANNOTATION, ""),
        retry=noted.get(names.RETRY_OF_ANNOTATION, ""),
        mode=_mode(noted.get(names.MODE_ANNOTATION)),
        gate=noted.get(names.GATE_ANNOTATION, DEFAULT_GATE),
        proof=noted.get(names.PROOF_ANNOTATION, ""),
        template=noted.get(names.TEMPLATE_ANNOTATION, ""),
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        finished=succeeded or ended is not None,
        succeeded=succeeded,
        going=is_going(job),
        refused=failed_create,
        deadline_exceeded=ended is not None and ended.get("reason") == "DeadlineExceeded",
        pod=facts,
    )


def _mode(noted: str | None) -> RunMode:
    """Read what a Job is for; one from before there were previews says nothing, and migrates."""
    return RunMode.PREVIEW if noted == RunMode.PREVIEW else RunMode.MIGRATE


def is_finished(job: Json) -> bool:
    """Tell whether a Job is Complete or Failed."""
    return _ended(job) is not None


def pod_of(job: Json, pods: Iterable[Json]) -> Json | None:
    """Return the Job's newest pod: a disrupted one may lie beside it."""
    of_job = [pod for pod in pods if controller_uid(pod) == uid_of(job)]
    return max(of_job, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)


def pod_facts(pod: Json) -> PodFacts:
    """Read why a pod does not run, or what its container left behind."""
    if ended := _state(pod, "terminated"):
        return _pod_facts(message=_first(ended.get("reason"), _status(pod).get("message")), ended=ended)
    waiting = _state(pod, "waiting")
    if waiting and waiting.get("reason") in STUCK:
        return _pod_facts(waiting=waiting["reason"], message=_first(waiting.get("message")))
    unscheduled = _condition(_status(pod), "PodScheduled", value="False")
    if unscheduled and unscheduled.get("reason") == UNSCHEDULABLE:
        return _pod_facts(waiting=UNSCHEDULABLE, message=_first(unscheduled.get("message")))
    return _pod_facts(message=_first(_status(pod).get("reason"), _status(pod).get("message")))


def job_has_news(job: Json) -> bool:
    """Tell whether a Job's change is worth a pass: it has finished, or it is going."""
    return is_finished(job) or is_going(job)


def pod_has_news(pod: Json) -> bool:
    """Tell whether a pod's change is worth a pass: it does not get to run, or it has run."""
    facts = pod_facts(pod)
    return facts.waiting is not None or facts.exit_code is not None or _status(pod).get("phase") == "Failed"


def _pod_facts(*, waiting: str | None = None, message: str, ended: Json | None = None) -> PodFacts:
    return PodFacts(
        waiting=waiting,
        message=message,
        termination_message=ended.get("message") if ended else None,
        exit_code=ended.get("exitCode") if ended else None,
    )


def _ended(job: Json) -> Json | None:
    status = _status(job)
    return _condition(status, "Complete") or _condition(status, "Failed")


def _condition(status: Json, kind: str, *, value: str = "True") -> Json | None:
    return next(
        (item for item in items(status, "conditions") if item["type"] == kind and item["status"] == value), None
    )


def _state(pod: Json, state: str) -> Json | None:
    """Return that state of the first container that is in it, init containers first."""
    status = _status(pod)
    found = [*items(status, "initContainerStatuses"), *items(status, "containerStatuses")]
    return next((item["state"][state] for item in found if state in part(item, "state")), None)


def _status(body: Json) -> Json:
    return part(body, "status")


def _first(*texts: str | None) -> str:
    return clean(": ".join(text for text in texts if text))
