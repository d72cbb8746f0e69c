"""An upgrade to the newest bundle: planned, run under the load of a proxy, and run once more for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

import psycopg

from litellm_database_operator.model.report import Outcome
from litellm_database_operator.planning.parse import parse_database
from tests.bench.containers import ContainerTimes, container_times
from tests.bench.figures import Figure, spread
from tests.bench.memory import MemoryPeaks, memory_peaks
from tests.bench.own_jobs import Ended, OwnJobs, how_it_ended
from tests.bench.place import DATABASES, SMALL_BUNDLE, BenchError, Place, as_served
from tests.bench.progress import tell
from tests.bench.proxy import Sample, failures, gather, longest, serving
from tests.bench.proxy_sql import Statements, fill
from tests.bench.psql import Psql
from tests.support.kubectl import is_ready

LOGS: Final = 200_000
_SESSIONS: Final = 4
_ROUNDS: Final = 5
_UPGRADES: Final = 3
_BEFORE: Final = 5.0
_AFTER: Final = 2.0
_WITHIN: Final = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One run of the migrator's container."""

    seconds: float
    mib: float
    own_seconds: float
    """What the migrator itself counts, from the start of its process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One upgrade under load."""

    run: Timed
    before: Sequence[Sample]
    preparing: Sequence[Sample]
    """Of sessions that do as the published DATABASE_URL says."""
    plain: Sequence[Sample]
    """Of sessions that prepare nothing."""
    prepares: bool


@dataclass(slots=True, kw_only=True)
class Upgrades:
    """Several databases, one after the other; run when first asked for."""

    here: Place
    psql: Psql
    plans: list[Timed] = field(default_factory=list[Timed])
    loads: list[Loaded] = field(default_factory=list[Loaded])
    idle: list[Timed] = field(default_factory=list[Timed])

    def plan_seconds(self) -> Figure:
        """Tell how long a preview's container runs: what planning costs, on tables with rows."""
        self._run()
        return Figure(
            key="plan_seconds",
            value=_middle(self.plans),
            how=f"{SMALL_BUNDLE} to {self.psql.bundle} with {LOGS:,} rows in the spend log, mode Preview: container "
            f"start to its end, by containerd's events, {_spread(self.plans)} s; of it by the migrator's own clock "
            f"{_spread_own(self.plans)} s",
        )

    def noop_seconds(self) -> Figure:
        """Tell how long a run takes that finds nothing to do, its comparison included."""
        self._run()
        return Figure(
            key="noop_seconds",
            value=_middle(self.idle),
            how=f"the migrator in a pod of the real image, at {self.psql.bundle} already: container start to its end, "
            f"by containerd's events, {_spread(self.idle)} s; of it by the migrator's own clock "
            f"{_spread_own(self.idle)} s",
        )

    def migrator_mib(self, empty: Iterable[float]) -> Figure:
        """Tell the highest memory of migrator and judge; `empty` are the peaks of runs on empty databases."""
        self._run()
        from_empty, upgraded = max(empty), max(load.run.mib for load in self.loads)
        return Figure(
            key="migrator_mib",
            value=round(max(from_empty, upgraded), 1),
            how=f"VmRSS of all processes of the container together (Python and Node; what they share counts twice), "
            f"looked at every 10 ms, the highest: {self.psql.bundle} from empty {from_empty:.1f}, {SMALL_BUNDLE} to "
            f"{self.psql.bundle} {upgraded:.1f}, a plan {max(each.mib for each in self.plans):.1f}, nothing to do "
            f"{max(each.mib for each in self.idle):.1f} MiB",
        )

    def upgrade_longest_stall_ms(self) -> Figure:
        """Tell how long the slowest statement of a proxy took while its database was upgraded."""
        self._run()
        during = [longest([*load.preparing, *load.plain]) for load in self.loads]
        before = [longest(load.before) for load in self.loads]
        worst = max(during, key=lambda sample: sample.seconds)
        runs = spread([load.run.seconds for load in self.loads])
        return Figure(
            key="upgrade_longest_stall_ms",
            value=_milliseconds(worst),
            how=f"{SMALL_BUNDLE} to {self.psql.bundle} by the operator, with {LOGS:,} rows in the spend log and "
            f"{2 * _SESSIONS} sessions of a proxy, {len(self.loads)} upgrades: the slowest statement of each "
            f"{_told(during)}; in the {_BEFORE:g} s before it {_told(before)}. The migrator's container ran {runs} s",
        )

    def upgrade_failed_statements(self) -> Figure:
        """Tell how many statements of a proxy failed that does as its Secret says."""
        self._run()
        failed = [failures(load.preparing) for load in self.loads]
        other = [failures(load.plain).total() for load in self.loads]
        names = sorted({name for each in failed for name in each})
        sent = sum(len(load.preparing) for load in self.loads)
        return Figure(
            key="upgrade_failed_statements",
            value=max(each.total() for each in failed),
            how=f"in the same upgrades, the most of {len(failed)}, of {_SESSIONS} sessions that "
            f"{'prepare' if self.loads[0].prepares else 'do not prepare'} their statements, as the published "
            f"DATABASE_URL has it; what failed: {', '.join(names) or 'nothing'}; {sent:,} were sent in all. Of "
            f"{_SESSIONS} sessions beside them that prepare nothing: {max(other)} failed",
        )

    def _run(self) -> None:
        if self.loads:
            return
        with container_times(self.here.identity) as times, memory_peaks(times) as peaks:
            each = [
                _OneUpgrade(here=self.here, psql=self.psql, name=f"u{number}", times=times, peaks=peaks)
                for number in range(_UPGRADES)
            ]
            for one in each:
                one.prepare()
                self.plans.append(one.plan())
                self.loads.append(one.upgrade())
            self.idle += [each[-1].run_for_nothing() for _ in range(_ROUNDS)]


