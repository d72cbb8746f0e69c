"""Which mounts lie where, and taking away those of the cluster."""

import ctypes
import os
import re
from pathlib import Path

MNT_DETACH = 2


def parse(mountinfo: str) -> list[Path]:
    """List mount points in the order they were made; octal escapes stand for blanks in paths.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    return [Path(_unescape(line.split()[4])) for line in mountinfo.splitlines()]


def mount_points() -> list[Path]:
    """List this machine's mount points."""
    return parse(Path("/proc/self/mountinfo").read_text())


def unmount_below(folder: Path) -> None:
    """Unmount everything in a folder, the newest first. Raises OSError if the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    for point in reversed(mount_points()):
        if point.is_relative_to(folder) and libc.umount2(os.fsencode(point), MNT_DETACH):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(point))


def _unescape(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
