"""Resources as users write them, and a pod that stands for a proxy: built from the files that the README points at."""

from typing import Any, Final

import yaml

from tests.support.kubectl import ROOT, Body

API_VERSION: Final = "litellmdb.dev/v1alpha1"
OLD: Final = "1.81.12"
NEW: Final = "1.108.0"
UNPRIVILEGED: Final[Body] = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What PodSecurity's `restricted` asks of a container."""


def sample(name: str, namespace: str) -> list[Body]:
    """Return the resources of manifests/samples/NAME.yaml, all of them in one namespace, which is none of them."""
    found: list[Body] = list(yaml.safe_load_all((ROOT / f"manifests/samples/{name}.yaml").read_text()))
    bodies = [body for body in found if body["kind"] != "Namespace"]
    for body in bodies:
        body["metadata"]["namespace"] = namespace
    return bodies


def database(name: str, *, server: str, of: str | None = None, version: str = OLD, **spec: Any) -> Body:
    """Build a LiteLLMDatabase on a server, which may be another namespace's; `spec` holds further fields."""
    reference = {"name": server} | ({"namespace": of} if of else {})
    wanted = {"serverRef": reference, "litellm": {"version": version}} | spec
    return _resource("LiteLLMDatabase", name, wanted)


def embedded_server(name: str, **spec: Any) -> Body:
    """Build a PostgresServer that the operator runs."""
    nothing: Body = {}
    return _resource("PostgresServer", name, {"embedded": nothing, **spec})


def proxy_pod(name: str, *, secret: str, command: list[str]) -> Body:
    """Build a pod that knows nothing but the published Secret: the demo's, with a command of its own."""
    pod: Body = yaml.safe_load((ROOT / "tools/demo/ask.yaml").read_text())
    pod["metadata"] = {"name": name}
    container = pod["spec"]["containers"][0]
    container["command"] = command
    container["envFrom"] = [{"secretRef": {"name": secret}}]
    return pod


def _resource(kind: str, name: str, spec: Body) -> Body:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
