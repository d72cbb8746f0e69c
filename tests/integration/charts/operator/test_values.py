"""What each value of the chart does, and what it does to nothing else."""

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from tests.integration.charts.operator.conftest import CHART, KUBERNETES, NAME, Render
from tests.support.helm import Helm, HelmError
from tests.support.kubectl import Body

DIGEST: Final = f"sha256:{'ab' * 32}"
PARTS_OF_A_POD: Final[dict[str, Any]] = {
    "priorityClassName": "high",
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [{"maxSkew": 1}],
    "imagePullSecrets": [{"name": "registry"}],
}


def named(bodies: list[Body], kind: str, name: str = NAME, namespace: str | None = None) -> Body:
    """Return the object of that kind and name."""
    found = [each for each in bodies if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    (body,) = [each for each in found if namespace in (None, each["metadata"].get("namespace"))]
    return body


def pod_of(bodies: list[Body]) -> Body:
    """Return the operator's pod."""
    return named(bodies, "Deployment")["spec"]["template"]["spec"]


def container_of(bodies: list[Body]) -> Body:
    """Return the operator's container."""
    (container,) = pod_of(bodies)["containers"]
    return container


def environment(bodies: list[Body]) -> dict[str, str]:
    """Return the operator's environment, as far as it is written down."""
    return {each["name"]: each["value"] for each in container_of(bodies)["env"] if "value" in each}


def kinds_of(bodies: list[Body]) -> set[str]:
    """Return which kinds there are."""
    return {each["kind"] for each in bodies}


# Image


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        pytest.param({}, f"{NAME}:0.1.0", id="appVersion"),
        pytest.param({"repository": "example.com:5000/db", "tag": "v1"}, "example.com:5000/db:v1", id="tag"),
        pytest.param({"repository": "db", "digest": DIGEST}, f"db:0.1.0@{DIGEST}", id="digest"),
    ],
)
def test_image_is_one_for_operator_jobs_and_policy(render: Render, image: Body, reference: str) -> None:
    bodies = render(image=image)
    assert container_of(bodies)["image"] == reference
    assert environment(bodies)["LITELLMDB_IMAGE"] == reference
    assert f"'{reference}'" in policy_variables(bodies)
    assert named(bodies, "Pod", f"{NAME}-check")["spec"]["containers"][0]["image"] == reference


def policy_variables(bodies: list[Body]) -> list[str]:
    """Return what the policy on pods counts on."""
    spec = named(bodies, "ValidatingAdmissionPolicy", f"{NAME}-pods")["spec"]
    return [each["expression"] for each in spec["variables"]]


def test_image_of_postgres_is_the_policys_too(render: Render) -> None:
    bodies = render(postgresImage="example.com/postgres:17")
    assert environment(bodies)["LITELLMDB_POSTGRES_IMAGE"] == "example.com/postgres:17"
    assert "'example.com/postgres:17'" in policy_variables(bodies)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        pytest.param({"pullPolicy": "IfNotPresent"}, None, id="as Kubernetes does"),
        pytest.param({"pullPolicy": "Always"}, "Always", id="another"),
        pytest.param(
            {"pullPolicy": "IfNotPresent", "tag": "latest"}, "IfNotPresent", id="latest would be pulled always"
        ),
        pytest.param(
            {"pullPolicy": "IfNotPresent", "tag": "latest", "digest": DIGEST}, None, id="a digest is not latest"
        ),
    ],
)
def test_pull_policy_reaches_the_jobs(render: Render, image: Body, told: str | None) -> None:
    bodies = render(image=image)
    assert container_of(bodies)["imagePullPolicy"] == image["pullPolicy"]
    assert environment(bodies).get("LITELLMDB_IMAGE_PULL_POLICY") == told


# Settings


@pytest.mark.parametrize(
    ("values", "variable", "text"),
    [
        pytest.param({"identity": "prod"}, "LITELLMDB_IDENTITY", "prod", id="identity"),
        pytest.param({"defaultServer": "db/main"}, "LITELLMDB_DEFAULT_SERVER", "db/main", id="default server"),
        pytest.param({"allowedServers": ["a:5432", "*.b"]}, "LITELLMDB_ALLOWED_SERVERS", "a:5432,*.b", id="servers"),
        pytest.param({"watchNamespaces": ["a", "b"]}, "LITELLMDB_WATCH_NAMESPACES", "a,b", id="namespaces"),
        pytest.param({"workers": 8}, "LITELLMDB_WORKERS", "8", id="workers"),
        pytest.param({"proofHours": 0}, "LITELLMDB_PROOF_HOURS", "0", id="no proofs"),
        pytest.param({"proofHours": 0.5}, "LITELLMDB_PROOF_HOURS", "0.5", id="half an hour"),
        pytest.param({"proofHours": "0.5"}, "LITELLMDB_PROOF_HOURS", "0.5", id="as --set gives it"),
        pytest.param({"logLevel": "DEBUG"}, "LITELLMDB_LOG_LEVEL", "DEBUG", id="log level"),
        pytest.param({"extraEnv": [{"name": "TZ", "value": "UTC"}]}, "TZ", "UTC", id="extra"),
    ],
)
def test_settings_become_environment(render: Render, values: Body, variable: str, text: str) -> None:
    assert environment(render(**values))[variable] == text


