"""What the init container is given, and what it says when that is not enough."""

from pathlib import Path

import pytest

from litellm_database_operator.model.names import DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.secret import Binding, Endpoint, Password
from litellm_database_operator.wait.settings import DEFAULT_TIMEOUT, Asked, SettingsError, read_settings

PASSWORD = "correct-horse-battery-staple"


def published(tls: str = "require") -> dict[str, str]:
    binding = Binding(
        endpoint=Endpoint(host="db.example", port=6432, tls=tls),
        database=DatabaseName("team-a_gateway"),
        schema=SchemaName("litellm"),
        login=RoleName("team-a_gateway_app_a"),
        password=Password(PASSWORD),
    )
    return dict(binding.published())


def test_the_published_secret_is_all_that_it_needs() -> None:
    settings = read_settings(["--version", "1.81.12"], published())
    login = settings.login
    assert settings.asked == Asked(version="1.81.12")
    assert (settings.timeout, settings.schema) == (DEFAULT_TIMEOUT, "litellm")
    assert (login.endpoint, login.database) == (Endpoint(host="db.example", port=6432, tls="require"), "team-a_gateway")
    assert (login.username, login.password.reveal(), login.ca) == ("team-a_gateway_app_a", PASSWORD, None)
    assert PASSWORD not in repr(settings)


@pytest.mark.parametrize(
    ("arguments", "environment", "asked"),
    [
        pytest.param([], {"LITELLM_VERSION": "1.81.12"}, Asked(version="1.81.12"), id="environment"),
        pytest.param(["--version=1.82.0"], {"LITELLM_VERSION": "1.81.12"}, Asked(version="1.82.0"), id="argument"),
        pytest.param(["--bundle=0.4.39"], {"LITELLM_VERSION": "1.81.12"}, Asked(bundle="0.4.39"), id="bundle"),
    ],
)
def test_what_is_asked_for(arguments: list[str], environment: dict[str, str], asked: Asked) -> None:
    assert read_settings(arguments, published() | environment).asked == asked


@pytest.mark.parametrize(
    ("environment", "arguments", "words"),
    [
        pytest.param({}, [], "give --version or --bundle, or set LITELLM_VERSION", id="nothing asked"),
        pytest.param({"DATABASE_HOST": ""}, ["--version=1"], "DATABASE_HOST is not set", id="no Secret"),
        pytest.param({"DATABASE_PORT": PASSWORD}, ["--version=1"], "DATABASE_PORT is no number", id="a wrong port"),
        pytest.param({"DATABASE_SSLMODE": PASSWORD}, ["--version=1"], "DATABASE_SSLMODE is none of", id="a wrong mode"),
    ],
)
def test_what_is_missing_is_named(environment: dict[str, str], arguments: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        read_settings(arguments, published() | environment)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan"])
def test_a_timeout_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        read_settings(["--version=1", f"--timeout={text}"], published())
    assert "--timeout" in capsys.readouterr().err


def test_the_ca_is_read_where_the_certificate_is_judged(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text("PEM")
    mounted = {"LITELLMDB_CA": str(ca)}
    assert read_settings(["--version=1"], published("verify-full") | mounted).login.ca == "PEM"
    assert read_settings(["--version=1"], published("require") | mounted).login.ca is None


def test_a_ca_that_is_not_mounted_is_named() -> None:
    words = r"the server's CA cannot be read from /etc/litellmdb/ca\.crt; mount the Secret .* at /etc/litellmdb"
    with pytest.raises(SettingsError, match=words):
        read_settings(["--version=1"], published("verify-full"))
