"""Asks the package index, through pip: the only module here that reaches a network."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bundles.files import place
from bundles.lock import Wheel

EXTRAS = "litellm-proxy-extras"
LITELLM = "litellm"
PARALLEL = 4
"""Calls at a time: each mostly waits, for its answer or for Python to start."""
_PLATFORM = (
    "--only-binary=:all:",
    "--platform=manylinux_2_28_x86_64",
    "--python-version=3.12",
    "--implementation=cp",
    "--abi=cp312",
    "--abi=abi3",
    "--abi=none",
)
"""One wheel for every machine: newer releases of litellm differ by platform, but not in what is read of them."""
_DRY_RUN = (
    "install",
    "--dry-run",
    "--ignore-installed",
    "--no-deps",
    "--quiet",
    "--report=-",
    "--target=none",
    *_PLATFORM,
)
_QUIETLY = ("--disable-pip-version-check", "--no-input")
_PIP = "pip==26.3"
_installing = threading.Lock()
_REQUIREMENT = re.compile(rf"{EXTRAS}\s*\(?(?P<specifier>[^;)]*)\)?\s*(;|$)")


def cache_folder() -> Path:
    """Return where wheels and answers are kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "litellm-database-operator"


def download(wheel: Wheel) -> Path:
    """Return the wheel's path in the cache, fetched if need be; a file with another hash is refused."""
    path = cache_folder() / "wheels" / wheel.filename
    if not (path.is_file() and _sha256(path) == wheel.sha256):
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(wheel, path)
    return path


def _fetch(wheel: Wheel, path: Path) -> None:
    """Download beside the target and rename: a reader never sees half a file."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        options = ("--quiet", "--no-deps", "--no-cache-dir", "--require-hashes", *_PLATFORM)
        _pip("download", *options, f"--dest={folder}", f"--requirement={requirements}")
        (Path(folder) / wheel.filename).replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What the index says of one release."""

    wheel: Wheel
    extras: str
    """What it asks for of litellm-proxy-extras: `==0.4.39`, `>=0.4.60,<0.5.0`; empty where it asks for nothing."""


def fetch_release(project: str, version: str) -> Release:
    """Return a release's wheel and its pin. A published release does not change, so the answer is cached."""
    cached = cache_folder() / "releases" / f"{project}-{version}.json"
    if not cached.is_file():
        report = _pip(*_DRY_RUN, f"{project}=={version}")
        place(cached, json.dumps(_facts(json.loads(report))).encode())
    facts = json.loads(cached.read_text())
    wheel = Wheel(project=project, version=version, filename=facts["filename"], sha256=facts["sha256"])
    return Release(wheel=wheel, extras=_required(facts["requires"]))


def _facts(report: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of pip's report; not the address, it is this machine's."""
    (item,) = report["install"]
    download_info = item["download_info"]
    return {
        "filename": download_info["url"].rsplit("/", 1)[-1],
        "sha256": download_info["archive_info"]["hashes"]["sha256"],
        "requires": item["metadata"].get("requires_dist", []),
    }


def _required(requires: list[str]) -> str:
    """Return the bounds in an order of their own, since metadata has them in any."""
    (found,) = {match["specifier"] for line in requires if (match := _REQUIREMENT.match(line))} or {""}
    return ",".join(sorted((bound.strip() for bound in found.split(",")), key=lambda bound: bound.startswith("<")))


def fetch_versions(project: str) -> list[str]:
    """Return a project's stable releases, oldest first."""
    answer = _pip("index", "versions", project)
    (line,) = [line for line in answer.splitlines() if line.startswith("Available versions:")]
    return [version.strip() for version in line.split(":", 1)[1].split(",")][::-1]


def fetch_newest(requirement: str, *, before: datetime) -> str:
    """Return the newest release that was uploaded before a moment.

    None at all is an error: pip says the same of an index that has none and of one that it cannot reach.
    """
    command = [sys.executable, str(own_pip()), *_QUIETLY, *_DRY_RUN]
    command += [f"--uploaded-prior-to={before.isoformat()}", requirement]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return report["install"][0]["metadata"]["version"]


def own_pip() -> Path:
    """Return a pip of our own: of the one that comes with Python, nobody knows the age."""
    folder = cache_folder() / _PIP
    with _installing:
        if not (folder / "pip" / "__main__.py").is_file():
            _pip("install", "--quiet", "--no-deps", f"--target={folder}", _PIP)
    return folder / "pip"


def _pip(*arguments: str) -> str:
    """Run pip; its own words tell what failed."""
    command = [sys.executable, "-m", "pip", *_QUIETLY, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
