"""What one run is asked to do: the Job's environment, and the files of the mounted Secret. __main__ reads it first."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from litellm_database_operator.model.migration import Engine, Policy, RunMode
from litellm_database_operator.model.names import RoleName, SchemaName
from litellm_database_operator.model.report import PLAN_DIGEST
from litellm_database_operator.model.secret import Password

_Word = TypeVar("_Word", bound=StrEnum)

_HOME: Final = "/opt/litellm-database-operator"
_TLS_MODES: Final = frozenset({"disable", "require", "verify-full"})
DEFAULT_REPORT: Final = "/dev/termination-log"


class SettingsError(ValueError):
    """The Job was not given what a run needs; the message names it, and holds no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where the database is and who the migrator is there."""

    host: str
    port: int
    database: str
    schema: SchemaName
    username: RoleName
    password: Password
    app: RoleName
    """The role whose rights end before Prisma's ledger."""
    tls: str
    ca: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that one run depends on."""

    job: str
    bundle: str
    target: str
    """The digest that the bundle must have."""
    planned_from: str
    """Fingerprint of the ledger that the operator saw; for the log and the history."""
    mode: RunMode
    policy: Policy
    approved: str
    """sha256:… of the plan that a person approved; empty: none."""
    migration_engine: Engine
    """What applies the files."""
    deadline: float
    """Seconds."""
    library: Path
    engine: Path
    """The judge's main.js; Prisma's command line lies beside it."""
    node: str
    workspace: Path
    """Where a bundle may be laid out for Prisma's command line."""
    login: Login


def read_report_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the report goes; it must be known even when nothing else can be read."""
    return Path(environment.get("LITELLMDB_REPORT", DEFAULT_REPORT))


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read environment and credentials; SettingsError says which one is missing or cannot be."""
    try:
        return Settings(
            job=environment["LITELLMDB_JOB"],
            bundle=environment["LITELLMDB_BUNDLE"],
            target=environment["LITELLMDB_TARGET"],
            planned_from=environment.get("LITELLMDB_LEDGER", ""),
            mode=_word("LITELLMDB_MODE", environment.get("LITELLMDB_MODE", RunMode.MIGRATE), RunMode),
            policy=_word("LITELLMDB_POLICY", environment.get("LITELLMDB_POLICY", Policy.SAFE), Policy),
            approved=_digest("LITELLMDB_APPROVED", environment.get("LITELLMDB_APPROVED", "")),
            migration_engine=_word(
                "LITELLMDB_MIGRATION_ENGINE", environment.get("LITELLMDB_MIGRATION_ENGINE", Engine.DIRECT), Engine
            ),
            deadline=_number("LITELLMDB_DEADLINE", environment["LITELLMDB_DEADLINE"]),
            library=Path(environment.get("LITELLMDB_LIBRARY", f"{_HOME}/bundles")),
            engine=Path(environment.get("LITELLMDB_ENGINE", f"{_HOME}/engine/main.js")),
            node=environment.get("LITELLMDB_NODE", "node"),
            workspace=Path(environment.get("LITELLMDB_WORKSPACE", "/app/migrations")),
            login=read_login(Path(environment.get("LITELLMDB_CREDENTIALS", "/etc/litellmdb/migrator"))),
        )
    except KeyError as error:
        raise SettingsError(f"cannot start: {error.args[0]} is not set") from error


def read_login(folder: Path) -> Login:
    """Read the files of the mounted Secret."""
    tls, ca = _file(folder, "tls"), folder / "ca.crt"
    if tls not in _TLS_MODES:
        raise SettingsError("cannot start: tls is none of disable, require, verify-full")
    return Login(
        host=_file(folder, "host"),
        port=int(_number("port", _file(folder, "port"))),
        database=_file(folder, "database"),
        schema=SchemaName(_file(folder, "schema")),
        username=RoleName(_file(folder, "username")),
        password=Password(_file(folder, "password")),
        app=RoleName(_file(folder, "app")),
        tls=tls,
        ca=ca if ca.exists() else None,
    )


def _file(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text()
    except OSError as error:
        raise SettingsError(f"cannot start: credential {name} cannot be read ({error.strerror})") from error


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"cannot start: {name} is no number") from error


def _word(name: str, text: str, words: type[_Word]) -> _Word:
    try:
        return words(text)
    except ValueError as error:
        raise SettingsError(f"cannot start: {name} is none of {', '.join(words)}") from error


def _digest(name: str, text: str) -> str:
    if text and not PLAN_DIGEST.fullmatch(text):
        raise SettingsError(f"cannot start: {name} is no digest of a plan")
    return text
