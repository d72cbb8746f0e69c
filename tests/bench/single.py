"""One resource at a time: how long it takes, what it writes, and its migration beside psql with the same files."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.bench import audit
from tests.bench.audit import Write
from tests.bench.containers import ContainerTimes, container_times
from tests.bench.figures import Figure, spread
from tests.bench.memory import MemoryPeaks, memory_peaks
from tests.bench.place import DATABASES, BenchError, Place
from tests.bench.progress import tell
from tests.bench.psql import Psql
from tests.support.kubectl import Body, is_ready

_ROUNDS: Final = 5
_WITHIN: Final = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one resource, one Job of `true` and one psql took, in seconds; and what the operator wrote."""

    ready: float
    job: float
    container: float
    mib: float
    """The most that the migrator and its judge took together."""
    psql: float
    psql_relaxed: float
    """With synchronous_commit off, as the migrator has it until its last commit."""
    writes: list[Write]


@dataclass(slots=True, kw_only=True)
class Rounds:
    """Repetitions of all of it, one after the other; run when first asked for."""

    here: Place
    psql: Psql
    done: list[Round] = field(default_factory=list[Round])

    def ready_seconds(self) -> Figure:
        """Tell create to Ready, beside a Job that does nothing."""
        rounds = self._run()
        ready, job = [each.ready for each in rounds], [each.job for each in rounds]
        return Figure(
            key="ready_seconds",
            value=round(sorted(ready)[len(ready) // 2], 2),
            how=f"bundle {self.psql.bundle}, one resource at a time: {spread(ready)} s; a Job of `true` with the same "
            f"image, create to Complete: {spread(job)} s",
        )

    def migration_ratio(self) -> Figure:
        """Compare the migrator's container, start to end, with psql; in each round one after the other."""
        rounds = self._run()
        ratios = [each.container / each.psql for each in rounds]
        return Figure(
            key="migration_ratio",
            value=round(sorted(ratios)[len(ratios) // 2], 2),
            how=f"bundle {self.psql.bundle}, {len(self.psql.files)} files into an empty database: container start to "
            f"its end, by containerd's events, {spread([each.container for each in rounds])} s; one psql with a -f for "
            f"each file, as the same role, {spread([each.psql for each in rounds])} s; ratio {spread(ratios)}; "
            f"psql with synchronous_commit off {spread([each.psql_relaxed for each in rounds])} s",
        )

    def api_writes_first_ready(self) -> Figure:
        """Tell what was written for one resource."""
        writes = [each.writes for each in self._run()]
        most = max(writes, key=audit.counted)
        return Figure(
            key="api_writes_first_ready",
            value=audit.counted(most),
            how=f"the most of {len(writes)}, one resource at a time, server without a CA, from the audit log: "
            f"{audit.by_kind(each for each in most if not each.apart)}; "
            f"apart: {audit.by_kind(each for each in most if each.apart)}",
        )

    def migrator_mib(self) -> list[float]:
        """Return the highest memory of each migration."""
        return [each.mib for each in self._run()]

    def _run(self) -> list[Round]:
        if not self.done:
            with container_times(self.here.identity) as times, memory_peaks(times) as peaks:
                self.done = [self._round(number, times, peaks) for number in range(_ROUNDS)]
        return self.done

    def _round(self, number: int, times: ContainerTimes, peaks: MemoryPeaks) -> Round:
        name, here = f"s{number}", self.here
        start, before = audit.position(), time.monotonic()
        here.create_at_once([here.database(name, bundle=self.psql.bundle)])
        here.kubectl.wait_for(DATABASES, name, is_ready, within=_WITHIN)
        ready = time.monotonic() - before
        container = self._container(name)
        done = Round(
            ready=ready,
            writes=audit.writes_since(start, [here.namespace]),
            container=times.seconds(container),
            mib=peaks.peaks.get(container, 0.0),
            job=_timed(lambda: self._run_job(f"true{number}")),
            psql=self.psql.migrate(here, f"p{number}"),
            psql_relaxed=self.psql.migrate(here, f"q{number}", relaxed=True),
        )
        tell(
            f"round {number + 1} of {_ROUNDS}: Ready {done.ready:.2f} s, Job of true {done.job:.2f} s, "
            f"migrator {done.container:.2f} s, psql {done.psql:.2f} s"
        )
        return done

    def _container(self, name: str) -> str:
        pods = self.here.kubectl.list_all("pod", f"litellmdb.dev/database={name}")
        if not pods:
            raise BenchError(f"the migration of {name} left no pod")
        return str(pods[0]["status"]["containerStatuses"][0]["containerID"]).partition("://")[2]

    def _run_job(self, name: str) -> None:
        self.here.kubectl.apply(_job(name, self.here.operator_image()))
        self.here.kubectl.wait_for("job", name, lambda body: bool(body["status"].get("succeeded")), within=_WITHIN)


def _timed(work: Callable[[], None]) -> float:
    before = time.monotonic()
    work()
    return time.monotonic() - before


def _job(name: str, image: str) -> Body:
    container = {"name": "true", "image": image, "command": ["true"], "imagePullPolicy": "IfNotPresent"}
    pod = {"restartPolicy": "Never", "containers": [container], "automountServiceAccountToken": False}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
