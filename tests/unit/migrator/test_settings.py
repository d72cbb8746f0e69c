"""What the Job is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from litellm_database_operator.migrator.settings import SettingsError, read_login, read_report_path, read_settings
from litellm_database_operator.model.migration import Engine, Policy, RunMode

ENVIRONMENT = {
    "LITELLMDB_JOB": "gateway-migrate-1",
    "LITELLMDB_BUNDLE": "0.4.39",
    "LITELLMDB_TARGET": "sha256:1",
    "LITELLMDB_DEADLINE": "3600",
}
FILES = {
    "host": "db.example",
    "port": "5432",
    "database": "gateway",
    "schema": 'a "b" c ',
    "username": "gateway_migrator",
    "password": " kept as it is ",
    "app": "gateway_app",
    "tls": "require",
}


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_everything_is_read(mounted: Path) -> None:
    settings = read_settings(ENVIRONMENT | {"LITELLMDB_CREDENTIALS": str(mounted)})
    assert (settings.job, settings.bundle, settings.target) == ("gateway-migrate-1", "0.4.39", "sha256:1")
    assert settings.deadline == 3600
    assert (settings.mode, settings.policy, settings.approved, settings.migration_engine) == (
        RunMode.MIGRATE,
        Policy.SAFE,
        "",
        Engine.DIRECT,
    )
    assert (settings.login.port, settings.login.schema, settings.login.ca) == (5432, 'a "b" c ', None)
    assert settings.login.password.reveal() == FILES["password"]
    assert FILES["password"] not in repr(settings)


def test_the_gate_and_the_way_are_read(mounted: Path) -> None:
    told = {
        "LITELLMDB_MODE": "Preview",
        "LITELLMDB_POLICY": "Manual",
        "LITELLMDB_APPROVED": f"sha256:{'a' * 64}",
        "LITELLMDB_MIGRATION_ENGINE": "PrismaCLI",
    }
    settings = read_settings(ENVIRONMENT | told | {"LITELLMDB_CREDENTIALS": str(mounted)})
    assert [settings.mode, settings.policy, settings.approved, settings.migration_engine] == list(told.values())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("LITELLMDB_MODE", "migrate", id="mode"),
        pytest.param("LITELLMDB_POLICY", "Never", id="policy"),
        pytest.param("LITELLMDB_APPROVED", "sha256:abc", id="approval"),
        pytest.param("LITELLMDB_MIGRATION_ENGINE", "psql", id="engine"),
    ],
)
def test_a_word_that_nobody_knows_is_refused(mounted: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        read_settings(ENVIRONMENT | {name: text, "LITELLMDB_CREDENTIALS": str(mounted)})
    assert text not in str(refused.value)


def test_a_ca_is_known_by_its_path(mounted: Path) -> None:
    (mounted / "ca.crt").write_text("-----BEGIN CERTIFICATE-----")
    assert read_login(mounted).ca == mounted / "ca.crt"


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_missing_variable_is_named(mounted: Path, name: str) -> None:
    environment = {key: text for key, text in ENVIRONMENT.items() if key != name}
    with pytest.raises(SettingsError, match=name):
        read_settings(environment | {"LITELLMDB_CREDENTIALS": str(mounted)})


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(mounted: Path, name: str) -> None:
    (mounted / name).unlink()
    with pytest.raises(SettingsError, match=f"credential {name} cannot be read"):
        read_login(mounted)


@pytest.mark.parametrize(
    ("name", "text"), [pytest.param("port", "54x2", id="port"), pytest.param("tls", "prefer", id="tls")]
)
def test_what_cannot_be_is_named_and_not_repeated(mounted: Path, name: str, text: str) -> None:
    (mounted / name).write_text(text)
    with pytest.raises(SettingsError, match=name) as refused:
        read_login(mounted)
    assert text not in str(refused.value)


def test_the_report_goes_where_the_kubelet_looks() -> None:
    assert read_report_path({}) == Path("/dev/termination-log")
