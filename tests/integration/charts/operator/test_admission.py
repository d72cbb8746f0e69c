"""The promises that the API server keeps for the operator's account: each with what is allowed and what is refused.

What is allowed is what the operator sends: tests/data/kube, which a test holds equal to what its builders make. Each
refusal changes one thing of that. The account has the chart's own rights, so that RBAC is not what refuses.
"""

import json
import ssl
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api import MERGE_PATCH
from litellm_database_operator.kube.kinds import Kind
from litellm_database_operator.kube.objects import to_json
from litellm_database_operator.kube.secrets import admin_secret, migrator_secret
from litellm_database_operator.model import names
from litellm_database_operator.model.secret import Password
from tests.integration.charts.operator.conftest import NAME, Render
from tests.integration.kube.api_server import TOKEN, ApiServer
from tests.support.kube_samples import OWNER, STEP
from tests.support.kubectl import ROOT, Body

pytestmark = pytest.mark.xdist_group("an API server for the operator's chart")

ACCOUNT: Final = f"system:serviceaccount:{NAME}:{NAME}"
IMAGE: Final = {"repository": "example.com:5000/operator", "tag": "1", "digest": f"sha256:{'ab' * 32}"}
DIGEST: Final = f"@sha256:{'cd' * 32}"
KINDS: Final = {each.name: each for each in vars(kinds).values() if isinstance(each, Kind)}
SYSTEM_NAMESPACES: Final = ("kube-system", "kube-public", "kube-node-lease")
_ACTIVE_WITHIN: Final = 30.0

Change = Callable[[Body], Any]


class RefusedError(Exception):
    """The API server refused; the message is its."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operator's account: what it asks is answered, and not done."""

    server: ApiServer

    def create(self, body: Body) -> None:
        """Create an object; RefusedError."""
        self._ask("POST", KINDS[body["kind"]].path(body["metadata"]["namespace"]), body)

    def patch(self, body: Body, change: Body) -> None:
        """Merge a change into an object that is there; RefusedError."""
        self._ask("PATCH", _path(body), change)

    def delete(self, body: Body) -> None:
        """Delete an object that is there; RefusedError."""
        self._ask("DELETE", _path(body))

    def _ask(self, method: str, path: str, body: Body | None = None) -> None:
        # As `kubectl --as … --dry-run=server` does, without starting a process for each request.
        headers = {"Authorization": f"Bearer {TOKEN}", "Impersonate-User": ACCOUNT}
        headers["Content-Type"] = MERGE_PATCH if method == "PATCH" else "application/json"
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.server.url}{path}?dryRun=All", method=method, headers=headers, data=content)  # noqa: S310
        unverified = ssl._create_unverified_context()  # noqa: S323, SLF001 - a certificate as long-lived as the test
        try:
            urlopen(request, context=unverified).close()  # noqa: S310 - https, by ApiServer
        except HTTPError as error:
            with error:
                raise RefusedError(json.load(error)["message"]) from error


def _path(body: Body) -> str:
    return KINDS[body["kind"]].path(body["metadata"]["namespace"], body["metadata"]["name"])


def data(name: str) -> Any:
    """Return what the operator sends, as a reviewer reads it."""
    return yaml.safe_load((ROOT / f"tests/data/kube/{name}.yaml").read_text())


def job(template: str = "") -> Body:
    """Return a migration Job that runs this installation's image."""
    body: Body = data(f"migration_job{template}")
    _container(body)["image"] = f"{IMAGE['repository']}:{IMAGE['tag']}@{IMAGE['digest']}"
    return body


def stateful_set() -> Body:
    """Return an embedded server's StatefulSet."""
    body: Body = data("embedded_server")[0]
    assert body["kind"] == "StatefulSet"
    return body


def claim() -> Body:
    """Return the claim that its template makes."""
    template = deepcopy(stateful_set()["spec"]["volumeClaimTemplates"][0])
    template["metadata"] |= {"name": names.embedded_claim("main"), "namespace": "data"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **template}


def secrets() -> dict[str, Body]:
    """Return every kind of Secret that the operator makes."""
    return {
        "published": data("published_secret"),
        "ca": data("ca_secret"),
        "migrator": to_json(migrator_secret(STEP, OWNER, replaces=None)),
        "admin": to_json(admin_secret("main", "data", Password("correct-horse"))),
    }


