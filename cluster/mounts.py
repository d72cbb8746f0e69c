"""Which mounts lie where, and taking away those of the cluster."""

import ctypes
import os
import re
from pathlib import Path

from cluster.commands import run

MNT_DETACH = 2


def parse(mountinfo: str) -> list[Path]:
    """List mount points in the order they were made; octal escapes stand for blanks in paths.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    return [Path(_unescape(line.split()[4])) for line in mountinfo.splitlines()]


def mount_points() -> list[Path]:
    """List this machine's mount points."""
    return parse(Path("/proc/self/mountinfo").read_text())


def bind(source: Path, target: Path) -> None:
    """Let a folder appear at a second path; what is mounted there later appears only there."""
    target.mkdir(exist_ok=True)
    run(["mount", "--bind", str(source), str(target)])
    # Out of the source's peers, then the first of new ones: containers may ask for propagation.
    run(["mount", "--make-private", str(target)])
    run(["mount", "--make-shared", str(target)])


def unmount_below(folder: Path) -> None:
    """Unmount a folder and everything in it, the newest first. Raises OSError if a mount stays."""
    while before := _below(folder):
        # One mount may take others with it, those that it was propagated to.
        failures = [error for point in reversed(before) if (error := _unmount(point))]
        if len(_below(folder)) >= len(before):
            raise failures[0]


def _below(folder: Path) -> list[Path]:
    return [point for point in mount_points() if point.is_relative_to(folder)]


def _unmount(point: Path) -> OSError | None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(os.fsencode(point), MNT_DETACH) == 0:
        return None
    error = ctypes.get_errno()
    return OSError(error, os.strerror(error), str(point))


def _unescape(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