def test_what_is_not_set_is_not_in_the_environment(render: Render) -> None:
    images = {"LITELLMDB_IMAGE", "LITELLMDB_POSTGRES_IMAGE"}
    with_defaults = {f"LITELLMDB_{each}" for each in ("WORKERS", "PROOF_HOURS", "LOG_LEVEL")}
    assert environment(render()).keys() == images | with_defaults


# Rights


def rights_of(role: Body) -> set[tuple[str, str, str]]:
    """Return group, resource and verb of everything that a role grants."""
    return {each for rule in role["rules"] for each in product(rule["apiGroups"], rule["resources"], rule["verbs"])}


def subjects_of(binding: Body) -> set[tuple[str, str]]:
    """Return the accounts that a binding binds."""
    return {(each["namespace"], each["name"]) for each in binding["subjects"]}


@pytest.fixture(scope="module")
def namespaced(render: Render) -> list[Body]:
    """Give an installation for two namespaces."""
    return render(watchNamespaces=["team-a", "team-b"])


def test_watched_namespaces_get_roles_and_nothing_is_granted_elsewhere(namespaced: list[Body]) -> None:
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds_of(namespaced)
    places = {each["metadata"]["namespace"] for each in namespaced if each["kind"] in ("Role", "RoleBinding")}
    assert places == {"team-a", "team-b", NAME}


def test_watched_namespaces_get_the_same_rights_as_the_cluster_would(render: Render, namespaced: list[Body]) -> None:
    everywhere = rights_of(named(render(), "ClusterRole"))
    for namespace in ("team-a", "team-b"):
        assert rights_of(named(namespaced, "Role", namespace=namespace)) == everywhere
        binding = named(namespaced, "RoleBinding", namespace=namespace)
        assert subjects_of(binding) == {(NAME, NAME)}
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", NAME)


def test_own_namespace_is_known_by_its_uid_and_holds_the_lease(namespaced: list[Body]) -> None:
    assert rights_of(named(namespaced, "Role", f"{NAME}-own-namespace", NAME)) == {("", "namespaces", "get")}
    lease = rights_of(named(namespaced, "Role", f"{NAME}-leader-election", NAME))
    assert {resource for _, resource, _ in lease} == {"leases"}


def test_own_namespace_that_is_watched_gets_one_role(render: Render) -> None:
    bodies = render(watchNamespaces=[NAME])
    assert named(bodies, "Role", NAME, NAME)
    assert f"{NAME}-own-namespace" not in {each["metadata"]["name"] for each in bodies}


def test_roles_for_people_follow_the_watched_namespaces(namespaced: list[Body]) -> None:
    for suffix, namespace in product(("view", "edit", "server-admin"), ("team-a", "team-b")):
        role = named(namespaced, "Role", f"{NAME}-{suffix}", namespace)
        assert not [label for label in role["metadata"]["labels"] if "aggregate" in label]


@pytest.mark.parametrize("target", ["View", "Edit", "Admin"])
def test_aggregation_is_one_switch_a_role(render: Render, target: str) -> None:
    label = f"rbac.authorization.k8s.io/aggregate-to-{target.lower()}"
    on, off = render(), render(userRoles={f"aggregateTo{target}": False})
    assert [each for each in on if label in each["metadata"]["labels"]]
    assert not [each for each in off if label in each["metadata"]["labels"]]


