"""When containers of the local cluster began and ended, to the millisecond: pods tell whole seconds only."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cluster.identity import Identity
from tests.bench.place import BenchError

_WITHIN: Final = 10.0


@dataclass(slots=True)
class ContainerTimes:
    """What containerd's events told so far, in seconds since the epoch."""

    begun: dict[str, float] = field(default_factory=dict[str, float])
    ended: dict[str, float] = field(default_factory=dict[str, float])
    pids: dict[str, int] = field(default_factory=dict[str, int])
    """Of each container's first process, as this machine numbers it."""
    news: threading.Condition = field(default_factory=threading.Condition)

    def hear(self, line: str) -> None:
        """Take in a line of `ctr events`: `<date> <time> +0000 UTC <namespace> <topic> <JSON>`."""
        date, clock, _, _, _, topic, text = line.split(" ", 6)
        event = json.loads(text)
        with self.news:
            if topic == "/tasks/start":
                self.begun[event["container_id"]] = _seconds(f"{date}T{clock}")
                self.pids[event["container_id"]] = event["pid"]
            elif topic == "/tasks/exit" and event["id"] == event["container_id"]:
                self.ended[event["container_id"]] = _seconds(event["exited_at"].removesuffix("Z"))
            self.news.notify_all()

    def running(self) -> dict[str, int]:
        """Return the first process of each container that has begun and not ended."""
        with self.news:
            return {container: pid for container, pid in self.pids.items() if container not in self.ended}

    def seconds(self, container: str) -> float:
        """Return how long a container ran; BenchError when its events did not come."""
        end = time.monotonic() + _WITHIN
        with self.news:
            while container not in self.begun or container not in self.ended:
                if not self.news.wait(end - time.monotonic()):
                    raise BenchError(f"containerd told nothing of container {container[:12]}")
            return self.ended[container] - self.begun[container]


@contextmanager
def container_times(identity: Identity) -> Generator[ContainerTimes]:
    """Listen to the containerd of the local cluster."""
    program = shutil.which("ctr")
    if program is None:
        raise BenchError("ctr is needed, which comes with containerd")
    command = [program, "--address", str(identity.run / "containerd.sock"), "--namespace", "k8s.io", "events"]
    times = ContainerTimes()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        listening = threading.Thread(target=_listen, args=[process, times], daemon=True)
        listening.start()
        try:
            yield times
        finally:
            process.terminate()
            listening.join()


def _listen(process: subprocess.Popen[str], times: ContainerTimes) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        times.hear(line)


def _seconds(moment: str) -> float:
    """Return seconds since the epoch; a moment in UTC, with up to nine digits behind the point."""
    whole, _, fraction = moment.partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + int(fraction or 0) / 10 ** len(fraction or "0")