@dataclass(slots=True, kw_only=True)
class _OneUpgrade:
    """One database on its way."""

    here: Place
    psql: Psql
    name: str
    times: ContainerTimes
    peaks: MemoryPeaks
    _jobs: OwnJobs | None = None

    def prepare(self) -> None:
        tell(f"make {self.name} at {SMALL_BUNDLE}, with {LOGS:,} rows")
        body = self.here.database(self.name)
        body["spec"]["migration"] = {"policy": "Auto"}
        self.here.create_at_once([body])
        self.here.kubectl.wait_for(DATABASES, self.name, is_ready, within=_WITHIN)
        resource = parse_database(as_served(body))
        with self.here.postgres.connect(resource.database) as session:
            fill(session, logs=LOGS)
        self._jobs = OwnJobs(here=self.here, resource=self.name, database=resource.database, owner=resource.roles.owner)

    def plan(self) -> Timed:
        return self._timed(self._own_run(Outcome.PLANNED, LITELLMDB_MODE="Preview"))

    def run_for_nothing(self) -> Timed:
        return self._timed(self._own_run(Outcome.NOTHING_TO_DO))

    def upgrade(self) -> Loaded:
        secret = self.here.kubectl.secret(f"{self.name}-db")
        prepares = keeps_prepared(secret["DATABASE_URL"])

        def connect() -> psycopg.Connection:
            return psycopg.connect(secret["uri"], autocommit=True)

        with connect() as session:
            statements = Statements.of(session)
        with (
            serving(connect, statements, prepares=prepares, sessions=_SESSIONS) as preparing,
            serving(connect, statements, prepares=False, sessions=_SESSIONS) as plain,
        ):
            begun = time.monotonic()
            threading.Event().wait(_BEFORE)
            asked = time.monotonic()
            run = self._upgrade_by_operator()
            threading.Event().wait(_AFTER)
        return Loaded(
            run=run,
            before=gather([*preparing, *plain], since=begun, until=asked),
            preparing=gather(preparing, since=asked),
            plain=gather(plain, since=asked),
            prepares=prepares,
        )

    def _upgrade_by_operator(self) -> Timed:
        tell(f"upgrade {self.name} to {self.psql.bundle}")
        self.here.kubectl.patch(DATABASES, self.name, {"spec": {"litellm": {"bundle": self.psql.bundle}}})
        self.here.kubectl.wait_for(DATABASES, self.name, is_ready, within=_WITHIN)
        pods = self.here.kubectl.list_all("pod", f"litellmdb.dev/database={self.name}")
        return self._timed(how_it_ended(max(pods, key=lambda pod: pod["metadata"]["creationTimestamp"])))

    def _own_run(self, outcome: Outcome, **environment: str) -> Ended:
        assert self._jobs is not None
        target = {"LITELLMDB_BUNDLE": self.psql.bundle, "LITELLMDB_TARGET": self.psql.digest}
        ended = self._jobs.run(**target | environment)
        if ended.report.outcome is not outcome:
            raise BenchError(f"a run ended as {ended.report.outcome}, not as {outcome}")
        return ended

    def _timed(self, ended: Ended) -> Timed:
        return Timed(
            seconds=self.times.seconds(ended.container),
            mib=self.peaks.peaks.get(ended.container, 0.0),
            own_seconds=ended.report.seconds,
        )


def keeps_prepared(url: str) -> bool:
    """Tell whether Prisma keeps prepared statements over a URL of this form.

    https://www.prisma.io/docs/orm/overview/databases/postgresql
    """
    asked = parse_qs(urlsplit(url).query)
    return asked.get("pgbouncer") != ["true"] and asked.get("statement_cache_size") != ["0"]


def _middle(runs: Sequence[Timed]) -> float:
    return round(sorted(run.seconds for run in runs)[len(runs) // 2], 2)


def _spread(runs: Sequence[Timed]) -> str:
    return spread([run.seconds for run in runs])


def _spread_own(runs: Sequence[Timed]) -> str:
    return spread([run.own_seconds for run in runs])


def _milliseconds(sample: Sample) -> float:
    return round(sample.seconds * 1000)


def _told(samples: Iterable[Sample]) -> str:
    return ", ".join(f"{_milliseconds(sample):.0f} ms ({sample.act})" for sample in samples)
