"""manifests/ as kubectl renders them: what is installed, what it may do, and which image its Jobs run."""

import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.kinds import Kind
from tests.support.kubernetes_program import ensure_kubernetes_program, kubernetes_program

Body = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[3]
INSTALLATIONS: Final = ("manifests", "manifests/local")
IMAGE: Final = "litellm-database-operator"
POLICIES: Final = ("own-objects", "pods", "secrets")
REACHING_FURTHER: Final = frozenset({"*", "escalate", "bind", "impersonate", "deletecollection"})


def render(folder: Path) -> list[Body]:
    """Render a kustomization."""
    command = [kubernetes_program(), "kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module", autouse=True)
def program(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have the kubectl that renders."""
    ensure_kubernetes_program(tmp_path_factory.mktemp("kubectl"))


@pytest.fixture(scope="module", params=INSTALLATIONS)
def installation(request: pytest.FixtureRequest) -> list[Body]:
    """Give what each installation consists of."""
    return render(ROOT / request.param)


@pytest.fixture(scope="module")
def default() -> list[Body]:
    """Give what the default installation consists of."""
    return render(ROOT / INSTALLATIONS[0])


def named(bodies: list[Body], kind: str, name: str = IMAGE) -> Body:
    """Return the object of that kind and name."""
    (body,) = [each for each in bodies if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return body


def pod_of(bodies: list[Body]) -> Body:
    """Return the operator's pod."""
    return named(bodies, "Deployment")["spec"]["template"]["spec"]


def container_of(bodies: list[Body]) -> Body:
    """Return the operator's container."""
    (container,) = pod_of(bodies)["containers"]
    return container


def environment(bodies: list[Body]) -> Body:
    """Return the operator's environment, as far as it is written down."""
    return {variable["name"]: variable.get("value") for variable in container_of(bodies)["env"]}


# What is installed


def test_an_installation_is_whole(installation: list[Body]) -> None:
    found = {(body["kind"], body["metadata"]["name"]) for body in installation}
    assert found == {
        ("Namespace", IMAGE),
        ("CustomResourceDefinition", "litellmdatabases.litellmdb.dev"),
        ("CustomResourceDefinition", "postgresservers.litellmdb.dev"),
        ("ServiceAccount", IMAGE),
        ("ClusterRole", IMAGE),
        ("ClusterRoleBinding", IMAGE),
        ("Role", f"{IMAGE}-leader-election"),
        ("RoleBinding", f"{IMAGE}-leader-election"),
        ("ClusterRole", f"{IMAGE}-view"),
        ("ClusterRole", f"{IMAGE}-edit"),
        ("ClusterRole", f"{IMAGE}-server-admin"),
        ("Deployment", IMAGE),
        ("Service", IMAGE),
        *(
            (kind, f"{IMAGE}-{policy}")
            for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
            for policy in POLICIES
        ),
    }


def test_everything_is_in_one_namespace(installation: list[Body]) -> None:
    namespaces = {body["metadata"]["namespace"] for body in installation if "namespace" in body["metadata"]}
    subjects = {subject["namespace"] for body in installation for subject in body.get("subjects", ())}
    assert namespaces == subjects == {named(installation, "Namespace")["metadata"]["name"]}


def test_jobs_run_the_operators_image(installation: list[Body]) -> None:
    assert environment(installation)["LITELLMDB_IMAGE"] == container_of(installation)["image"]


def test_the_policies_name_account_and_images(installation: list[Body]) -> None:
    account = f"system:serviceaccount:{IMAGE}:{IMAGE}"
    assert {conditions_of(installation, policy) for policy in POLICIES} == {f"request.userInfo.username == '{account}'"}
    images = (container_of(installation)["image"], environment(installation)["LITELLMDB_POSTGRES_IMAGE"])
    assert images_of_policy(installation) == images


def test_what_a_user_sets_reaches_the_jobs_and_the_policies(tmp_path: Path) -> None:
    bodies = render(copied(tmp_path, f"images:\n  - name: {IMAGE}\n    newName: example.com:5000/db\n    newTag: v1\n"))
    assert container_of(bodies)["image"] == "example.com:5000/db:v1"
    assert environment(bodies)["LITELLMDB_IMAGE"] == "example.com:5000/db:v1"
    assert images_of_policy(bodies) == ("example.com:5000/db:v1", "postgres:16")


def test_another_namespace_reaches_the_policies(tmp_path: Path) -> None:
    bodies = render(copied(tmp_path, "namespace: other\n"))
    account = f"system:serviceaccount:other:{IMAGE}"
    assert {conditions_of(bodies, policy) for policy in POLICIES} == {f"request.userInfo.username == '{account}'"}


def test_an_overlay_needs_one_line(tmp_path: Path) -> None:
    copied(tmp_path, "")
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(
        "resources: [../manifests]\nnamespace: other\ntransformers: [../manifests/replacements]\n"
        f"images:\n  - name: {IMAGE}\n    newName: example.com:5000/db\n    newTag: v1\n"
    )
    bodies = render(overlay)
    account = f"system:serviceaccount:other:{IMAGE}"
    assert {conditions_of(bodies, policy) for policy in POLICIES} == {f"request.userInfo.username == '{account}'"}
    assert environment(bodies)["LITELLMDB_IMAGE"] == "example.com:5000/db:v1"
    assert images_of_policy(bodies) == ("example.com:5000/db:v1", "postgres:16")


def copied(folder: Path, setting: str) -> Path:
    """Copy the installation, and have a user set something in it."""
    for each in ("crds", "manifests"):
        shutil.copytree(ROOT / each, folder / each)
    with (folder / "manifests/kustomization.yaml").open("a") as file:
        file.write(setting)
    return folder / "manifests"


def conditions_of(bodies: list[Body], policy: str) -> str:
    """Return when a policy looks at a request."""
    (condition,) = named(bodies, "ValidatingAdmissionPolicy", f"{IMAGE}-{policy}")["spec"]["matchConditions"]
    return condition["expression"]


def images_of_policy(bodies: list[Body]) -> tuple[str, str]:
    """Return which images the operator's pods may run: its own, and PostgreSQL's."""
    variables = named(bodies, "ValidatingAdmissionPolicy", f"{IMAGE}-pods")["spec"]["variables"]
    found = {each["name"]: each["expression"].strip("'") for each in variables}
    return found["operatorImage"], found["postgresImage"]


def test_the_local_cluster_pulls_nothing() -> None:
    container = container_of(render(ROOT / "manifests/local"))
    assert (container["image"], container["imagePullPolicy"]) == (f"localhost/{IMAGE}:dev", "IfNotPresent")


# How the operator runs


def test_the_pod_is_restricted(default: list[Body]) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    pod, container = pod_of(default), container_of(default)
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert named(default, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_deployment_selects_its_own_pods(default: list[Body]) -> None:
    spec = named(default, "Deployment")["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


# What the operator may do


def granted(role: Body) -> Iterator[tuple[str, str, str]]:
    """Yield group, resource and verb of everything that a role grants."""
    for rule in role["rules"]:
        yield from product(rule["apiGroups"], rule["resources"], rule["verbs"])


def own_grants(bodies: list[Body]) -> set[tuple[str, str, str]]:
    """Return what the operator's service account is granted."""
    roles = (named(bodies, "ClusterRole"), named(bodies, "Role", f"{IMAGE}-leader-election"))
    return {grant for role in roles for grant in granted(role)}


def verbs_on(bodies: list[Body], resource: str) -> set[str]:
    """Return what the operator may do with a kind of objects."""
    return {verb for _, found, verb in own_grants(bodies) if found == resource}


def test_nothing_is_granted_by_wildcard_or_reaches_further(default: list[Body]) -> None:
    assert [grant for grant in own_grants(default) if REACHING_FURTHER & set(grant)] == []


def test_secrets_are_never_listed_or_watched(default: list[Body]) -> None:
    assert verbs_on(default, "secrets") == {"get", "create", "patch", "delete"}


def test_what_is_granted_is_what_the_code_speaks_of(default: list[Body]) -> None:
    spoken = {each for each in vars(kinds).values() if isinstance(each, Kind)}
    used = {(each.api_version.rpartition("/")[0], each.plural) for each in spoken}
    assert {(group, resource.partition("/")[0]) for group, resource, _ in own_grants(default)} == used


@pytest.mark.parametrize("resource", ["litellmdatabases", "postgresservers"])
def test_resources_are_patched_and_never_made_or_removed(default: list[Body], resource: str) -> None:
    assert verbs_on(default, resource) == {"get", "list", "watch", "patch"}
    assert verbs_on(default, f"{resource}/status") == {"patch"}


@pytest.mark.parametrize("resource", ["jobs", "pods", "statefulsets"])
def test_what_wakes_a_pass_is_watched(default: list[Body], resource: str) -> None:
    assert verbs_on(default, resource) >= {"list", "watch"}


def test_leases_are_granted_in_the_own_namespace_only(default: list[Body]) -> None:
    assert "leases" not in {resource for _, resource, _ in granted(named(default, "ClusterRole"))}


# What people may do


def aggregated(bodies: list[Body]) -> list[Body]:
    """Return the roles that join those which every cluster has."""
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    return [
        body
        for body in bodies
        if body["kind"] == "ClusterRole" and any(label.startswith(prefix) for label in body["metadata"]["labels"])
    ]


def test_no_server_is_in_an_aggregated_role(default: list[Body]) -> None:
    roles = aggregated(default)
    assert len(roles) == 2
    assert {resource for role in roles for _, resource, _ in granted(role)} == {"litellmdatabases"}


def test_viewers_only_look(default: list[Body]) -> None:
    role = named(default, "ClusterRole", f"{IMAGE}-view")
    assert {verb for _, _, verb in granted(role)} == {"get", "list", "watch"}
