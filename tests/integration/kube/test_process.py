"""The operator as a process: it starts in any order, hands over, stops in order, and survives the API server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kube.accounts import Account, crd, named
from tests.integration.kube.api_server import ApiServer
from tests.support.ports import reserve_port

FAKE = Path(__file__).with_name("fake_operator.py")
FINALIZER = "litellmdb.dev/database"
SECONDS = 30.0


class Process:
    """One operator, in a namespace of its own."""

    def __init__(self, server: ApiServer, namespace: str, folder: Path, **settings: str) -> None:
        """Start it; its output goes into `folder`."""
        self.name = settings.get("POD_NAME", "operator-1")
        self.port = reserve_port()
        self._output = folder / f"{self.name}-{self.port}.log"
        needed = {
            "KUBECONFIG": str(server.kubeconfig),
            "POD_NAMESPACE": namespace,
            "POD_NAME": self.name,
            "LITELLMDB_IMAGE": "operator:1",
            "LITELLMDB_WATCH_NAMESPACES": namespace,
            "LITELLMDB_PROBE_PORT": str(self.port),
        }
        with self._output.open("w") as output:
            command = [sys.executable, str(FAKE)]
            self.process = subprocess.Popen(command, env=os.environ | needed | settings, stdout=output, stderr=output)

    @property
    def output(self) -> str:
        """What it said until now."""
        return self._output.read_text()

    def probe(self, path: str) -> int:
        """Return the probe's answer, 0 while none is served."""
        return self._ask(path)[0]

    def answer(self, path: str) -> str:
        """Return what the probe says."""
        return self._ask(path)[1]

    def _ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def wait_until(question: Callable[[], object], seconds: float = SECONDS) -> float:
    """Wait, and return how long it took."""
    began = time.monotonic()
    while not question():
        if time.monotonic() - began > seconds:
            raise TimeoutError
        time.sleep(0.05)
    return time.monotonic() - began


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give a function that starts operators; all are ended."""
    started: list[Process] = []

    def give(server: ApiServer, namespace: str, **settings: str) -> Process:
        started.append(Process(server, namespace, tmp_path, **settings))
        return started[-1]

    yield give
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


def create(server: ApiServer, namespace: str, *names: str) -> None:
    """Create LiteLLMDatabases."""
    kind = {"apiVersion": "litellmdb.dev/v1alpha1", "kind": "LiteLLMDatabase"}
    spec = {"litellm": {"version": "1.81.12"}}
    server.apply(*(kind | {"metadata": {"name": name, "namespace": namespace}, "spec": spec} for name in names))


def ready(server: ApiServer, namespace: str, name: str = "a") -> bool:
    """Whether a LiteLLMDatabase is Ready as it now is."""
    body = server.get("lldb", name, "-n", namespace)
    return body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"]


def lease(server: ApiServer, namespace: str) -> dict[str, Any]:
    """Return the Lease's spec."""
    return server.get("lease", "litellm-database-operator", "-n", namespace)["spec"]


def test_installed_before_its_crds_or_with_older_ones_it_waits_says_so_and_recovers(
    start: Start, own_api_server: ApiServer
) -> None:
    server = own_api_server
    operator = start(server, "default")
    wait_until(lambda: operator.probe("/readyz") == 503 and "are not served" in operator.output)
    assert operator.probe("/livez") == 200
    older = crd("litellmdatabases")
    del older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["suspend"]
    server.apply(older, crd("postgresservers"))
    wait_until(lambda: "is older than this operator: it lacks spec.suspend," in operator.answer("/readyz"))
    assert "holding the Lease" not in operator.output
    server.install_crds()
    create(server, "default", "a")
    wait_until(lambda: ready(server, "default"))
    assert operator.probe("/readyz") == 200
    assert operator.output.count("are not served") == 2  # when it was missing, and when it was no more
    assert operator.end() == 0


def granted(start: Start, api_server: ApiServer, account: Account, *more: str, **settings: str) -> Process:
    """Start an operator as an account that was granted little or much."""
    watched = ",".join((account.namespace, *more))
    where = {"KUBECONFIG": str(account.kubeconfig), "LITELLMDB_WATCH_NAMESPACES": watched}
    return start(api_server, account.namespace, **(where | settings))


