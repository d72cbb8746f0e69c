"""What an installation consists of, as somebody may have changed it: an account, its Roles, the CRDs."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import yaml

from tests.integration.kube.api_server import ApiServer

_ROOT: Final = Path(__file__).resolve().parents[3]
Cut = Collection[tuple[str, str]]


class Account:
    """A service account in a namespace of its own, with no right but those that `grant` gives."""

    def __init__(self, server: ApiServer, namespace: str, folder: Path) -> None:
        """Create it, and write a kubeconfig with a token of it."""
        self._server = server
        self.namespace = namespace
        server.apply(named("v1", "ServiceAccount", "operator", namespace))
        token = server.kubectl("create", "token", "operator", "-n", namespace).strip()
        config = json.loads(server.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        self.kubeconfig = folder / f"{namespace}.json"
        self.kubeconfig.write_text(json.dumps(config))

    def grant(self, *, namespace: str | None = None, without: Cut = ()) -> None:
        """Give it the operator's rights in a namespace, its own if not said, without some (resource, verb) of them."""
        where = namespace or self.namespace
        self._give("Role", "work", where, rules_of("cluster_role.yaml", "ClusterRole", without))
        self._give("Role", "leader-election", self.namespace, rules_of("leader_election.yaml", "Role", without))
        own: list[dict[str, Any]] = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]
        self._give("Role", "own-namespace", self.namespace, own)

    def grant_everywhere(self, *, without: Cut = ()) -> None:
        """Give it the operator's rights in every namespace, without some (resource, verb) of them."""
        self._give("ClusterRole", self.namespace, None, rules_of("cluster_role.yaml", "ClusterRole", without))
        self._give("Role", "leader-election", self.namespace, rules_of("leader_election.yaml", "Role", without))

    def _give(self, kind: str, name: str, namespace: str | None, rules: list[dict[str, Any]]) -> None:
        version = "rbac.authorization.k8s.io/v1"
        role = named(version, kind, name, namespace) | {"rules": rules}
        subject = {"kind": "ServiceAccount", "name": "operator", "namespace": self.namespace}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        binding = named(version, f"{kind}Binding", name, namespace) | {"roleRef": reference, "subjects": [subject]}
        self._server.apply(role, binding)


def named(version: str, kind: str, name: str, namespace: str | None) -> dict[str, Any]:
    """Return the head of an object."""
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name} | where}


def rules_of(file: str, kind: str, without: Cut) -> list[dict[str, Any]]:
    """Return the rules of a role of manifests/, a rule for each resource, without some verbs."""
    (role,) = [
        body for body in yaml.safe_load_all((_ROOT / "manifests/rbac" / file).read_text()) if body["kind"] == kind
    ]
    return [
        {
            "apiGroups": rule["apiGroups"],
            "resources": [resource],
            "verbs": [verb for verb in rule["verbs"] if (resource, verb) not in without],
        }
        for rule in role["rules"]
        for resource in rule["resources"]
        if any((resource, verb) not in without for verb in rule["verbs"])
    ]


def crd(plural: str) -> dict[str, Any]:
    """Return a CRD of this tree, to be changed."""
    return yaml.safe_load((_ROOT / f"crds/litellmdb.dev_{plural}.yaml").read_text())
