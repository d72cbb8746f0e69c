"""Settings: what is read, and what a wrong one is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from litellm_database_operator.settings import Settings, SettingsError, read_settings

NEEDED = {"POD_NAMESPACE": "litellmdb-system", "POD_NAME": "operator-1", "LITELLMDB_IMAGE": "operator:1"}


def test_defaults() -> None:
    settings = read_settings(NEEDED)
    assert settings.postgres_image == "postgres:16"
    assert settings.default_server is None
    assert settings.allowed_servers == ()
    assert settings.watch_namespaces == ()
    assert settings.workers == 32
    assert settings.proof_hours == 24


def test_the_page_tells_every_setting_and_its_default() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/operations/operator.md").read_text()
    told = dict(re.findall(r"^\| `(LITELLMDB_\w+)` \| `?(.*?)`? \|", page, re.MULTILINE))
    ours = {str(each.alias): each.default for each in Settings.model_fields.values()}
    of_the_image = {"LITELLMDB_LIBRARY", "LITELLMDB_HISTORY", "POD_NAME", "POD_NAMESPACE"}
    assert set(told) == set(ours) - of_the_image
    valued = {name: default for name, default in ours.items() if isinstance(default, str | int | float)}
    assert {name: told[name] for name in valued if name in told} == {
        name: f"{each:g}" if isinstance(each, float) else str(each) for name, each in valued.items()
    }


def test_all_set() -> None:
    settings = read_settings(
        NEEDED
        | {
            "LITELLMDB_DEFAULT_SERVER": "data/main",
            "LITELLMDB_ALLOWED_SERVERS": "*.example.com, db:5432,",
            "LITELLMDB_WATCH_NAMESPACES": "a,b",
            "LITELLMDB_IDENTITY": "",
            "LITELLMDB_PROOF_HOURS": "0",
        }
    )
    assert settings.default_server == ("data", "main")
    assert settings.allowed_servers == ("*.example.com", "db:5432")
    assert settings.watch_namespaces == ("a", "b")
    assert settings.identity is None
    assert settings.proof_hours == 0


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"LITELLMDB_IMAGE": ""}, "LITELLMDB_IMAGE", id="missing"),
        pytest.param({"LITELLMDB_DEFAULT_SERVER": "main"}, "LITELLMDB_DEFAULT_SERVER", id="no namespace"),
        pytest.param({"LITELLMDB_DEFAULT_SERVER": "a/b/c"}, "LITELLMDB_DEFAULT_SERVER", id="too many parts"),
        pytest.param({"LITELLMDB_WORKERS": "many"}, "LITELLMDB_WORKERS", id="no number"),
        pytest.param({"LITELLMDB_WORKERS": "0"}, "LITELLMDB_WORKERS", id="too small"),
        pytest.param({"LITELLMDB_PROOF_HOURS": "-1"}, "LITELLMDB_PROOF_HOURS", id="before the last one"),
        pytest.param({"LITELLMDB_PROOF_HOURS": "inf"}, "LITELLMDB_PROOF_HOURS", id="no time at all"),
        pytest.param({"LITELLMDB_WATCH_NAMESPACES": " , "}, "LITELLMDB_WATCH_NAMESPACES", id="a list of nothing"),
        pytest.param({"LITELLMDB_WATCH_NAMESPACES": "a,*"}, "LITELLMDB_WATCH_NAMESPACES", id="a pattern"),
        pytest.param({"LITELLMDB_WATCH_NAMESPACES": "a;b"}, "LITELLMDB_WATCH_NAMESPACES", id="another separator"),
        pytest.param({"LITELLMDB_WATCH_NAMESPACES": "A"}, "LITELLMDB_WATCH_NAMESPACES", id="a capital"),
        pytest.param({"LITELLMDB_WATCH_NAMESPACES": "a" * 64}, "LITELLMDB_WATCH_NAMESPACES", id="a long name"),
        pytest.param({"LITELLMDB_WATCH_NAMESPACES": "a,b,a"}, "LITELLMDB_WATCH_NAMESPACES", id="named twice"),
        pytest.param({"LITELLMDB_LOG_LEVEL": "LOUD"}, "LITELLMDB_LOG_LEVEL", id="unknown word"),
    ],
)
def test_a_wrong_setting_is_named(changed: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=f"cannot start: {named}: "):
        read_settings(NEEDED | changed)


@pytest.mark.parametrize(
    ("given", "told"),
    [("team-a,Team_B,*", "'Team_B', '*'"), ("a,b,a,c,b", "named twice: a, b"), (",", "must name namespaces")],
)
def test_a_wrong_namespace_is_named(given: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(NEEDED | {"LITELLMDB_WATCH_NAMESPACES": given})
    assert told in str(caught.value)


def test_the_process_says_it_in_one_line_and_ends_with_2() -> None:
    environment = os.environ | NEEDED | {"LITELLMDB_WORKERS": "many"}
    command = [sys.executable, "-m", "litellm_database_operator"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "LITELLMDB_WORKERS" in result.stderr