def test_without_the_right_to_watch_it_waits_names_it_and_begins_by_itself(
    api_server: ApiServer, account: Account, start: Start
) -> None:
    account.grant(without={("litellmdatabases", "watch")})
    operator = granted(start, api_server, account)
    line = f"the operator may not watch litellmdatabases.litellmdb.dev in namespace {account.namespace}"
    wait_until(lambda: line in operator.output)
    assert (operator.probe("/readyz"), operator.probe("/livez")) == (503, 200)
    assert line in operator.answer("/readyz")
    create(api_server, account.namespace, "a")
    account.grant()
    wait_until(lambda: ready(api_server, account.namespace))
    wait_until(lambda: operator.probe("/readyz") == 200)
    assert operator.output.count(line) == 2  # when it was missing, and when it was no more
    assert operator.end() == 0


def test_another_missing_right_is_named_and_hinders_nothing_else(
    api_server: ApiServer, account: Account, start: Start
) -> None:
    account.grant(without={("services", "create")})
    operator = granted(start, api_server, account)
    create(api_server, account.namespace, "a")
    wait_until(lambda: ready(api_server, account.namespace))
    assert operator.probe("/readyz") == 503
    assert "may not create services" in operator.answer("/readyz")
    account.grant()
    wait_until(lambda: operator.probe("/readyz") == 200)
    assert operator.end() == 0


def test_a_namespace_that_comes_later_is_served_without_a_restart(
    api_server: ApiServer, account: Account, start: Start
) -> None:
    account.grant()
    later = f"{account.namespace}-later"
    operator = granted(start, api_server, account, later)
    create(api_server, account.namespace, "a")
    wait_until(lambda: ready(api_server, account.namespace))
    line = f"namespace {later} of LITELLMDB_WATCH_NAMESPACES does not exist, or"
    assert (operator.probe("/readyz"), operator.output.count(line)) == (200, 1)
    api_server.apply(named("v1", "Namespace", later, None))
    account.grant(namespace=later)
    create(api_server, later, "a")
    wait_until(lambda: ready(api_server, later))
    wait_until(lambda: operator.output.count(line) == 2)
    create(api_server, account.namespace, "b")
    wait_until(lambda: ready(api_server, account.namespace, "b"))
    assert operator.end() == 0


def test_a_namespace_that_comes_later_is_served_where_every_one_is_granted(
    api_server: ApiServer, account: Account, start: Start
) -> None:
    account.grant_everywhere()
    later = f"{account.namespace}-later"
    operator = granted(start, api_server, account, later)
    wait_until(lambda: "holding the Lease" in operator.output)
    line = f"namespace {later} of LITELLMDB_WATCH_NAMESPACES does not exist:"
    assert line in operator.output
    wait_until(lambda: operator.probe("/readyz") == 200)
    api_server.apply(named("v1", "Namespace", later, None))
    create(api_server, later, "a")
    wait_until(lambda: ready(api_server, later))
    wait_until(lambda: operator.output.count(line) == 2)
    assert operator.end() == 0


def test_a_right_to_watch_that_is_taken_away_ends_it_once_and_is_waited_for(
    api_server: ApiServer, account: Account, start: Start
) -> None:
    account.grant()
    operator = granted(start, api_server, account, LITELLMDB_TEST_WATCH_SECONDS="2")
    create(api_server, account.namespace, "a")
    wait_until(lambda: ready(api_server, account.namespace))
    account.grant(without={("litellmdatabases", "watch")})
    assert operator.process.wait(SECONDS) == 1
    assert "a right to watch was taken away" in operator.output
    operator = granted(start, api_server, account)
    wait_until(lambda: "may not watch litellmdatabases.litellmdb.dev" in operator.output)
    account.grant()
    create(api_server, account.namespace, "b")
    wait_until(lambda: ready(api_server, account.namespace, "b"))
    assert operator.end() == 0


