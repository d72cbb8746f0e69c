"""Asks the package index, through pip: the only module here that reaches a network."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundles.lock import Wheel

EXTRAS = "litellm-proxy-extras"
LITELLM = "litellm"
_PLATFORM = (
    "--only-binary=:all:",
    "--platform=manylinux_2_28_x86_64",
    "--python-version=3.12",
    "--implementation=cp",
    "--abi=abi3",
    "--abi=none",
)
"""One wheel for every machine: newer releases of litellm differ by platform, but not in what is read of them."""
_PIN = re.compile(rf"{EXTRAS}\s*\(?==\s*(?P<version>[\w.]+)\)?\s*;")


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
        _pip(
            "download",
            "--no-deps",
            "--require-hashes",
            *_PLATFORM,
            "--dest",
            folder,
            "--requirement",
            str(requirements),
        )
        (Path(folder) / wheel.filename).replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What the index says of one release."""

    wheel: Wheel
    extras: str | None
    """The exact release of litellm-proxy-extras that it pins; None for a range, or for none."""


def fetch_release(project: str, version: str) -> Release:
    """Return a release's wheel and its pin. A published release does not change, so the answer is cached."""
    cached = cache_folder() / "releases" / f"{project}-{version}.json"
    if not cached.is_file():
        report = _pip(
            "install",
            "--dry-run",
            "--ignore-installed",
            "--no-deps",
            "--quiet",
            "--report=-",
            "--target=none",
            *_PLATFORM,
            f"{project}=={version}",
        )
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(json.dumps(_facts(json.loads(report))))
    facts = json.loads(cached.read_text())
    wheel = Wheel(project=project, version=version, filename=facts["filename"], sha256=facts["sha256"])
    return Release(wheel=wheel, extras=_pinned(facts["requires"]))


def _facts(report: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of pip's report; not the address, it is this machine's."""
    (item,) = report["install"]
    download_info = item["download_info"]
    return {
        "filename": download_info["url"].rsplit("/", 1)[-1],
        "sha256": download_info["archive_info"]["hashes"]["sha256"],
        "requires": item["metadata"].get("requires_dist", []),
    }


def _pinned(requires: list[str]) -> str | None:
    pins = {match["version"] for line in requires if (match := _PIN.match(line))}
    return pins.pop() if len(pins) == 1 else None


def fetch_versions(project: str) -> list[str]:
    """Return a project's stable releases, oldest first."""
    answer = _pip("index", "versions", project)
    (line,) = [line for line in answer.splitlines() if line.startswith("Available versions:")]
    return [version.strip() for version in line.split(":", 1)[1].split(",")][::-1]


def _pip(*arguments: str) -> str:
    """Run pip; its own words tell what failed."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
