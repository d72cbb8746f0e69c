"""The operator's settings: environment variables, read once by __main__.

manifests/ sets them; docs/operations describes them. None holds a secret.
"""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

_HOME: Final = Path("/opt/litellm-database-operator")
"""Where the image holds its files."""
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A DNS label: https://datatracker.ietf.org/doc/html/rfc1123"""
_Model = TypeVar("_Model", bound=BaseModel)


class SettingsError(ValueError):
    """A setting is missing or cannot be; the message names it."""


def _listed(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _namespaced(text: object) -> object:
    if not isinstance(text, str):
        return text
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise ValueError("must be namespace/name")
    return namespace, name


def _watchable(namespaces: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no list of namespaces: nothing of it would be watched, or all of it twice."""
    if not namespaces:
        raise ValueError("must name namespaces, or not be set")
    if wrong := [each for each in namespaces if not _NAMESPACE.fullmatch(each)]:
        raise ValueError(f"no name of a namespace: {', '.join(map(repr, wrong))}")
    if twice := [each for each, count in Counter(namespaces).items() if count > 1]:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return namespaces


List = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Namespaces = Annotated[List, AfterValidator(_watchable)]
NamespacedName = Annotated[tuple[str, str], BeforeValidator(_namespaced)]


class PlaceSettings(BaseModel):
    """Where the operator works; the variable of each is in its alias."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_alias=True, validate_by_name=True)

    pod_namespace: str = Field(alias="POD_NAMESPACE", min_length=1)
    identity: str | None = Field(default=None, alias="LITELLMDB_IDENTITY")
    """The installation, as marks in PostgreSQL bear it; without it, the uid of the operator's namespace."""
    watch_namespaces: Namespaces = Field(default=(), alias="LITELLMDB_WATCH_NAMESPACES")
    """Where resources are looked for; none is everywhere."""
    default_server: NamespacedName | None = Field(default=None, alias="LITELLMDB_DEFAULT_SERVER")
    """The PostgresServer of a LiteLLMDatabase that names none."""


class Settings(PlaceSettings):
    """What the installer decides."""

    pod_name: str = Field(alias="POD_NAME", min_length=1)
    image: str = Field(alias="LITELLMDB_IMAGE", min_length=1)
    """What migration Jobs run: the operator's own image."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        default=None, alias="LITELLMDB_IMAGE_PULL_POLICY"
    )
    postgres_image: str = Field(default="postgres:16", alias="LITELLMDB_POSTGRES_IMAGE", min_length=1)
    allowed_servers: List = Field(default=(), alias="LITELLMDB_ALLOWED_SERVERS")
    """Patterns of host or host:port; none allows every server."""
    library: Path = Field(default=_HOME / "bundles", alias="LITELLMDB_LIBRARY")
    history: Path = Field(default=_HOME / "history", alias="LITELLMDB_HISTORY")
    """Where the migrations of our own schema in each database lie."""
    proof_hours: float = Field(default=24.0, alias="LITELLMDB_PROOF_HOURS", ge=0.0, le=8_760.0, allow_inf_nan=False)
    """How old the last comparison of a complete database grows before another is made; 0 makes none."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", alias="LITELLMDB_LOG_LEVEL")
    probe_port: int = Field(default=8080, alias="LITELLMDB_PROBE_PORT", ge=0, le=65_535)
    workers: int = Field(default=32, alias="LITELLMDB_WORKERS", ge=1, le=256)
    """Passes that run at a time."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; one set to nothing is one not set. SettingsError names what cannot be."""
    return _read(Settings, environment)


def read_place(environment: Mapping[str, str]) -> PlaceSettings:
    """Read where the operator works, and nothing else; SettingsError names what cannot be."""
    return _read(PlaceSettings, environment)


def _read(model: type[_Model], environment: Mapping[str, str]) -> _Model:
    try:
        return model.model_validate({name: value for name, value in environment.items() if value})
    except ValidationError as error:
        told = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors(include_url=False))
        raise SettingsError(f"cannot start: {told}") from error
