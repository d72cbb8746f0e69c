"""What a Job and its pod say, as Kubernetes wrote it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from litellm_database_operator.kube.job_facts import job_facts, job_has_news, pod_facts, pod_has_news, pod_of
from litellm_database_operator.kube.jobs import migration_job
from litellm_database_operator.kube.objects import to_json
from litellm_database_operator.model import names
from litellm_database_operator.model.migration import RunMode
from litellm_database_operator.planning.gate import DEFAULT_GATE
from tests.support.kube_samples import OWNER, STEP


def job(*conditions: dict[str, str], **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "gateway-migrate-0a1b2c3d",
            "uid": "j1",
            "creationTimestamp": "2026-11-24T08:00:00Z",
            "labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY},
            "annotations": {
                names.TARGET_ANNOTATION: "sha256:ab",
                names.LEDGER_ANNOTATION: "0123",
                names.RETRY_OF_ANNOTATION: "again",
            },
            "ownerReferences": [{"uid": OWNER.uid, "controller": True}],
        }
        | meta,
        "status": {"conditions": list(conditions)} if conditions else {},
    }


def condition(kind: str, reason: str = "", status: str = "True") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason}


def pod(uid: str = "j1", created: str = "2026-11-24T08:00:01Z", **status: Any) -> dict[str, Any]:
    owners = [{"uid": uid, "controller": True}]
    return {"metadata": {"name": "p", "creationTimestamp": created, "ownerReferences": owners}, "status": status}


def container(**state: Any) -> list[dict[str, Any]]:
    return [{"name": "migrator", "state": state}]


def test_a_job_that_runs() -> None:
    facts = job_facts(job(), None, None, OWNER.uid)
    assert facts.ours
    assert (facts.target, facts.ledger, facts.retry) == ("sha256:ab", "0123", "again")
    assert facts.created == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert not facts.finished
    assert not facts.going
    assert facts.pod is None


@pytest.mark.parametrize(
    ("conditions", "finished", "succeeded", "deadline"),
    [
        pytest.param([condition("Complete")], True, True, False, id="complete"),
        pytest.param([condition("Failed", "BackoffLimitExceeded")], True, False, False, id="failed"),
        pytest.param([condition("Failed", "DeadlineExceeded")], True, False, True, id="deadline"),
        pytest.param([condition("FailureTarget", "DeadlineExceeded")], False, False, False, id="its pod still ends"),
        pytest.param([condition("Complete", status="False")], False, False, False, id="not complete"),
        pytest.param([condition("Suspended")], False, False, False, id="suspended by somebody"),
    ],
)
def test_how_a_job_ended(*, conditions: list[dict[str, str]], finished: bool, succeeded: bool, deadline: bool) -> None:
    body = job(*conditions)
    facts = job_facts(body, None, None, OWNER.uid)
    assert (facts.finished, facts.succeeded, facts.deadline_exceeded) == (finished, succeeded, deadline)
    assert job_has_news(body) == finished


def test_a_job_that_goes_is_news() -> None:
    body = job(deletionTimestamp="2026-11-24T08:01:00Z")
    assert job_facts(body, None, None, OWNER.uid).going
    assert job_has_news(body)


def test_a_job_says_what_it_is_for() -> None:
    noted = {names.MODE_ANNOTATION: "Preview", names.GATE_ANNOTATION: "", names.PROOF_ANNOTATION: "2026-11-23"}
    facts = job_facts(job(annotations=noted), None, None, OWNER.uid)
    assert (facts.mode, facts.gate, facts.proof) == (RunMode.PREVIEW, "", "2026-11-23")


@pytest.mark.parametrize(
    "noted",
    [
        pytest.param({}, id="from before there was a gate"),
        pytest.param({names.MODE_ANNOTATION: "Migrate", names.GATE_ANNOTATION: DEFAULT_GATE}, id="of today"),
        pytest.param({names.MODE_ANNOTATION: "Rehearse"}, id="of a newer operator"),
    ],
)
def test_a_job_migrates_under_the_defaults_unless_it_says_otherwise(noted: dict[str, str]) -> None:
    facts = job_facts(job(annotations=noted), None, None, OWNER.uid)
    assert (facts.mode, facts.gate, facts.proof) == (RunMode.MIGRATE, DEFAULT_GATE, "")


def test_what_a_job_is_made_with_is_read_back() -> None:
    step = replace(STEP, mode=RunMode.PREVIEW, gate="", proof="p", retry="again")
    body = to_json(migration_job(step=step, owner=OWNER, image="operator:1"))
    body["metadata"] |= {"uid": "j1", "creationTimestamp": "2026-11-24T08:00:00Z"}
    facts = job_facts(body, None, None, OWNER.uid)
    assert facts.ours
    found = (facts.mode, facts.gate, facts.proof, facts.target, facts.ledger, facts.retry, facts.template)
    assert found == (step.mode, step.gate, step.proof, step.target, step.ledger, step.retry, step.template)


def test_a_namesake_of_another_resource_is_not_ours() -> None:
    assert not job_facts(job(), None, None, "another").ours
    assert not job_facts(job(labels={}), None, None, OWNER.uid).ours


def test_a_job_says_why_it_could_make_no_pod() -> None:
    assert job_facts(job(), None, "exceeded quota", OWNER.uid).refused == "exceeded quota"


def test_the_newest_pod_of_the_job_counts() -> None:
    old, new = pod(created="2026-11-24T08:00:01Z"), pod(created="2026-11-24T08:00:09Z")
    foreign = pod("j2", created="2026-11-24T08:00:30Z")
    assert pod_of(job(), [new, foreign, old]) is new
    assert pod_of(job(), [foreign]) is None


UNSCHEDULED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available",
}


@pytest.mark.parametrize(
    ("status", "waiting", "message", "code", "news"),
    [
        pytest.param({}, None, "", None, False, id="new"),
        pytest.param(
            {"containerStatuses": container(waiting={"reason": "ContainerCreating"})},
            None,
            "",
            None,
            False,
            id="starts",
        ),
        pytest.param(
            {"containerStatuses": container(waiting={"reason": "ImagePullBackOff", "message": "no such\timage"})},
            "ImagePullBackOff",
            "no such image",
            None,
            True,
            id="no image",
        ),
        pytest.param(
            {"containerStatuses": container(waiting={"reason": "CreateContainerConfigError", "message": "no secret"})},
            "CreateContainerConfigError",
            "no secret",
            None,
            True,
            id="no secret",
        ),
        pytest.param(
            {"conditions": [UNSCHEDULED]}, "Unschedulable", "0/1 nodes are available", None, True, id="no node"
        ),
        pytest.param({"containerStatuses": container(running={})}, None, "", None, False, id="runs"),
        pytest.param(
            {"containerStatuses": container(terminated={"exitCode": 0, "reason": "Completed", "message": "{}"})},
            None,
            "Completed",
            0,
            True,
            id="ended well",
        ),
        pytest.param(
            {"containerStatuses": container(terminated={"exitCode": 137, "reason": "OOMKilled"})},
            None,
            "OOMKilled",
            137,
            True,
            id="out of memory",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"},
            None,
            "Evicted: The node was low on memory",
            None,
            True,
            id="evicted",
        ),
    ],
)
def test_why_a_pod_does_not_run(
    *, status: dict[str, Any], waiting: str | None, message: str, code: int | None, news: bool
) -> None:
    facts = pod_facts(pod(**status))
    assert (facts.waiting, facts.message, facts.exit_code) == (waiting, message, code)
    assert pod_has_news(pod(**status)) == news


def test_the_report_is_what_the_container_left() -> None:
    ended = {"exitCode": 1, "message": '{"version": 1}'}
    assert pod_facts(pod(containerStatuses=container(terminated=ended))).termination_message == '{"version": 1}'
