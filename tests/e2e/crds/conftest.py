"""The CRDs on a real API server, under a group of their own: an operator that runs there never sees what is tried."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.support.kubectl import ROOT, Body, local_kubectl

GROUP: Final = "litellmdb.dev"


class RefusedError(Exception):
    """The API server took something for wrong; the message is what a person reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playground:
    """A namespace, and both CRDs under a group that nobody else uses."""

    kubeconfig: Path
    kubectl: str
    group: str
    namespace: str

    def run(self, *arguments: str, given: Body | None = None) -> str:
        """Run kubectl, with a body on its standard input; RefusedError when it fails."""
        done = subprocess.run(
            [self.kubectl, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments],
            input=json.dumps(given) if given else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            raise RefusedError(done.stderr)
        return done.stdout

    def body(self, kind: str, spec: Body, *, name: str | None = None) -> Body:
        """Build a resource; without a name, one that nobody has."""
        return {
            "apiVersion": f"{self.group}/v1alpha1",
            "kind": kind,
            "metadata": {"name": name or f"t{secrets.token_hex(4)}"},
            "spec": spec,
        }

    def look_at(self, body: Body) -> Body:
        """Return what the API server would make of a new resource."""
        return self._sent(body, "create", "--dry-run=server")

    def create(self, body: Body) -> Body:
        """Create a resource."""
        return self._sent(body, "create")

    def change(self, body: Body, spec: Body) -> Body:
        """Return what the API server would make of a resource with another spec."""
        return self._sent(body | {"spec": spec}, "replace", "--dry-run=server")

    def _sent(self, body: Body, *how: str) -> Body:
        return json.loads(self.run(*how, "--validate=strict", "--filename=-", "--output=json", given=body))


def _crds(group: str) -> list[Body]:
    found = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob(f"{GROUP}_*.yaml"))]
    for crd in found:
        crd["metadata"]["name"] = f"{crd['spec']['names']['plural']}.{group}"
        crd["spec"]["group"] = group
    return found


@pytest.fixture(scope="session")
def playground() -> Iterator[Playground]:
    """Give a namespace and both CRDs; they are removed after the last test."""
    mark = secrets.token_hex(4)
    local = local_kubectl()
    made = Playground(
        kubeconfig=local.kubeconfig, kubectl=local.program, group=f"t{mark}.{GROUP}", namespace=f"crds-{mark}"
    )
    crds = _crds(made.group)
    names = [f"customresourcedefinition/{crd['metadata']['name']}" for crd in crds]
    made.run("create", "namespace", made.namespace)
    try:
        for crd in crds:
            made.run("create", "--filename=-", given=crd)
        made.run("wait", "--for=condition=Established", "--timeout=30s", *names)
        yield made
    finally:
        made.run("delete", "--ignore-not-found", "--wait=false", *names)
        made.run("delete", "namespace", made.namespace, "--wait=false")
