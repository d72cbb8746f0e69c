"""Pods with exactly the environment that LiteLLM's charts make of manifests/litellm: they reach their database."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.conftest import READY_WITHIN, NewNamespace
from tests.support.authority import Authority
from tests.support.kubectl import ROOT, Body, Kubectl, KubectlError, is_ready
from tests.support.litellm_charts import (
    MASTER_KEYS,
    Container,
    environment,
    litellm,
    litellm_helm,
    merge,
    read_values,
)
from tests.support.litellm_probe import hash_of
from tests.support.litellm_server_pod import TlsServerPod, secret
from tests.support.resources import database, proxy_pod
from tests.support.server_pod import ServerPod

SCHEMA: Final = "team llm"
PLAIN: Final = {
    "litellm-helm": litellm_helm(read_values("litellm-helm")).proxies["proxy"],
    "litellm-gateway": litellm(read_values("litellm")).proxies["gateway"],
}
STRICT: Final = {
    "litellm-helm": litellm_helm(read_values("litellm-helm", "litellm-helm-tls")).proxies["proxy"],
    "litellm-backend": litellm(read_values("litellm", "litellm-tls")).proxies["backend"],
}
PROBE: Final = {
    name: (ROOT / "tests/support" / path).read_text()
    for name, path in {
        "probe.py": "litellm_probe.py",
        "probe.js": "litellm_prisma/probe.js",
        "connection.js": "litellm_prisma/connection.js",
        "package.json": "litellm_prisma/package.json",
    }.items()
}
KEYS: Final = {name: {key: "sk-1234"} for name, key in MASTER_KEYS.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A namespace with a database named gateway, where LiteLLM would be installed."""

    kubectl: Kubectl

    def prepare(self) -> None:
        """Bring what the pods mount and the charts' own Secrets."""
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}, "data": PROBE}
        self.kubectl.apply(probe, *(secret(name, text) for name, text in KEYS.items()))

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return the Secrets that a pod sees."""
        return {"gateway-db": self.kubectl.secret("gateway-db"), **KEYS}

    def start(self, name: str, container: Container) -> None:
        """Start a pod that has a container's environment and mounts."""
        self.kubectl.apply(pod_with(name, container))

    def told(self, name: str) -> dict[str, Any]:
        """Return what a pod tells when it has ended."""
        ended = self.kubectl.wait_for("pod", name, _has_ended, within=READY_WITHIN)
        log = self.kubectl.run("logs", name)
        assert ended["status"]["phase"] == "Succeeded", log
        return json.loads(log)


def _has_ended(pod: Body) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def pod_with(name: str, container: Container) -> Body:
    """Build the pod."""
    pod = proxy_pod(name, secret="gateway-db", command=["python3", "/probe/probe.py"])
    (ours,) = pod["spec"]["containers"]
    ours |= container.fields()
    ours["volumeMounts"] = [*container.mounts, {"name": "probe", "mountPath": "/probe"}]
    pod["spec"]["volumes"] = [*container.volumes, {"name": "probe", "configMap": {"name": "probe"}}]
    return pod


@pytest.fixture(scope="module")
def strict(any_namespace: NewNamespace, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Release]:
    """Give a database on a server whose certificate is checked, in a schema of another name; begun at once."""
    release = Release(kubectl=any_namespace())
    server = TlsServerPod(kubectl=release.kubectl, folder=tmp_path_factory.mktemp("tls"))
    server.start()
    release.kubectl.apply(database("gateway", server=server.name, schema=SCHEMA))
    release.prepare()
    return lambda: _ready(release)


@pytest.fixture(scope="module")
def plain(any_namespace: NewNamespace, shared: ServerPod) -> Callable[[], Release]:
    """Give a database on the shared server, which has no TLS, in LiteLLM's usual schema; begun at once."""
    release = Release(kubectl=any_namespace())
    release.kubectl.apply(database("gateway", server=shared.name, of=shared.namespace))
    release.prepare()
    return lambda: _ready(release)


def _ready(release: Release) -> Release:
    release.kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    return release


@pytest.mark.usefixtures("strict")
def test_proxies_of_both_charts_connect_without_tls(plain: Callable[[], Release]) -> None:
    release = plain()
    _start_and_check(release, PLAIN, schema="public", tls=False)


def test_proxies_of_both_charts_check_the_server_by_the_mounted_ca(strict: Callable[[], Release]) -> None:
    release = strict()
    _start_and_check(release, STRICT, schema=SCHEMA, tls=True)


def _start_and_check(release: Release, containers: dict[str, Container], *, schema: str, tls: bool) -> None:
    for name, container in containers.items():
        release.start(name, container)
    secrets = release.secrets()
    published = secrets["gateway-db"]
    for name, container in containers.items():
        told, expected = release.told(name), environment(container, secrets)
        assert expected["DISABLE_SCHEMA_UPDATE"] == "true"
        arrived = {variable: told["variables"].get(variable) for variable in expected}
        assert arrived == {variable: hash_of(text) for variable, text in expected.items()}
        where = [published["DATABASE_USER"], schema, tls]
        assert told["prisma"] == {"session": where, "schema": schema, "rows": [1, 12.5, 1]}
        assert told["libpq"] == {"session": where, "max_budget": 12.5}


def test_a_proxy_refuses_a_server_that_its_ca_did_not_sign(strict: Callable[[], Release], tmp_path: Path) -> None:
    release = strict()
    release.kubectl.apply(secret("other-ca", {"ca.crt": Authority(tmp_path / "other").cert.read_text()}))
    other = [{"name": "litellmdb-ca", "secret": {"secretName": "other-ca"}}]
    container = litellm_helm(merge(read_values("litellm-helm", "litellm-helm-tls"), {"volumes": other}))
    release.start("deceived", container.proxies["proxy"])
    told = release.told("deceived")
    assert "certificate" in told["prisma"]["failed"]
    assert "certificate verify failed" in told["libpq"]["failed"]


def test_the_api_server_refuses_a_variable_that_is_set_again(plain: Callable[[], Release]) -> None:
    """Server-side apply does, and Helm 4 by it: what docs/how-to/litellm-charts.md warns of."""
    again = {"migrationJob": {"enabled": True}, "envVars": {"DISABLE_SCHEMA_UPDATE": "true"}}
    twice = litellm_helm(merge(read_values("litellm-helm"), again)).proxies["proxy"]
    with pytest.raises(KubectlError, match="duplicate entries for key"):
        plain().start("twice", twice)
