"""A release of charts/litellm-database: Ready, gone without a loss, and back."""

import json
from typing import Any, Final

import pytest

from tests.e2e.conftest import READY_WITHIN
from tests.support.helm import Helm, HelmError, ensure_helm
from tests.support.kubectl import ROOT, Body, Kubectl, is_ready
from tests.support.resources import OLD

_CHART: Final = ROOT / "charts/litellm-database"
_EMBEDDED: Final[Body] = {"database": {"litellm": {"version": OLD}}, "server": {"mode": "embedded"}}
_EXTERNAL: Final[Body] = {
    "mode": "external",
    "external": {"host": "nowhere.invalid", "adminSecretRef": {"name": "admin"}},
}
_TERM: Final[Body] = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "x"}}, "namespaceSelector": {}}
_EVERYTHING: Final[Body] = {
    "commonLabels": {"team": "a"},
    "keep": True,
    "database": {
        "database": "any",
        "schema": "litellm",
        "litellm": {"bundle": "0.4.39"},
        "secret": {"name": "own", "labels": {"a": "b"}, "annotations": {"a": ""}, "keys": {"PGHOST": "$(host)"}},
        "credentials": {"connectionLimit": 40},
        "migration": {
            "policy": "Manual",
            "approvedPlan": f"sha256:{0:064}",
            "preview": {"version": OLD},
            "engine": "PrismaCLI",
            "deadline": 86400,
            "podTemplate": {
                "labels": {"a": ""},
                "annotations": {"a": "b"},
                "nodeSelector": {"a": "b"},
                "tolerations": [{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}],
                "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_TERM]}},
                "priorityClassName": "any",
                "imagePullSecrets": [{"name": "any"}],
                "resources": {"requests": {"cpu": 1, "memory": "100Mi"}, "limits": {"memory": "1.5Gi"}},
            },
        },
        "deletionPolicy": "Delete",
        "suspend": True,
    },
}
_SERVERS: Final[dict[str, Body]] = {
    "embedded": {"embedded": {"storage": "1.5Gi", "storageClass": "any", "resources": {"limits": {"memory": "1Gi"}}}},
    "external": {
        "external": {
            "host": "db.example.com",
            "adminSecretRef": {"name": "admin", "keys": {"username": "u", "password": "p"}},
            "tls": {"mode": "verify-full", "caSecretRef": {"name": "ca", "key": "pem"}},
        },
        "allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}},
        "limits": {"databasesPerNamespace": 3, "connectionsPerDatabase": 40, "concurrentMigrations": 1},
        "deletionPolicy": "Delete",
    },
}


@pytest.fixture
def helm(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Give Helm for the cluster."""
    return ensure_helm(tmp_path_factory.mktemp("helm"), kubectl.kubeconfig)


@pytest.mark.parametrize("mode", _SERVERS)
def test_the_api_server_takes_every_value_there_is(mode: str, helm: Helm, kubectl: Kubectl) -> None:
    values: dict[str, Any] = _EVERYTHING | {"server": {"mode": mode} | _SERVERS[mode]}
    for body in helm.template(_CHART, f"--namespace={kubectl.namespace}", name="gateway", values=values):
        kubectl.run("apply", "--server-side", "--dry-run=server", "--filename=-", given=json.dumps(body))


def test_a_release_gives_its_server_away_only_where_it_is_kept(helm: Helm, kubectl: Kubectl) -> None:
    in_namespace = f"--namespace={kubectl.namespace}"
    with_it: Body = {"database": {"litellm": {"version": OLD}, "suspend": True}, "server": _EXTERNAL}
    without: Body = {"database": with_it["database"] | {"serverRef": {"name": "gateway"}}}
    helm.install("gateway", _CHART, in_namespace, values=with_it)
    with pytest.raises(HelmError, match="set keep first"):
        helm.upgrade("gateway", _CHART, in_namespace, values=without)
    helm.upgrade("gateway", _CHART, in_namespace, values=with_it | {"keep": True})
    helm.upgrade("gateway", _CHART, in_namespace, values=without)
    assert "deletionTimestamp" not in kubectl.there("pgs", "gateway")["metadata"]
    helm.upgrade("gateway", _CHART, in_namespace, values=without)
    helm.uninstall("gateway", in_namespace, "--wait")
    assert "deletionTimestamp" not in kubectl.there("pgs", "gateway")["metadata"]


def test_a_release_comes_back_to_what_it_left(helm: Helm, kubectl: Kubectl) -> None:
    in_namespace = f"--namespace={kubectl.namespace}"
    notes = helm.install("gateway", _CHART, in_namespace, values=_EMBEDDED)
    assert "environmentSecrets: [gateway-db]" in notes
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    with pytest.raises(HelmError, match=r'is on the server \{"name":"gateway"\}, which cannot be changed to null'):
        helm.upgrade("gateway", _CHART, in_namespace, values=_EMBEDDED | {"server": {"mode": "none"}})
    volume = kubectl.there("pvc", "data-gateway-postgres-0")["metadata"]["uid"]
    helm.uninstall("gateway", in_namespace, "--wait")
    for kind in ("lldb", "pgs"):
        kubectl.wait_gone(kind, "gateway", within=60)
    kubectl.wait_gone("pod", "gateway-postgres-0", within=60)
    assert kubectl.get("secret", "gateway-postgres-admin") is not None
    helm.install("gateway", _CHART, in_namespace, values=_EMBEDDED)
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    assert kubectl.there("pvc", "data-gateway-postgres-0")["metadata"]["uid"] == volume