def sent() -> dict[str, Body]:
    """Return everything that the operator makes."""
    embedded = {body["kind"]: body for body in data("embedded_server")}
    return secrets() | embedded | {"job": job(), "job with a template": job("_with_template")}


def _container(body: Body) -> Body:
    return body["spec"]["template"]["spec"]["containers"][0]


def _pod(body: Body) -> Body:
    return body["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def server(api_server: ApiServer, render: Render) -> ApiServer:
    """Give an API server with the chart's policies and rights, both in force."""
    kinds = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ClusterRole", "ClusterRoleBinding"}
    bodies = [body for body in render(image=IMAGE) if body["kind"] in kinds]
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("team-a", "data")]
    api_server.apply(*spaces, *bodies)
    _wait_until_in_force(api_server)
    return api_server


def _wait_until_in_force(server: ApiServer) -> None:
    """The API server takes up a policy a moment after it is stored: ask for what each of them refuses."""
    bad_type, bad_pod, unlabelled = secrets()["admin"] | {"type": "x"}, job(), secrets()["ca"]
    _pod(bad_pod)["hostNetwork"] = True
    del unlabelled["metadata"]["labels"]
    end = time.monotonic() + _ACTIVE_WITHIN
    for body, policy in ((bad_type, "secrets"), (bad_pod, "pods"), (unlabelled, "own-objects")):
        while not _is_refused(server, body, policy):
            assert time.monotonic() < end, f"policy {policy} is not in force"


def _is_refused(server: ApiServer, body: Body, policy: str) -> bool:
    try:
        Account(server).create(body)
    except RefusedError as error:
        return f"ValidatingAdmissionPolicy '{NAME}-{policy}'" in str(error)
    return False


@pytest.fixture(scope="module")
def operator(server: ApiServer) -> Account:
    """Give the operator's account."""
    return Account(server)


def _as(prefix: str) -> dict[str, Body]:
    """Return what the operator makes, under other names, as the API server takes it from a person."""
    bodies = {what: deepcopy(body) for what, body in (sent() | {"claim": claim()}).items()}
    for what, body in bodies.items():
        body["metadata"]["name"] = f"{prefix}-{what.lower().replace(' ', '-')}"
        body["metadata"].pop("ownerReferences", None)
        body["metadata"].pop("resourceVersion", None)
    return bodies


@pytest.fixture(scope="module")
def ours(server: ApiServer) -> dict[str, Body]:
    """Give objects with the operator's label, there."""
    bodies = _as("ours")
    server.apply(*bodies.values())
    return bodies


@pytest.fixture(scope="module")
def foreign(server: ApiServer) -> dict[str, Body]:
    """Give objects of somebody else, there."""
    bodies = _as("foreign")
    for body in bodies.values():
        body["metadata"]["labels"] = {"app": "other"}
    server.apply(*bodies.values())
    return bodies


# What the operator does is allowed


@pytest.mark.parametrize("what", sent())
def test_what_the_operator_makes_is_allowed(operator: Account, what: str) -> None:
    operator.create(sent()[what])


@pytest.mark.parametrize("what", ["published", "admin", "StatefulSet", "Service", "NetworkPolicy"])
def test_what_it_made_it_may_change(operator: Account, ours: dict[str, Body], what: str) -> None:
    operator.patch(ours[what], {"metadata": {"annotations": {"litellmdb.dev/system-identifier": "2"}}})


@pytest.mark.parametrize("what", [*sent(), "claim"])
def test_what_it_made_it_may_delete(operator: Account, ours: dict[str, Body], what: str) -> None:
    operator.delete(ours[what])


@pytest.mark.parametrize("suffix", ["", ":2", DIGEST, f":2{DIGEST}"])
def test_every_version_of_its_own_image_is_allowed(operator: Account, suffix: str) -> None:
    body = job()
    _container(body)["image"] = f"{IMAGE['repository']}{suffix}"
    operator.create(body)


# Only its own objects


