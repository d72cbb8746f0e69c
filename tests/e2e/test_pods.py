"""What keeps a migration's pod from running or from coming to its end, and what its author does about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest

from tests.e2e.conftest import READY_WITHIN, NewNamespace
from tests.support.kubectl import Body, Kubectl, condition, has_reason, is_ready
from tests.support.resources import NEW, database
from tests.support.server_pod import ServerPod

_PRISMAS_LOCK: Final = 72707369
_MIGRATOR: Final = "app.kubernetes.io/component=migrator"
_NO_PODS: Final[Body] = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-pods"},
    "spec": {"hard": {"pods": "0"}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A namespace with one database, `gateway`, on the shared server."""

    kubectl: Kubectl
    server: ServerPod

    def ask(self, **spec: Any) -> None:
        """Ask for the database, or for something else of it."""
        self.kubectl.apply(database("gateway", server=self.server.name, of=self.server.namespace, **spec))

    def reason(self, reason: str) -> str:
        """Return Ready's message as soon as it gives that reason."""
        body = self.kubectl.wait_for("lldb", "gateway", has_reason(reason), within=READY_WITHIN)
        return condition(body, "Ready")["message"]

    def ready(self) -> Body:
        """Return the resource when it is Ready as it is asked for now."""
        return self.kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)

    def hold(self) -> psycopg.Connection:
        """Take the lock that every migration takes first, Prisma's own among them."""
        session = self.server.connect(f"{self.kubectl.namespace}_gateway")
        session.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [_PRISMAS_LOCK])
        return session

    def job(self) -> str:
        """Return the name of the one Job."""
        (job,) = self.kubectl.list_all("job")
        return job["metadata"]["name"]

    def next_job(self, last: str) -> Body:
        """Return the Job that follows another, when its pod runs."""
        pods = self.kubectl.watch("pod", f"--selector={_MIGRATOR},job-name!={last}", within=READY_WITHIN)
        next(pod for pod in pods if pod["status"]["phase"] == "Running")
        return self.kubectl.there("job", self.job())


@pytest.fixture
def case(kubectl: Kubectl, shared: ServerPod) -> Case:
    """Give a case of the test's own."""
    return Case(kubectl=kubectl, server=shared)


@pytest.fixture(scope="module")
def overdue(any_namespace: NewNamespace, shared: ServerPod) -> Iterator[tuple[Case, psycopg.Connection]]:
    """Give one whose upgrade waits for a lock that we hold: overdue in half a minute, and so begun first."""
    case = Case(kubectl=any_namespace(), server=shared)
    case.ask()
    case.ready()
    with case.hold() as lock:
        case.ask(version=NEW, migration={"deadline": 30})
        yield case, lock


@pytest.mark.usefixtures("overdue")
def test_pod_that_no_node_takes_runs_when_its_template_is_mended(case: Case) -> None:
    case.ask(migration={"podTemplate": {"nodeSelector": {"nobody": "has-this"}}})
    assert "node affinity/selector" in case.reason("PodUnschedulable")
    case.ask()
    case.ready()


def test_pod_that_a_quota_refuses_runs_when_there_is_room(case: Case) -> None:
    case.kubectl.apply(_NO_PODS)
    case.ask()
    assert "exceeded quota: no-pods" in case.reason("PodRefused")
    case.kubectl.delete("resourcequota", "no-pods")
    case.ready()


def test_job_that_is_deleted_while_it_runs_is_made_again(case: Case) -> None:
    case.ask()
    case.ready()
    first = case.job()
    with case.hold():
        case.ask(version=NEW)
        deleted = case.next_job(first)
        case.kubectl.delete("job", deleted["metadata"]["name"])
        # Still held, or the pod that goes could end the migration before another is needed.
        jobs = case.kubectl.watch("job", within=READY_WITHIN)
        again = next(job for job in jobs if job["metadata"]["uid"] != deleted["metadata"]["uid"])
    schema = case.ready()["status"]["schema"]
    assert schema["applied"] == schema["total"]
    assert case.kubectl.there("job", case.job())["metadata"]["uid"] == again["metadata"]["uid"]


def test_job_past_its_deadline_is_tried_again_when_asked(overdue: tuple[Case, psycopg.Connection]) -> None:
    case, lock = overdue
    told = case.reason("MigrationDeadlineExceeded")
    assert "litellmdb.dev/retry" in told
    assert condition(case.kubectl.there("lldb", "gateway"), "Stalled")["status"] == "True"
    lock.close()
    case.kubectl.run("annotate", "lldb", "gateway", "litellmdb.dev/retry=once-more")
    case.ready()
