"""The init container that docs/how-to/wait-for-the-schema.md gives, in a pod of a namespace that takes no other."""

import re
from typing import Final

import yaml

from tests.e2e.conftest import READY_WITHIN
from tests.support.kubectl import ROOT, Body, Kubectl, has_reason, is_ready
from tests.support.resources import OLD, database
from tests.support.server_pod import ServerPod

_PAGE: Final = ROOT / "docs/how-to/wait-for-the-schema.md"
_IMAGE: Final = "localhost/litellm-database-operator:dev"


def _waiting_pod() -> Body:
    """Return a pod with the page's container, whose main container only ends."""
    found = re.search(r"```yaml\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    assert found
    container: Body = yaml.safe_load(found[1]) | {"image": _IMAGE}
    container["command"][-1] = f"--version={OLD}"
    after = {"name": "proxy", "image": _IMAGE, "command": ["true"], "securityContext": container["securityContext"]}
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "initContainers": [container],
        "containers": [after],
    }
    # whose log is meant where none is named
    metadata = {"name": "gateway", "annotations": {"kubectl.kubernetes.io/default-container": container["name"]}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_a_pod_waits_until_its_database_is_migrated(kubectl: Kubectl, shared: ServerPod) -> None:
    asked = database("gateway", server=shared.name, of=shared.namespace)
    kubectl.apply(asked | {"spec": asked["spec"] | {"migration": {"policy": "Manual"}}})
    kubectl.wait_for("lldb", "gateway", has_reason("AwaitingApproval"), within=READY_WITHIN)
    kubectl.apply(_waiting_pod())
    kubectl.wait_for("pod", "gateway", _begun, within=READY_WITHIN)
    lines: list[str] = []
    for line in kubectl.follow_logs("pod/gateway", within=READY_WITHIN):
        lines.append(line.strip())
        if "migrations are missing, next " in line:
            kubectl.patch("lldb", "gateway", {"spec": {"migration": {"policy": "Safe"}}})
    kubectl.wait_for("pod", "gateway", lambda pod: pod["status"]["phase"] == "Succeeded", within=READY_WITHIN)
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    assert lines[-1].startswith(f"the schema of LiteLLM {OLD} (bundle ")
    assert kubectl.secret("gateway-db")["DATABASE_PASSWORD"] not in "".join(lines)


def _begun(pod: Body) -> bool:
    statuses = pod["status"].get("initContainerStatuses", [])
    return any("running" in each["state"] or "terminated" in each["state"] for each in statuses)
