"""How much memory containers of the local cluster take: their processes are this machine's, and are looked at here."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.containers import ContainerTimes

_EVERY: Final = 0.01
"""Seconds between looks."""
_PROC: Final = Path("/proc")
_KIBIBYTES: Final = 1024.0


@dataclass(slots=True)
class MemoryPeaks:
    """The most that all processes of each container took at a time, in MiB of resident memory."""

    times: ContainerTimes
    peaks: dict[str, float] = field(default_factory=dict[str, float])

    def watch(self, until: threading.Event) -> None:
        """Look at whatever runs, until told to stop."""
        while not until.wait(_EVERY):
            for container, pid in self.times.running().items():
                size = sum(map(resident, family(pid)))
                self.peaks[container] = max(size, self.peaks.get(container, 0.0))


@contextmanager
def memory_peaks(times: ContainerTimes) -> Generator[MemoryPeaks]:
    """Look at containers that begin while this lasts."""
    peaks, until = MemoryPeaks(times), threading.Event()
    watching = threading.Thread(target=peaks.watch, args=[until])
    watching.start()
    try:
        yield peaks
    finally:
        until.set()
        watching.join()


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that descend from it."""
    yield pid
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:  # it has just ended
        return
    for child in children:
        yield from family(child)


def resident(pid: int) -> float:
    """Return the resident memory of a process in MiB, what it shares with others too; 0 when it has ended."""
    try:
        return memory((_PROC / str(pid) / "status").read_text()).get("VmRSS", 0.0)
    except OSError:
        return 0.0


def memory(status: str) -> dict[str, float]:
    """Return the sizes of /proc/<pid>/status, in MiB."""
    sizes = (line.partition(":") for line in status.splitlines() if line.endswith(" kB"))
    return {name: int(size.split()[0]) / _KIBIBYTES for name, _, size in sizes}
