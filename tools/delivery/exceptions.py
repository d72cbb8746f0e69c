"""What linters would have otherwise, and why it is as it is. An exception that nothing needs any more is a finding."""

from itertools import product
from typing import Final

from tools.delivery.finding import Exceptions

_OPERATOR: Final = "Deployment/litellm-database-operator"
_CHECK: Final = "Pod/litellm-database-operator-check"
"""The pod of `helm test`."""
_OURS: Final = (_OPERATOR, _CHECK)
_HARDENED: Final = ("Deployment/hardened", "Pod/hardened-check")
"""The same in values/…/hardened.yaml: what no value mends."""
_NO_NETWORK_POLICY: Final = (
    "Only the installer knows where the API server and the PostgreSQL servers are: networkPolicy.enabled."
)


def _for_each(rules: tuple[str, ...], objects: tuple[str, ...], reason: str) -> Exceptions:
    return dict.fromkeys(product(rules, objects), reason)


EXCEPTIONS: Final[Exceptions] = {
    **_for_each(
        ("checkov CKV_K8S_11", "kube-score container-resources"),
        _OURS,
        "A CPU limit makes a busy operator wait for nothing while the node idles; the request is its fair share.",
    ),
    **_for_each(
        ("kube-score container-ephemeral-storage-request-and-limit",),
        _OURS,
        "The root is read-only, /tmp has a sizeLimit of its own, and the node rotates logs.",
    ),
    **_for_each(
        ("checkov CKV_K8S_15", "kube-score container-image-pull-policy"),
        _OURS,
        "A release's tag never moves, and a registry that is down must not keep the operator from restarting.",
    ),
    **_for_each(
        ("checkov CKV_K8S_43",),
        _OURS,
        "Only who mirrors or builds an image knows its digest: image.digest, or kustomize's images.",
    ),
    **_for_each(
        ("checkov CKV_K8S_40", "kube-score container-security-context-user-group-id"),
        _OURS,
        "The image names uid 65532 and any other works; a uid in the pod is what OpenShift refuses.",
    ),
    **_for_each(
        ("kube-score deployment-replicas",),
        (_OPERATOR,),
        "One works at a time: a second makes taking over faster, and is the installer's choice (replicaCount).",
    ),
    **_for_each(("checkov CKV_K8S_38",), (*_OURS, *_HARDENED), "Speaking to the API server is what it is for."),
    **_for_each(("checkov CKV2_K8S_6",), ("Pod/litellm-database-operator", _CHECK), _NO_NETWORK_POLICY),
    **_for_each(("kube-score pod-networkpolicy",), _OURS, _NO_NETWORK_POLICY),
    **_for_each(
        ("checkov CKV2_K8S_6", "kube-score pod-networkpolicy"),
        (_HARDENED[1],),
        "It lives for seconds, serves nothing and speaks to the API server only.",
    ),
    **_for_each(
        ("checkov CKV_K8S_8", "checkov CKV_K8S_9"),
        (_CHECK, _HARDENED[1]),
        "It checks, says what it found and ends: there is nothing to probe.",
    ),
    **_for_each(
        ("checkov CKV_DOCKER_2",),
        ("Dockerfile",),
        "Kubernetes never reads HEALTHCHECK; its probes are in the Deployment.",
    ),
    **_for_each(
        ("checkov CKV_DOCKER_7",),
        ("Dockerfile",),
        "BASE is debian:bookworm-slim, or a digest: an argument that checkov does not follow.",
    ),
    **_for_each(
        ("hadolint DL3008",),
        ("Dockerfile",),
        "Debian's archive keeps one version of a package: a pin breaks the build with the next security fix.",
    ),
}
