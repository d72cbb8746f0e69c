"""What must be true of the repository itself, and no linter looks at."""

from __future__ import annotations

import importlib.util
import operator
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
LOCKS = (
    "requirements/runtime.txt",
    "requirements/dev.txt",
    "requirements/checkov.txt",
    "tests/support/litellm_releases/1.81.12.txt",
    "tests/support/litellm_releases/1.108.0.txt",
    "engine/package-lock.json",
    "tools/pyright/package-lock.json",
    "tests/support/postgres/package-lock.json",
    "tests/support/litellm_prisma/package-lock.json",
    "images/postgres/package-lock.json",
    "bundles/lock.json",
)


def _promised_paths() -> list[str]:
    """Read the first column of CONTRIBUTING's table of what lives where."""
    section = (TOP / "CONTRIBUTING.md").read_text().split("## Where things live")[1].split("\n\nInside")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [path for row in rows for path in re.findall(r"`([^`]+)`", row)]


def _locked(lock: str) -> list[str]:
    return re.findall(r"^([a-z0-9-]+)==", (TOP / lock).read_text(), re.MULTILINE)


def test_operator_is_a_folder_and_no_package() -> None:
    """An __init__.py there would be imported in place of the standard library's operator."""
    assert not (TOP / "operator/__init__.py").exists()
    assert not list((TOP / "operator").glob("*.py"))
    assert operator.__file__.startswith(sysconfig.get_path("stdlib"))


def test_the_top_folder_on_the_path_leaves_the_standard_library_alone() -> None:
    code = "import operator, sys; sys.exit(operator.add(1, 1) != 2)"
    assert subprocess.run([sys.executable, "-S", "-c", code], cwd=TOP, check=False).returncode == 0


def test_the_package_is_the_one_in_this_checkout() -> None:
    spec = importlib.util.find_spec("litellm_database_operator")
    assert spec is not None
    assert spec.origin == str(TOP / "operator/litellm_database_operator/__init__.py")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_no_address(lock: str) -> None:
    """An address would bind everyone to one registry, and bypass their mirror."""
    addresses = re.findall(r"https?://\S*|--(?:extra-)?index-url.*", (TOP / lock).read_text())
    assert addresses == []


def test_every_requirement_is_locked_by_hash() -> None:
    for lock in LOCKS[:5]:
        for block in re.split(r"\n(?=\S)", (TOP / lock).read_text()):
            assert block.startswith("#") or "--hash=sha256:" in block, block


def test_the_tests_run_on_the_versions_that_the_image_has() -> None:
    pins = [re.findall(r"^\S+==\S+", (TOP / lock).read_text(), re.MULTILINE) for lock in LOCKS[:2]]
    assert set(pins[0]) <= set(pins[1])


def test_notice_names_every_package_in_the_image() -> None:
    notice = re.findall(r"[a-z0-9-]+", (TOP / "NOTICE").read_text().lower())
    assert set(_locked("requirements/runtime.txt")) - set(notice) == set()


@pytest.mark.parametrize("path", _promised_paths())
def test_what_contributing_promises_is_there(path: str) -> None:
    assert (TOP / path).exists()


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for page in ("README.md", "CONTRIBUTING.md")
        for name in re.findall(r"(?:`|^)make ([a-z0-9-]+)", (TOP / page).read_text(), re.MULTILINE)
    }
    assert named - targets == set()
