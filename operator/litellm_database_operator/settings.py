"""The operator's settings: environment variables, read once by __main__.

manifests/ sets them; docs/operations describes them. None holds a secret.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

_HOME: Final = Path("/opt/litellm-database-operator")
"""Where the image holds its files."""


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


List = Annotated[tuple[str, ...], BeforeValidator(_listed)]
NamespacedName = Annotated[tuple[str, str], BeforeValidator(_namespaced)]


class Settings(BaseModel):
    """What the installer decides; the variable of each is in its alias."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_alias=True, validate_by_name=True)

    pod_namespace: str = Field(alias="POD_NAMESPACE", min_length=1)
    pod_name: str = Field(alias="POD_NAME", min_length=1)
    image: str = Field(alias="LITELLMDB_IMAGE", min_length=1)
    """What migration Jobs run: the operator's own image."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        default=None, alias="LITELLMDB_IMAGE_PULL_POLICY"
    )
    postgres_image: str = Field(default="postgres:16", alias="LITELLMDB_POSTGRES_IMAGE", min_length=1)
    identity: str | None = Field(default=None, alias="LITELLMDB_IDENTITY")
    """The installation, as marks in PostgreSQL bear it; without it, the uid of the operator's namespace."""
    default_server: NamespacedName | None = Field(default=None, alias="LITELLMDB_DEFAULT_SERVER")
    """The PostgresServer of a LiteLLMDatabase that names none."""
    allowed_servers: List = Field(default=(), alias="LITELLMDB_ALLOWED_SERVERS")
    """Patterns of host or host:port; none allows every server."""
    watch_namespaces: List = Field(default=(), alias="LITELLMDB_WATCH_NAMESPACES")
    """Where resources are looked for; none is everywhere."""
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
    try:
        return Settings.model_validate({name: value for name, value in environment.items() if value})
    except ValidationError as error:
        told = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors(include_url=False))
        raise SettingsError(f"cannot start: {told}") from error
