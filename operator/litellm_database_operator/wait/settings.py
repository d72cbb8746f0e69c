"""What is waited for, and where: the command line, and the published Secret as environment. __main__ reads both."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from litellm_database_operator.model.names import CA_MOUNT_PATH, DatabaseName, RoleName, SchemaName
from litellm_database_operator.model.secret import PASSWORD_KEY, Endpoint, Password
from litellm_database_operator.postgres.connection import Login

DEFAULT_TIMEOUT: Final = 600.0
"""Seconds. Whoever starts the container again, Kubernetes, gives it the Secret as it then is."""
_LIBRARY: Final = "/opt/litellm-database-operator/bundles"
_TLS_MODES: Final = frozenset({"disable", "require", "verify-full"})


class SettingsError(ValueError):
    """What was given is not enough to wait with; the message names it, and holds no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The schema that is waited for: by LiteLLM's release, or by its bundle."""

    version: str | None = None
    bundle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that waiting depends on."""

    asked: Asked
    timeout: float
    """Seconds; 0 waits for ever."""
    library: Path
    login: Login
    schema: SchemaName


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the command line, which goes before the environment; SettingsError says what is missing or cannot be."""
    given = _parser().parse_args(arguments)
    return Settings(
        asked=_asked(given.version, given.bundle, environment),
        timeout=given.timeout,
        library=Path(environment.get("LITELLMDB_LIBRARY", _LIBRARY)),
        login=_login(environment),
        schema=SchemaName(_key(environment, "DATABASE_SCHEMA")),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m litellm_database_operator.wait",
        description="Wait until the schema of a LiteLLM release is in the database that a LiteLLMDatabase published.",
        epilog="The published Secret is read from the environment (envFrom).",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", help="the LiteLLM release, 1.81.12; without it, the environment's LITELLM_VERSION")
    which.add_argument("--bundle", help="the litellm-proxy-extras release, 0.4.39")
    parser.add_argument("--timeout", type=_seconds, default=DEFAULT_TIMEOUT, metavar="SECONDS",
                        help="end with 1 after so long (%(default)g); 0 waits for ever")  # fmt: skip
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("must be seconds, 0 or more")
    return seconds


def _asked(version: str | None, bundle: str | None, environment: Mapping[str, str]) -> Asked:
    if bundle:
        return Asked(bundle=bundle)
    if version := version or environment.get("LITELLM_VERSION"):
        return Asked(version=version)
    raise SettingsError("cannot wait: give --version or --bundle, or set LITELLM_VERSION")


def _login(environment: Mapping[str, str]) -> Login:
    tls = _key(environment, "DATABASE_SSLMODE")
    if tls not in _TLS_MODES:
        raise SettingsError("cannot wait: DATABASE_SSLMODE is none of disable, require, verify-full")
    return Login(
        endpoint=Endpoint(host=_key(environment, "DATABASE_HOST"), port=_port(environment), tls=tls),
        database=DatabaseName(_key(environment, "DATABASE_NAME")),
        username=RoleName(_key(environment, "DATABASE_USERNAME")),
        password=Password(_key(environment, PASSWORD_KEY)),
        ca=_ca(Path(environment.get("LITELLMDB_CA", CA_MOUNT_PATH))) if tls == "verify-full" else None,
    )


def _port(environment: Mapping[str, str]) -> int:
    try:
        return int(_key(environment, "DATABASE_PORT"))
    except ValueError as error:
        raise SettingsError("cannot wait: DATABASE_PORT is no number") from error


def _ca(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"cannot wait: the server's CA cannot be read from {file}; mount the Secret with the CA, which bears the "
            f"published one's name and -ca, at {file.parent}"
        ) from error


def _key(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    raise SettingsError(f"cannot wait: {name} is not set; give the container the published Secret by envFrom")
