"""The figures, their aims, and how they are written down. Pure, apart from the machine's own description."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from statistics import median
from typing import Any, Final


class Bound(Enum):
    """What an aim says of a value."""

    AT_LEAST = ">="
    AT_MOST = "<="
    STATED = ""
    """No bound: the figure is told, whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is promised of one figure."""

    key: str
    unit: str
    bound: Bound
    limit: float = 0.0

    def met_by(self, value: float) -> bool:
        """Tell whether a value keeps the promise."""
        match self.bound:
            case Bound.AT_LEAST:
                return value >= self.limit
            case Bound.AT_MOST:
                return value <= self.limit
            case Bound.STATED:
                return True

    def text(self) -> str:
        """Return the promise in words."""
        return f"{self.bound.value} {self.limit:g}" if self.bound is not Bound.STATED else "stated"


AIMS: Final = {
    aim.key: aim
    for aim in (
        Aim(key="provisioning_ratio", unit="of the SQL loop's rate", bound=Bound.AT_LEAST, limit=0.5),
        Aim(key="api_writes_first_ready", unit="writes", bound=Bound.AT_MOST, limit=8),
        Aim(key="api_writes_idle", unit="writes in 5 minutes", bound=Bound.AT_MOST, limit=0),
        Aim(key="api_writes_restart", unit="writes", bound=Bound.AT_MOST, limit=0),
        Aim(key="sql_idle_per_minute", unit="statements a minute", bound=Bound.STATED),
        Aim(key="migration_ratio", unit="of psql's time", bound=Bound.AT_MOST, limit=1.8),
        Aim(key="noop_seconds", unit="s", bound=Bound.AT_MOST, limit=0.7),
        Aim(key="plan_seconds", unit="s", bound=Bound.STATED),
        Aim(key="migrator_mib", unit="MiB", bound=Bound.AT_MOST, limit=200),
        Aim(key="upgrade_longest_stall_ms", unit="ms", bound=Bound.STATED),
        Aim(key="upgrade_failed_statements", unit="statements", bound=Bound.AT_MOST, limit=0),
        Aim(key="ready_seconds", unit="s", bound=Bound.STATED),
        Aim(key="operator_rss_mib", unit="MiB", bound=Bound.AT_MOST, limit=130),
        Aim(key="image_mib", unit="MiB", bound=Bound.AT_MOST, limit=450),
        Aim(key="image_compressed_mib", unit="MiB", bound=Bound.STATED),
        Aim(key="install_seconds", unit="s", bound=Bound.STATED),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value, and how it was come by."""

    key: str
    value: float
    how: str

    def record(self) -> dict[str, Any]:
        """Return it as build/bench.json has it."""
        aim = AIMS[self.key]
        return {
            "value": self.value,
            "unit": aim.unit,
            "aim": aim.text(),
            "met": aim.met_by(self.value),
            "how": self.how,
        }


def spread(values: Sequence[float], *, digits: int = 2) -> str:
    """Return the median and the range of repetitions, as a reader wants to see them."""
    numbers = [f"{number:.{digits}f}" for number in (median(values), min(values), max(values))]
    return f"median {numbers[0]} of {len(values)} ({numbers[1]} to {numbers[2]})"


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as text: a line for each, and what is behind it below."""
    lines: list[str] = []
    for figure in figures:
        record = figure.record()
        verdict = "" if AIMS[figure.key].bound is Bound.STATED else ("met" if record["met"] else "MISSED")
        lines.append(f"{figure.key:24} {figure.value:>9g} {record['unit']:24} {record['aim']:>8}  {verdict}")
        lines.append(f"    {figure.how}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where the figures were measured: they mean nothing without it."""

    processor: str
    processors: int
    memory_gib: float
    kernel: str
    python: str
    load: float
    """Average of the minute before the first figure: what else was going on."""

    def record(self) -> dict[str, Any]:
        """Return it as build/bench.json has it."""
        return asdict(self)


def this_machine() -> Machine:
    """Describe this machine."""
    facts = _pairs(Path("/proc/cpuinfo").read_text()) | _pairs(Path("/proc/meminfo").read_text())
    return Machine(
        processor=facts.get("model name", platform.machine()),
        processors=os.cpu_count() or 1,
        memory_gib=round(int(facts["MemTotal"].split()[0]) / 2**20, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )


def _pairs(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
