"""What the bench reads out of logs and events."""

import json
import os
import signal
import subprocess
from typing import Any, cast

import psycopg
import pytest

from tests.bench.audit import by_kind, counted, operator_writes
from tests.bench.containers import ContainerTimes
from tests.bench.hundred import app_logins
from tests.bench.memory import family, memory, resident
from tests.bench.proxy import Sample, Session, failures, gather, longest
from tests.bench.quiet import count_logins, count_statements
from tests.bench.upgrades import keeps_prepared

OPERATOR = "system:serviceaccount:litellm-database-operator:litellm-database-operator"


def entry(resource: str, verb: str = "patch", *, user: str = OPERATOR, namespace: str = "ours", **more: Any) -> str:
    where = {"resource": resource, "namespace": namespace} | more
    return json.dumps({"verb": verb, "user": {"username": user}, "objectRef": where})


def test_only_the_operators_writes_in_our_namespaces_are_counted() -> None:
    lines = [
        entry("litellmdatabases", subresource="status"),
        entry("litellmdatabases", user="admin"),
        entry("secrets", "create", namespace="another"),
        json.dumps({"verb": "create", "user": {"username": OPERATOR}}),
    ]
    writes = list(operator_writes(lines, frozenset({"ours"})))
    assert [write.resource for write in writes] == ["litellmdatabases/status"]


def test_events_and_the_lease_are_told_apart() -> None:
    lines = [entry("events", "create"), entry("leases", "update"), entry("jobs", "create")]
    writes = list(operator_writes(lines, frozenset({"ours"})))
    assert counted(writes) == 1
    assert by_kind(writes) == "create events 1, create jobs 1, update leases 1"


def test_no_writes_are_told_as_none() -> None:
    assert by_kind([]) == "none"


def test_a_container_runs_from_its_start_to_its_end() -> None:
    times = ContainerTimes()
    start = {"container_id": "c1", "pid": 7}
    probe = {"container_id": "c1", "id": "a-probe", "exited_at": "2026-11-24T08:00:00.5Z"}
    end = {"container_id": "c1", "id": "c1", "exited_at": "2026-11-24T08:00:01.250000000Z"}
    when = "2026-11-24 08:00:00.250000000 +0000 UTC k8s.io"
    times.hear(f"{when} /tasks/start {json.dumps(start)}\n")
    times.hear(f"{when} /tasks/exit {json.dumps(probe)}\n")
    times.hear(f"{when} /tasks/exit {json.dumps(end)}\n")
    assert times.seconds("c1") == pytest.approx(1.0)
    assert times.running() == {}


LOG = """\
2026-11-24 08:00:00.000 UTC [1] LOG:  connection received: host=127.0.0.1 port=1
2026-11-24 08:00:00.000 UTC [1] LOG:  connection authorized: user=bench_r001_app_a database=bench_r001
2026-11-24 08:00:00.000 UTC [1] LOG:  statement: SELECT 1
2026-11-24 08:00:00.000 UTC [1] LOG:  execute <unnamed>: SELECT $1
2026-11-24 08:00:00.000 UTC [2] LOG:  connection authorized: user=bench_admin database=postgres
2026-11-24 08:00:00.000 UTC [1] DETAIL:  parameters: $1 = '1'
""".splitlines()


def test_statements_of_both_protocols_are_counted() -> None:
    assert count_statements(LOG) == 2


def test_logins_are_counted_once() -> None:
    assert count_logins(LOG) == 2


def test_a_database_is_looked_at_when_its_app_has_logged_in() -> None:
    assert app_logins(LOG) == {"bench_r001"}


def test_memory_is_read_in_mebibytes() -> None:
    status = "Name:\tpython3\nVmHWM:\t  102400 kB\nVmRSS:\t   92160 kB\nThreads:\t4\n"
    assert memory(status) == {"VmHWM": 100.0, "VmRSS": 90.0}


def test_the_memory_of_a_process_counts_its_children() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        members = list(family(shell.pid))
        own, whole = resident(shell.pid), sum(map(resident, members))
        for each in reversed(members):
            os.kill(each, signal.SIGKILL)
    assert len(members) == 2
    assert whole > own > 0


def test_a_process_that_is_gone_takes_no_memory() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    assert (list(family(ended.pid)), resident(ended.pid)) == ([ended.pid], 0.0)


SAMPLES = [
    Sample(act="team", began=1.0, seconds=0.5, sqlstate=None),
    Sample(act="team", began=2.0, seconds=0.1, sqlstate="0A000"),
    Sample(act="user", began=3.0, seconds=0.2, sqlstate=None),
]


def test_what_was_under_way_between_two_moments_is_gathered() -> None:
    session = Session(connect=no_connection, statements=cast("Any", None), prepares=True, samples=SAMPLES)
    assert gather([session], since=1.2, until=3.0) == SAMPLES[:2]


def test_the_longest_and_the_failed_are_found() -> None:
    assert longest(SAMPLES) == SAMPLES[0]
    assert failures(SAMPLES) == {"team 0A000": 1}


def no_connection() -> psycopg.Connection:
    raise AssertionError("nothing is to be sent")


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        pytest.param("schema=public&sslmode=require", True, id="as Prisma is"),
        pytest.param("schema=public&statement_cache_size=0", False, id="no cache"),
        pytest.param("pgbouncer=true&schema=public", False, id="behind a pooler"),
    ],
)
def test_a_url_says_whether_statements_are_prepared(parameters: str, kept: bool) -> None:  # noqa: FBT001
    assert keeps_prepared(f"postgresql://app:x@db.example.com:5432/litellm?{parameters}") is kept
