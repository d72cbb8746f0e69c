"""Programs that outlive the command that started them, and how they are known again.

A pid alone says nothing: after a crash or a reboot it may be a stranger's. A process is ours while
its pid, the time it was started and the boot are what we noted.
"""

import hashlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program of the cluster."""

    name: str
    command: tuple[str, ...]
    reads: tuple[Path, ...] = ()
    """Files whose change takes effect only when the program is started again."""
    in_namespace: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process that we started, so that it can be told from a stranger with its pid."""

    pid: int
    started: int
    """In clock ticks since boot, as the kernel counts it."""
    boot: str
    digest: str
    """Of the program as it was started."""


def start_time(stat: str) -> int | None:
    """Read field 22 of /proc/PID/stat, None for a process that has ended but was not yet reaped.

    The second field, the command's name, may hold spaces and parentheses.
    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def digest(program: Program) -> str:
    """What a program is started with: another digest means it must be started again."""
    # A link to a newly built binary has the same name, and leads elsewhere.
    binary = os.path.realpath(program.command[0])
    hashed = hashlib.sha256(json.dumps([binary, *program.command]).encode())
    for path in program.reads:
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def is_alive(running: Running) -> bool:
    """Whether this very process still runs."""
    try:
        stat = Path(f"/proc/{running.pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return running.boot == _boot() and start_time(stat) == running.started


def note(folder: Path, program: Program, pid: int) -> Running:
    """Write down a process that was just started."""
    running = Running(
        pid=pid,
        started=start_time(Path(f"/proc/{pid}/stat").read_text()) or 0,
        boot=_boot(),
        digest=digest(program),
    )
    folder.mkdir(exist_ok=True)
    (folder / f"{program.name}.json").write_text(json.dumps(asdict(running)) + "\n")
    return running


def recall(folder: Path, name: str) -> Running | None:
    """Read what was written down, None if nothing was, or if it was cut short by a crash."""
    try:
        return Running(**json.loads((folder / f"{name}.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def start(program: Program, *, entering: Iterable[str], cgroup_procs: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a program for good: own session, own cgroup, its words in `log`.

    `entering` is put before the command, to start it elsewhere (nsenter).
    """
    # The shell becomes the program; until then it is what joins the cgroup.
    join = 'echo $$ > "$0" && exec "$@"'
    with log.open("ab") as output:
        return subprocess.Popen(
            ["/bin/sh", "-c", join, str(cgroup_procs), *entering, *program.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )


def stop(running: Running, *, seconds: float = 20.0) -> None:
    """End a process of ours, politely first. Does nothing when it is gone already."""
    try:
        handle = os.pidfd_open(running.pid)
    except ProcessLookupError:
        return
    try:
        # From here on the pid cannot pass to another process unnoticed.
        if is_alive(running):
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            if not _ended(handle, seconds) and is_alive(running):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                _ended(handle, seconds)
    finally:
        os.close(handle)


def _ended(handle: int, seconds: float) -> bool:
    """Wait for a process: its descriptor becomes readable when it ends."""
    readable, _, _ = select.select([handle], [], [], seconds)
    return bool(readable)


def _boot() -> str:
    return BOOT_ID.read_text().strip()