@pytest.mark.parametrize("what", ["published", "admin", "StatefulSet", "Service", "NetworkPolicy"])
def test_nothing_foreign_is_changed(operator: Account, foreign: dict[str, Body], what: str) -> None:
    with pytest.raises(RefusedError, match="changes nothing that is not labelled"):
        operator.patch(foreign[what], {"metadata": {"labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY}}})


@pytest.mark.parametrize("what", [*sent(), "claim"])
def test_nothing_foreign_is_deleted(operator: Account, foreign: dict[str, Body], what: str) -> None:
    with pytest.raises(RefusedError, match="changes nothing that is not labelled"):
        operator.delete(foreign[what])


@pytest.mark.parametrize("what", sent())
def test_nothing_is_made_without_the_label(operator: Account, what: str) -> None:
    body = sent()[what]
    body["metadata"]["labels"] = {names.MANAGED_BY_LABEL: "me"}
    with pytest.raises(RefusedError, match="changes nothing that is not labelled"):
        operator.create(body)


def test_the_label_stays(operator: Account, ours: dict[str, Body]) -> None:
    with pytest.raises(RefusedError, match="changes nothing that is not labelled"):
        operator.patch(ours["published"], {"metadata": {"labels": {names.MANAGED_BY_LABEL: None}}})


@pytest.mark.parametrize("namespace", SYSTEM_NAMESPACES)
@pytest.mark.parametrize("what", ["published", "job", "StatefulSet", "Service", "NetworkPolicy"])
def test_nothing_is_made_in_a_namespace_of_kubernetes(operator: Account, what: str, namespace: str) -> None:
    body = sent()[what]
    body["metadata"]["namespace"] = namespace
    with pytest.raises(RefusedError, match="changes nothing in a namespace of Kubernetes itself"):
        operator.create(body)


# Only Secrets that nobody acts upon


@pytest.mark.parametrize("kind", ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/x"])
def test_no_other_type_of_secret_is_made(operator: Account, kind: str) -> None:
    body: Body = secrets()["ca"] | {"type": kind}
    body["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "default"}
    with pytest.raises(RefusedError, match="writes Secrets of type Opaque or"):
        operator.create(body)


@pytest.mark.parametrize("kind", ["labels", "annotations"])
@pytest.mark.parametrize("key", ["argocd.argoproj.io/secret-type", "argoproj.io/x"])
def test_no_secret_is_handed_to_argo_cd(operator: Account, ours: dict[str, Body], kind: str, key: str) -> None:
    body = secrets()["ca"]
    body["metadata"].setdefault(kind, {})[key] = "cluster"
    with pytest.raises(RefusedError, match=r"sets no label and no annotation of argoproj\.io"):
        operator.create(body)
    with pytest.raises(RefusedError, match=r"sets no label and no annotation of argoproj\.io"):
        operator.patch(ours["ca"], {"metadata": {kind: {key: "cluster"}}})


def test_what_argo_cd_set_itself_stays(operator: Account, server: ApiServer) -> None:
    body = _as("tracked")["published"]
    body["metadata"].setdefault("annotations", {})["argocd.argoproj.io/tracking-id"] = "x"
    server.apply(body)
    operator.patch(body, {"metadata": {"annotations": {"litellmdb.dev/system-identifier": "2"}}})


# Only Services within the cluster


@pytest.mark.parametrize("spec", [{"type": "NodePort"}, {"type": "LoadBalancer"}, {"externalIPs": ["192.0.2.1"]}])
def test_no_service_is_opened_to_the_outside(operator: Account, spec: Body) -> None:
    body = sent()["Service"]
    body["spec"] |= spec
    with pytest.raises(RefusedError, match="opens no Service to the outside"):
        operator.create(body)


# Only its own images, with no way out of the pod


@pytest.mark.parametrize(
    "image",
    [
        pytest.param("example.com:5000/other:1", id="another"),
        pytest.param("example.com:5000/operator-evil:1", id="a longer name"),
        pytest.param("example.com:5000/operator/evil:1", id="a deeper one"),
        pytest.param("example.com:5000/operator:1/evil:1", id="one whose registry looks like ours"),
        pytest.param("postgres:16", id="the other of its two"),
    ],
)
def test_a_job_runs_no_other_image(operator: Account, image: str) -> None:
    body = job()
    _container(body)["image"] = image
    with pytest.raises(RefusedError, match=f"runs nothing but {IMAGE['repository']} in jobs"):
        operator.create(body)


def test_a_server_runs_no_other_image(operator: Account) -> None:
    body = stateful_set()
    _container(body)["image"] = "postgres:5000/evil"
    with pytest.raises(RefusedError, match="runs nothing but postgres in statefulsets"):
        operator.create(body)


def test_an_init_container_runs_no_other_image(operator: Account) -> None:
    body = job()
    _pod(body)["initContainers"] = [_container(body) | {"name": "first", "image": "busybox"}]
    with pytest.raises(RefusedError, match="runs nothing but"):
        operator.create(body)


def test_no_image_is_changed_later(operator: Account, ours: dict[str, Body]) -> None:
    containers = deepcopy(_pod(ours["StatefulSet"])["containers"])
    containers[0]["image"] = "busybox"
    with pytest.raises(RefusedError, match="runs nothing but postgres"):
        operator.patch(ours["StatefulSet"], {"spec": {"template": {"spec": {"containers": containers}}}})


BREAKING_OUT: Final[dict[str, tuple[Change, str]]] = {
    "a token": (lambda body: _pod(body).update(automountServiceAccountToken=True), "gives no pod a way to the API"),
    "a token unless told": (lambda body: _pod(body).pop("automountServiceAccountToken"), "gives no pod a way to"),
    "an account": (lambda body: _pod(body).update(serviceAccountName="admin"), "gives no pod a way to the API server"),
    "a projected token": (
        lambda body: _pod(body)["volumes"].append(
            {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}
        ),
        "mounts Secrets and empty directories only",
    ),
    "a path of the node": (
        lambda body: _pod(body)["volumes"].append({"name": "h", "hostPath": {"path": "/"}}),
        "mounts Secrets and empty directories only",
    ),
    "the node's network": (lambda body: _pod(body).update(hostNetwork=True), "in the namespaces of a node"),
    "the node's processes": (lambda body: _pod(body).update(hostPID=True), "in the namespaces of a node"),
    "the node's memory": (lambda body: _pod(body).update(hostIPC=True), "in the namespaces of a node"),
    "a port of the node": (
        lambda body: _container(body).update(ports=[{"containerPort": 5432, "hostPort": 5432}]),
        "takes no port of a node",
    ),
    "a node": (lambda body: _pod(body).update(nodeName="control-plane"), "takes no port of a node, and chooses none"),
    "a hook": (
        lambda body: _container(body).update(lifecycle={"postStart": {"exec": {"command": ["true"]}}}),
        "has the kubelet do nothing but",
    ),
    "a request of the kubelet": (
        lambda body: _container(body).update(livenessProbe={"httpGet": {"host": "192.0.2.1", "port": 80}}),
        "has the kubelet do nothing but",
    ),
    "a label of SELinux": (
        lambda body: _container(body)["securityContext"].update(seLinuxOptions={"type": "spc_t"}),
        "without the confinement",
    ),
    "a label of SELinux by its pod": (
        lambda body: _pod(body)["securityContext"].update(seLinuxOptions={"type": "spc_t"}),
        "without the confinement",
    ),
    "every system call": (
        lambda body: _container(body)["securityContext"].update(seccompProfile={"type": "Unconfined"}),
        "without the confinement",
    ),
    "no profile of AppArmor": (
        lambda body: _container(body)["securityContext"].update(appArmorProfile={"type": "Unconfined"}),
        "without the confinement",
    ),
    "settings of the kernel": (
        lambda body: _pod(body)["securityContext"].update(sysctls=[{"name": "net.ipv4.ip_forward", "value": "1"}]),
        "without the confinement",
    ),
    "root": (lambda body: _pod(body).update(securityContext={}), "with privileges"),
    "escalation": (
        lambda body: _container(body)["securityContext"].update(allowPrivilegeEscalation=True),
        "with privileges",
    ),
    "root again": (lambda body: _container(body)["securityContext"].update(runAsNonRoot=False), "with privileges"),
    "capabilities": (lambda body: _container(body)["securityContext"].update(capabilities={}), "with privileges"),
    "one more capability": (
        lambda body: _container(body)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
        "with privileges",
    ),
}


@pytest.mark.parametrize("build", [job, stateful_set])
@pytest.mark.parametrize("way", BREAKING_OUT)
def test_no_pod_gets(operator: Account, way: str, build: Callable[[], Body]) -> None:
    change, message = BREAKING_OUT[way]
    body = build()
    change(body)
    with pytest.raises(RefusedError, match=message):
        operator.create(body)


# Nobody else


def test_others_are_not_looked_at(server: ApiServer) -> None:
    body = job()
    _pod(body)["hostNetwork"] = True
    body["metadata"] |= {"labels": {}, "namespace": "kube-system"}
    server.kubectl("create", "--filename=-", "--dry-run=server", stdin=json.dumps(body))
