"""The file system of Debian bookworm that our images stand on, made by mmdebstrap."""

from collections.abc import Sequence
from pathlib import Path

from images.wheels import run

SUITE = "bookworm"
# Debian's own tools are written for Debian's own Python and Perl, wherever others lie in PATH.
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
UNREAD = ("doc", "info", "locale", "man")


def command(target: Path, packages: Sequence[str], hooks: Sequence[str]) -> list[str]:
    """Say how a file system is made: the fewest packages, no documentation."""
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        # Else usrmerge is taken, and it brings all of Perl.
        "--include=usr-is-merged",
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNREAD),
        *(f"--customize-hook={hook}" for hook in hooks),
        "--skip=output/dev",
        SUITE,
        str(target),
    ]


def make(target: Path, packages: Sequence[str], hooks: Sequence[str] = ()) -> None:
    """Write a file system as a tar. Raises ImageError with mmdebstrap's own words."""
    run(command(target, packages, hooks), environment={"PATH": SYSTEM_PATH, "SOURCE_DATE_EPOCH": "0"})
