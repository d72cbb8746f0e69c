"""What LiteLLM's two charts make of values: the environment, and the mounts, of the containers that use the database.

The charts themselves cannot be fetched where the tests run, so this says what their templates do, variable by
variable; what has nothing to do with the database or its neighbours is left out. The facts were read in
github.com/BerriAI/litellm: helm/litellm-helm (and deploy/charts/litellm-helm before 2026) and helm/litellm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

Body = dict[str, Any]
Values = Mapping[str, Any]

ROOT: Final = Path(__file__).resolve().parents[2]
OLDEST: Final = (0, 3, 0)
NEWEST: Final = (1, 1, 3)
MASTER_KEYS: Final = {
    "litellm-helm": ("gateway-litellm-helm-masterkey", "masterkey"),
    "litellm": ("keys", "master-key"),
}
"""By chart: the Secret and the key of the master key, for a release named gateway."""
_READS_JOB_ENABLED: Final = (0, 4, 4)
_READS_ENDPOINT_KEY: Final = (0, 4, 6)
_PASSES_EXTRA_VARIABLES_TO_THE_JOB: Final = (0, 4, 6)
_FORBIDS_MIGRATING_BESIDE_THE_JOB: Final = (1, 1, 0)

_LITELLM_HELM: Final[Body] = {
    "db": {
        "deployStandalone": True,
        "useExisting": False,
        "endpoint": "localhost",
        "database": "litellm",
        "url": "postgresql://$(DATABASE_USERNAME):$(DATABASE_PASSWORD)@$(DATABASE_HOST)/$(DATABASE_NAME)",
        "secret": {"name": "postgres", "usernameKey": "username", "passwordKey": "password", "endpointKey": ""},
    },
    "environmentSecrets": [],
    "envVars": {},
    "extraEnvVars": [],
    "migrationJob": {"enabled": True},
    "volumes": [],
    "volumeMounts": [],
}
_COMPONENT: Final[Body] = {"envSecrets": [], "extraEnv": [], "volumes": [], "volumeMounts": []}
_LITELLM: Final[Body] = {
    "database": {
        "writer": {
            "port": 5432,
            "sslMode": "",
            "sslRootCert": "",
            "passwordSecret": {"name": "litellm-writer-secret", "usernameKey": "username", "passwordKey": "password"},
        }
    },
    "monolith": {"enabled": False},
    "gateway": _COMPONENT,
    "backend": _COMPONENT,
    "migrationJob": {"enabled": True},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container as a chart writes it."""

    secrets: Sequence[str]
    """Of `envFrom`, in order."""
    env: Sequence[Body]
    volumes: Sequence[Body]
    mounts: Sequence[Body]

    def fields(self) -> Body:
        """Return what a pod's container gets of it."""
        env_from = [{"secretRef": {"name": name}} for name in self.secrets]
        return {"envFrom": env_from, "env": list(self.env), "volumeMounts": list(self.mounts)}

    def duplicates(self) -> list[str]:
        """Return the names that `env` has twice, which server-side apply refuses, and so does Helm 4."""
        names = [entry["name"] for entry in self.env]
        return sorted({name for name in names if names.count(name) > 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a chart makes."""

    proxies: Mapping[str, Container]
    job: Container | None
    """The chart's own migration Job, where it makes one."""


def read_values(*names: str) -> Body:
    """Return the values of files of manifests/litellm, later ones over earlier ones, as Helm merges them."""
    merged: Body = {}
    for name in names:
        merged = merge(merged, yaml.safe_load((ROOT / f"manifests/litellm/{name}.yaml").read_text()))
    return merged


def merge(below: Values, above: Values) -> Body:
    """Return values over others: mappings are merged, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType]
    return merged


def litellm_helm(given: Values, *, version: tuple[int, int, int] = NEWEST) -> Rendered:
    """Return what `litellm-helm` of a version makes of values."""
    values = merge(_LITELLM_HELM, given)
    proxy = Container(
        secrets=values["environmentSecrets"],
        env=[
            {"name": "HOST", "value": "0.0.0.0"},  # noqa: S104 - the chart's own
            {"name": "PORT", "value": "4000"},
            *_database(values["db"], version),
            _from_secret("PROXY_MASTER_KEY", *MASTER_KEYS["litellm-helm"]),
            *_extra(values),
            *_own_job(values, version),
        ],
        volumes=values["volumes"],
        mounts=values["volumeMounts"],
    )
    job = _job(values, version) if values["migrationJob"]["enabled"] or version < _READS_JOB_ENABLED else None
    return Rendered(proxies={"proxy": proxy}, job=job)


def _database(db: Values, version: tuple[int, int, int]) -> Iterator[Body]:
    if db["deployStandalone"]:
        for name, key in (("DATABASE_USERNAME", "username"), ("DATABASE_PASSWORD", "password")):
            yield _from_secret(name, "gateway-litellm-helm-dbcredentials", key)
        yield {"name": "DATABASE_HOST", "value": "gateway-postgresql"}
        yield {"name": "DATABASE_NAME", "value": "litellm"}
    elif db["useExisting"]:
        yield from _existing(db, version)


def _existing(db: Values, version: tuple[int, int, int]) -> Iterator[Body]:
    secret = db["secret"]
    yield _from_secret("DATABASE_USERNAME", secret["name"], secret["usernameKey"])
    yield _from_secret("DATABASE_PASSWORD", secret["name"], secret["passwordKey"])
    if secret["endpointKey"] and version >= _READS_ENDPOINT_KEY:
        yield _from_secret("DATABASE_HOST", secret["name"], secret["endpointKey"])
    else:
        yield {"name": "DATABASE_HOST", "value": db["endpoint"]}
    yield {"name": "DATABASE_NAME", "value": db["database"]}
    yield {"name": "DATABASE_URL", "value": db["url"]}


def _extra(values: Values) -> Iterator[Body]:
    yield from ({"name": name, "value": str(value)} for name, value in sorted(values["envVars"].items()))
    yield from values["extraEnvVars"]


def _own_job(values: Values, version: tuple[int, int, int]) -> Iterator[Body]:
    if values["migrationJob"]["enabled"] and version >= _FORBIDS_MIGRATING_BESIDE_THE_JOB:
        yield {"name": "DISABLE_SCHEMA_UPDATE", "value": "true"}


def _job(values: Values, version: tuple[int, int, int]) -> Container:
    """It has no envFrom in any version that was read."""
    bundled = values["db"]["deployStandalone"] and not values["db"]["useExisting"]
    extra = [*_extra(values)] if version >= _PASSES_EXTRA_VARIABLES_TO_THE_JOB else []
    return Container(
        secrets=(),
        env=[
            *([] if bundled else _database(values["db"], version)),
            *extra,
            {"name": "DISABLE_SCHEMA_UPDATE", "value": "false"},
        ],
        volumes=values["volumes"],
        mounts=values["volumeMounts"],
    )


def litellm(given: Values) -> Rendered:
    """Return what the chart `litellm` makes of values; KeyError where it requires one that is not there."""
    values = merge(_LITELLM, given)
    names = ("gateway",) if values["monolith"]["enabled"] else ("gateway", "backend")
    components = {name: _component(values[name], values["database"]["writer"]) for name in names}
    job = components[names[-1]] if values["migrationJob"]["enabled"] else None
    return Rendered(proxies=components, job=job)


def _component(values: Values, writer: Values) -> Container:
    return Container(
        secrets=values["envSecrets"],
        env=[
            _from_secret("LITELLM_MASTER_KEY", *MASTER_KEYS["litellm"]),
            *_writer(writer),
            {"name": "DISABLE_SCHEMA_UPDATE", "value": "true"},
            *values["extraEnv"],
        ],
        volumes=values["volumes"],
        mounts=values["volumeMounts"],
    )


def _writer(writer: Values) -> Iterator[Body]:
    secret = writer["passwordSecret"]
    yield {"name": "DATABASE_HOST", "value": writer["host"]}
    yield {"name": "DATABASE_PORT", "value": str(writer["port"])}
    yield _from_secret("DATABASE_USER", secret["name"], secret["usernameKey"])
    yield {"name": "DATABASE_NAME", "value": writer["dbname"]}
    if writer.get("schema"):
        yield {"name": "DATABASE_SCHEMA", "value": writer["schema"]}
    yield _from_secret("DATABASE_PASSWORD", secret["name"], secret["passwordKey"])
    for name, key in (("DATABASE_SSLMODE", "sslMode"), ("DATABASE_SSLROOTCERT", "sslRootCert")):
        if writer[key]:
            yield {"name": name, "value": writer[key]}


def _from_secret(name: str, secret: str, key: str) -> Body:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


class Variables(dict[str, str]):
    """An environment, whose repr a failed test may print."""

    def __repr__(self) -> str:
        """Tell the names only."""
        return f"Variables({', '.join(self)})"


def environment(container: Container, secrets: Mapping[str, Mapping[str, str]]) -> Variables:
    """Return what the kubelet makes of a container's variables; KeyError for a Secret or key that is not there.

    Every key of an `envFrom` comes first; `env` follows in order and wins, and $(NAME) in it sees all that came
    before. https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    made = Variables()
    for name in container.secrets:
        made.update(secrets[name])
    for entry in container.env:
        made[entry["name"]] = _value(entry, made, secrets)
    return made


_REFERENCE: Final = re.compile(r"\$(?:(\$)|\(([^)]+)\))")


def _value(entry: Body, made: Mapping[str, str], secrets: Mapping[str, Mapping[str, str]]) -> str:
    if "value" not in entry:
        source = entry["valueFrom"]["secretKeyRef"]
        return secrets[source["name"]][source["key"]]

    def expand(found: re.Match[str]) -> str:
        return "$" if found[1] else made.get(found[2], found[0])

    return _REFERENCE.sub(expand, entry["value"])


def documented_values() -> Iterable[tuple[str, Body]]:
    """Yield title and values of each example in docs/how-to/litellm-charts.md."""
    page = (ROOT / "docs/how-to/litellm-charts.md").read_text()
    for title, text in re.findall(r'^```yaml title="([^"]+)"\n(.*?)^```', page, re.MULTILINE | re.DOTALL):
        yield title, yaml.safe_load(text)