def test_a_resource_becomes_ready_and_goes(api_server: ApiServer, namespace: str, start: Start) -> None:
    operator = start(api_server, namespace)
    create(api_server, namespace, "a")
    wait_until(lambda: ready(api_server, namespace))
    api_server.kubectl("delete", "lldb", "a", "-n", namespace, "--timeout=20s")
    # One for its birth, one for its end. The event of a write of ours may overtake its answer, and bring one more.
    assert 2 <= operator.output.count("pass begins a") <= 3
    for line in operator.output.splitlines():
        assert line.startswith("pass begins") or json.loads(line)["message"]


def test_one_deleted_while_the_operator_was_down_goes_when_it_is_back(
    api_server: ApiServer, namespace: str, start: Start
) -> None:
    operator = start(api_server, namespace)
    create(api_server, namespace, "a")
    wait_until(lambda: ready(api_server, namespace))
    operator.end(signal.SIGKILL)
    api_server.kubectl("delete", "lldb", "a", "-n", namespace, "--wait=false")
    start(api_server, namespace)
    api_server.kubectl("wait", "--for=delete", "lldb/a", "-n", namespace, "--timeout=20s")


def test_a_restart_writes_nothing(api_server: ApiServer, namespace: str, start: Start) -> None:
    operator = start(api_server, namespace)
    create(api_server, namespace, *(f"n{number}" for number in range(20)))
    wait_until(lambda: api_server.kubectl("get", "lldb", "-n", namespace).count("True") == 20)
    assert operator.end() == 0
    before = api_server.get("lldb", "-n", namespace)["items"]
    operator = start(api_server, namespace)
    wait_until(lambda: operator.output.count("pass begins") >= 20)
    assert operator.end() == 0
    after = api_server.get("lldb", "-n", namespace)["items"]
    versions = [[item["metadata"]["resourceVersion"] for item in items] for items in (before, after)]
    assert versions[0] == versions[1]


def test_sigterm_finishes_the_running_pass_and_releases_the_lease(
    api_server: ApiServer, namespace: str, start: Start
) -> None:
    operator = start(api_server, namespace, LITELLMDB_TEST_PASS_SECONDS="3")
    create(api_server, namespace, "a")
    wait_until(lambda: "pass begins a" in operator.output)
    assert operator.end() == 0
    assert ready(api_server, namespace)
    assert lease(api_server, namespace)["holderIdentity"] == ""


def test_a_standby_is_ready_and_takes_over_at_once(api_server: ApiServer, namespace: str, start: Start) -> None:
    first = start(api_server, namespace)
    wait_until(lambda: "holding the Lease" in first.output)
    second = start(api_server, namespace, POD_NAME="operator-2")
    wait_until(lambda: second.probe("/readyz") == 200 and "standing by" in second.output)
    assert first.end() == 0
    assert wait_until(lambda: "holding the Lease" in second.output) < 5
    create(api_server, namespace, "a")
    wait_until(lambda: ready(api_server, namespace))


def test_whoever_lost_the_lease_is_gone_at_once(api_server: ApiServer, namespace: str, start: Start) -> None:
    operator = start(api_server, namespace)
    wait_until(lambda: "holding the Lease" in operator.output)
    stolen = json.dumps({"spec": {"holderIdentity": "thief"}})
    api_server.kubectl("patch", "lease", "litellm-database-operator", "-n", namespace, "--type=merge", "-p", stolen)
    assert operator.process.wait(10) == 1
    assert "the Lease is lost" in operator.output


def test_a_silent_api_server_is_not_ready_and_not_the_end(api_server: ApiServer, namespace: str, start: Start) -> None:
    operator = start(api_server, namespace)
    create(api_server, namespace, "a")
    wait_until(lambda: ready(api_server, namespace))
    api_server.kill()
    wait_until(lambda: "cannot ask for the Lease" in operator.output)
    api_server.start()
    create(api_server, namespace, "b")
    wait_until(lambda: ready(api_server, namespace, "b"))
    assert operator.process.poll() is None
    assert operator.end() == 0
