"""The operator on the local cluster, installed by its chart: what end-to-end tests and figures work with."""

import fcntl
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tests.support.helm import Helm, ensure_helm
from tests.support.kubectl import ROOT, Body, Kubectl, local_kubectl

OPERATOR: Final = "litellm-database-operator"
"""Its Deployment, its namespace, and its release."""
CHART: Final = ROOT / "charts/litellm-database-operator"
_IN_NAMESPACE: Final = f"--namespace={OPERATOR}"
_DIGEST_ANNOTATION: Final = "litellmdb.dev/image-digest"


def install_operator(**values: object) -> Kubectl:
    """Install the image that was built last by the chart, wait until it runs, and give kubectl for its namespace.

    `values` are beside those for the local cluster. What is there already, by hand or by Helm, is taken over.
    """
    kubectl = local_kubectl().within(OPERATOR)
    arguments = ("--install", "--take-ownership", "--create-namespace", "--history-max=2", "--wait", "--timeout=150s")
    with _one_at_a_time():
        local_helm().upgrade(OPERATOR, CHART, _IN_NAMESPACE, *arguments, values=local_values() | values)
    return kubectl


@contextmanager
def _one_at_a_time() -> Generator[None]:
    """Wait for the other processes of the test session: each installs, and the first is the one that does."""
    with (ROOT / "build/installation.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_by_hand() -> Kubectl:
    """Install it as `kubectl apply -k` does, in the place of what Helm had installed; resources stay."""
    kubectl = local_kubectl().within(OPERATOR)
    local_helm().uninstall(OPERATOR, _IN_NAMESPACE, "--ignore-not-found", "--wait")
    # A newer CRD differs in what Helm has set.
    kubectl.run("apply", "--server-side", "--force-conflicts", "-k", "manifests/local")
    template: Body = {"spec": {"template": {"metadata": {"annotations": _pod_annotations()}}}}
    kubectl.patch("deployment", OPERATOR, template)
    kubectl.run("rollout", "status", f"deployment/{OPERATOR}", "--timeout=120s", at_most=150)
    return kubectl


def local_helm() -> Helm:
    """Return Helm for the local cluster, built first where the cache has none."""
    return ensure_helm(ROOT / "build", local_kubectl().kubeconfig)


def local_values() -> Body:
    """Return the values for the local cluster, whose node has the image already."""
    image = {"repository": f"localhost/{OPERATOR}", "tag": "dev"}
    return {"image": image, "podAnnotations": _pod_annotations()}


def _pod_annotations() -> dict[str, str]:
    """The image's tag stays the same when its content does not; its digest in the template makes a new pod."""
    record = ROOT / "build/images/operator.json"
    return {_DIGEST_ANNOTATION: json.loads(record.read_text())["digest"]} if record.exists() else {}
