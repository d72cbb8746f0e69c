"""What unit tests share: `--update-test-data` writes the expected files anew, to be read in the diff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

DATA = Path(__file__).resolve().parents[1] / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--update-test-data", action="store_true", help="write the expected files in tests/data anew")


@pytest.fixture
def expect_yaml(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Give a function that compares an object with a file below tests/data."""

    def compare(name: str, built: Any) -> None:
        path = DATA / name
        if request.config.getoption("--update-test-data"):
            path.write_text(yaml.safe_dump(built, sort_keys=False, allow_unicode=True))
        assert built == yaml.safe_load(path.read_text())

    return compare