@pytest.mark.parametrize(
    ("values", "gone"),
    [
        pytest.param({"rbac": {"create": False}}, {"Role", "RoleBinding", "ClusterRoleBinding"}, id="rbac"),
        pytest.param({"serviceAccount": {"create": False, "name": "own"}}, {"ServiceAccount"}, id="account"),
        pytest.param(
            {"admissionPolicy": {"enabled": False}},
            {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"},
            id="policies",
        ),
        pytest.param({"crds": {"enabled": False}}, {"CustomResourceDefinition"}, id="crds"),
    ],
)
def test_what_is_switched_off_is_gone_and_nothing_else(render: Render, values: Body, gone: set[str]) -> None:
    assert kinds_of(render()) - kinds_of(render(**values)) == gone


def test_no_roles_at_all(render: Render) -> None:
    bodies = render(rbac={"create": False}, userRoles={"create": False})
    assert not {"Role", "ClusterRole"} & kinds_of(bodies)


def test_an_account_of_somebody_else_is_used_everywhere(render: Render) -> None:
    bodies = render(serviceAccount={"create": False, "name": "own"})
    assert pod_of(bodies)["serviceAccountName"] == "own"
    assert named(bodies, "Pod", f"{NAME}-check")["spec"]["serviceAccountName"] == "own"
    assert subjects_of(named(bodies, "ClusterRoleBinding")) == {(NAME, "own")}
    policy = named(bodies, "ValidatingAdmissionPolicy", f"{NAME}-secrets")["spec"]["matchConditions"][0]
    assert f"'system:serviceaccount:{NAME}:own'" in policy["expression"]


def test_an_account_of_somebody_else_must_be_named(render: Render) -> None:
    with pytest.raises(HelmError, match=r"serviceAccount\.name is needed"):
        render(serviceAccount={"create": False})


# Pods


@pytest.mark.parametrize("value", PARTS_OF_A_POD)
def test_pod_is_as_asked(render: Render, value: str) -> None:
    assert value not in pod_of(render())
    assert pod_of(render(**{value: PARTS_OF_A_POD[value]}))[value] == PARTS_OF_A_POD[value]


def test_resources_are_as_asked(render: Render) -> None:
    assert container_of(render(resources={"limits": {"cpu": "1"}}))["resources"]["limits"]["cpu"] == "1"


@pytest.mark.parametrize("value", ["livenessProbe", "readinessProbe"])
def test_probes_are_as_asked_and_ask_the_same(render: Render, value: str) -> None:
    before, after = container_of(render())[value], container_of(render(**{value: {"failureThreshold": 9}}))[value]
    assert after == before | {"failureThreshold": 9}


@pytest.mark.parametrize("value", ["livenessProbe", "readinessProbe"])
def test_probes_without_numbers_ask_the_same(render: Render, value: str) -> None:
    before, after = container_of(render())[value], container_of(render(**{value: None}))[value]
    assert after == {"httpGet": before["httpGet"]}


def test_readiness_may_need_more_than_one_answer(render: Render) -> None:
    probe = container_of(render(readinessProbe={"successThreshold": 2}))["readinessProbe"]
    assert probe["successThreshold"] == 2


@pytest.mark.parametrize("image", ["postgres", f"a:5000/b/postgres:16@{DIGEST}", f"postgres@{DIGEST}"])
def test_every_reference_of_postgres_is_taken(render: Render, image: str) -> None:
    assert environment(render(postgresImage=image))["LITELLMDB_POSTGRES_IMAGE"] == image


@pytest.mark.parametrize("value", ["podSecurityContext", "containerSecurityContext"])
def test_security_context_is_as_asked(render: Render, value: str) -> None:
    bodies = render(**{value: {"runAsUser": 1234}})
    place = pod_of(bodies) if value == "podSecurityContext" else container_of(bodies)
    assert place["securityContext"]["runAsUser"] == 1234
    assert len(place["securityContext"]) > 1, "the rest stays"


def test_labels_and_annotations_reach_the_pods(render: Render) -> None:
    template = named(render(podLabels={"a": "b"}, podAnnotations={"c": "d"}), "Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"] == {"c": "d"}
    assert template["metadata"]["labels"]["a"] == "b"


def test_volumes_are_mounted(render: Render) -> None:
    bodies = render(
        extraVolumes=[{"name": "ca", "secret": {"secretName": "ca"}}],
        extraVolumeMounts=[{"name": "ca", "mountPath": "/ca"}],
    )
    assert [each["name"] for each in pod_of(bodies)["volumes"]] == ["tmp", "ca"]
    assert [each["name"] for each in container_of(bodies)["volumeMounts"]] == ["tmp", "ca"]


def test_replicas(render: Render) -> None:
    assert named(render(replicaCount=2), "Deployment")["spec"]["replicas"] == 2


# Everything


def test_common_labels_and_annotations_are_everywhere(render: Render) -> None:
    bodies = render(
        commonLabels={"team": "platform"},
        commonAnnotations={"cost": "1"},
        podDisruptionBudget={"enabled": True},
        networkPolicy={"enabled": True},
    )
    metas = [each["metadata"] for each in bodies]
    assert [meta["name"] for meta in metas if meta["labels"].get("team") != "platform"] == []
    assert [meta["name"] for meta in metas if meta.get("annotations", {}).get("cost") != "1"] == []


def test_crds_are_kept_or_not(render: Render) -> None:
    def policies(*, keep: bool) -> set[str | None]:
        crds = [each for each in render(crds={"keep": keep}) if each["kind"] == "CustomResourceDefinition"]
        return {each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for each in crds}

    assert (policies(keep=True), policies(keep=False)) == ({"keep"}, {None})


def test_names_can_be_replaced(render: Render) -> None:
    assert {each["metadata"]["name"] for each in render(fullnameOverride="db") if each["kind"] == "Deployment"} == {
        "db"
    }
    short = render(name="prod")
    assert named(short, "Deployment", f"prod-{NAME}")
    bodies = render(nameOverride="db")
    selector = named(bodies, "Deployment", f"{NAME}-db")["spec"]["selector"]["matchLabels"]
    assert selector["app.kubernetes.io/name"] == "db"


def names_in(body: Any) -> Iterator[Any]:
    """Yield every name, namespace and label's value in an object."""
    if isinstance(body, list):
        for each in cast("list[Any]", body):
            yield from names_in(each)
    if isinstance(body, dict):
        for key, value in cast("Body", body).items():
            if key in ("name", "namespace", "serviceAccountName", "priorityClassName"):
                yield value
            yield from value.values() if key in ("labels", "matchLabels") else names_in(value)


def test_names_that_yaml_takes_for_something_else_stay_names(helm: Helm) -> None:
    values: Body = {
        "nameOverride": "2025",
        "fullnameOverride": "2024",
        "serviceAccount": {"name": "0x1f"},
        "priorityClassName": "true",
        "watchNamespaces": ["123", "456"],
        "crds": {"enabled": False},
    }
    bodies = helm.template(CHART, "--namespace=123", KUBERNETES, name="7", values=values)
    assert [each for each in names_in(bodies) if not isinstance(each, str)] == []
    assert {"2025", "2024", "0x1f", "true", "123", "456", "7"} <= set(names_in(bodies))


def test_every_name_fits(render: Render) -> None:
    longest = render(name="a" * 53)
    assert max(len(each["metadata"]["name"]) for each in longest if "." not in each["metadata"]["name"]) <= 63


def test_extra_objects_are_templates(render: Render) -> None:
    asked = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"}}
    bodies = render(extraObjects=[asked, yaml.safe_dump(asked).replace("more", "text")])
    assert named(bodies, "ConfigMap", f"{NAME}-more")
    assert named(bodies, "ConfigMap", f"{NAME}-text")


# What ships switched off


def test_nothing_of_what_is_off_is_there(render: Render) -> None:
    assert not {"PodDisruptionBudget", "NetworkPolicy"} & kinds_of(render())


@pytest.mark.parametrize(
    ("values", "spec"),
    [
        pytest.param({}, {"maxUnavailable": 1}, id="default"),
        pytest.param({"minAvailable": 1}, {"minAvailable": 1}, id="at least one"),
        pytest.param({"minAvailable": None}, {"maxUnavailable": 1}, id="null"),
        pytest.param({"minAvailable": "50%"}, {"minAvailable": "50%"}, id="a part"),
        pytest.param({"maxUnavailable": 0}, {"maxUnavailable": 0}, id="none"),
    ],
)
def test_disruption_budget(render: Render, values: Body, spec: Body) -> None:
    bodies = render(podDisruptionBudget={"enabled": True, **values})
    budget = named(bodies, "PodDisruptionBudget")["spec"]
    assert budget == {**spec, "selector": named(bodies, "Deployment")["spec"]["selector"]}


def test_network_policy_lets_through_what_the_operator_needs(render: Render) -> None:
    more = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    bodies = render(networkPolicy={"enabled": True, "postgresPorts": [5432, 6432], "extraEgress": [more]})
    spec = named(bodies, "NetworkPolicy")["spec"]
    dns, servers, extra = spec["egress"]
    assert {(each["port"], each["protocol"]) for each in dns["ports"]} == {(53, "UDP"), (53, "TCP")}
    assert [each["port"] for each in servers["ports"]] == [443, 6443, 5432, 6432]
    assert extra == more
    assert spec["ingress"] == [{"ports": [{"port": "probes", "protocol": "TCP"}]}]
    assert spec["podSelector"] == named(bodies, "Deployment")["spec"]["selector"]


@pytest.mark.parametrize("ports", [[], None])
def test_network_policy_without_ports_lets_nothing_more_through(render: Render, ports: list[int] | None) -> None:
    bodies = render(networkPolicy={"enabled": True, "apiServerPorts": ports, "postgresPorts": ports})
    (dns,) = named(bodies, "NetworkPolicy")["spec"]["egress"]
    assert {each["port"] for each in dns["ports"]} == {53}


# Refusals


@pytest.mark.parametrize(
    ("values", "path"),
    [
        pytest.param({"image": {"tga": "v1"}}, "'/image': additional properties 'tga'", id="typo"),
        pytest.param({"imagee": {}}, "additional properties 'imagee'", id="typo at the top"),
        pytest.param({"replicaCount": "two"}, "'/replicaCount': got string, want integer", id="type"),
        pytest.param({"image": {"digest": "sha256:12"}}, "'/image/digest'", id="digest"),
        pytest.param({"image": {"digest": "ab" * 32}}, "'/image/digest'", id="digest without algorithm"),
        pytest.param({"defaultServer": "main"}, "'/defaultServer'", id="server without namespace"),
        pytest.param({"watchNamespaces": ["Team"]}, "'/watchNamespaces/0'", id="no namespace's name"),
        pytest.param({"watchNamespaces": "team-a"}, "'/watchNamespaces': got string, want array", id="one namespace"),
        pytest.param({"allowedServers": ["a,b"]}, "'/allowedServers/0'", id="two servers in one"),
        pytest.param({"logLevel": "TRACE"}, "'/logLevel'", id="level"),
        pytest.param({"workers": 0}, "workers': minimum: got 0", id="no workers"),
        pytest.param({"proofHours": -1}, "'/proofHours'", id="time"),
        pytest.param({"postgresImage": "a' || true"}, "'/postgresImage'", id="an image that leaves its quotes"),
        pytest.param({"livenessProbe": {"httpGet": {}}}, "'/livenessProbe'", id="what a probe asks"),
        pytest.param(
            {"podLabels": {"app.kubernetes.io/name": "x"}},
            "'/podLabels/app.kubernetes.io~1name'",
            id="a label that selects",
        ),
        pytest.param(
            {"commonLabels": {"helm.sh/chart": "x"}},
            "'/commonLabels/helm.sh~1chart'",
            id="a label of Helm",
        ),
        pytest.param({"image": {"repository": "db:v1"}}, "'/image/repository'", id="a tag in the repository"),
        pytest.param({"image": {"repository": "a:5000/db:v1"}}, "'/image/repository'", id="a tag behind a port"),
        pytest.param({"postgresImage": "postgres:16:17"}, "'/postgresImage'", id="two tags"),
        pytest.param({"livenessProbe": {"successThreshold": 2}}, "'/livenessProbe", id="what a liveness probe has not"),
        pytest.param({"extraEnv": [{"name": "LITELLMDB_IMAGE"}]}, "'/extraEnv/0/name'", id="a variable of the chart"),
        pytest.param({"podDisruptionBudget": {"maxUnavailable": ""}}, "'/podDisruptionBudget/maxUna", id="no number"),
        pytest.param({"crds": {"keep": "yes"}}, "'/crds/keep': got string, want boolean", id="text for a switch"),
    ],
)
def test_schema_refuses_with_the_path(render: Render, values: Body, path: str) -> None:
    with pytest.raises(HelmError) as refused:
        render(**values)
    assert path in str(refused.value)


def test_a_default_server_must_be_in_sight(render: Render) -> None:
    with pytest.raises(HelmError, match="defaultServer is in namespace db, which watchNamespaces does not name"):
        render(defaultServer="db/main", watchNamespaces=["team-a"])
    assert render(defaultServer="db/main", watchNamespaces=["team-a", "db"])


# As a part of another chart


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a chart that holds this one."""
    folder = tmp_path_factory.mktemp("parent") / "platform"
    shutil.copytree(CHART, folder / "charts" / NAME)
    (folder / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "platform", "version": "1.0.0"}))
    return folder


def test_works_as_a_subchart(render: Render, parent: Path) -> None:
    values = {NAME: {"replicaCount": 2}, "global": {"imageRegistry": "example.com"}}
    bodies = render(chart=parent, name="prod", **values)
    assert named(bodies, "Deployment", f"prod-{NAME}")["spec"]["replicas"] == 2


def test_refuses_typos_as_a_subchart(render: Render, parent: Path) -> None:
    with pytest.raises(HelmError, match="additional properties 'replicas'"):
        render(chart=parent, **{NAME: {"replicas": 2}})


def test_is_clean(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm.lint(CHART, "--kube-version=1.34")
