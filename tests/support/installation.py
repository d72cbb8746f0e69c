"""The operator on the local cluster, installed as the README does: what end-to-end tests and figures work with."""

import json
from typing import Final

from tests.support.kubectl import ROOT, Body, Kubectl, local_kubectl

OPERATOR: Final = "litellm-database-operator"
"""Its Deployment, and its namespace."""


def install_operator() -> Kubectl:
    """Install the image that was built last, wait until it runs, and give kubectl for its namespace."""
    kubectl = local_kubectl().within(OPERATOR)
    kubectl.run("apply", "--server-side", "-k", "manifests/local")
    _roll_if_rebuilt(kubectl)
    kubectl.run("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", at_most=150)
    return kubectl


def _roll_if_rebuilt(kubectl: Kubectl) -> None:
    """The image's tag stays the same when its content does not; its digest in the template makes a new pod."""
    record = ROOT / "build/images/operator.json"
    if record.exists():
        annotations = {"litellmdb.dev/image-digest": json.loads(record.read_text())["digest"]}
        template: Body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        kubectl.patch("deployment", OPERATOR, template)
