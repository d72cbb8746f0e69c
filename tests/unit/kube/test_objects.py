"""What is sent to the API server, against files that a reviewer reads (`--update-test-data` writes them)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.kube.embedded import (
    embedded_host,
    embedded_network_policy,
    embedded_service,
    embedded_stateful_set,
    users_let_in,
)
from litellm_database_operator.kube.jobs import migration_job
from litellm_database_operator.kube.objects import database_labels, to_json
from litellm_database_operator.kube.secrets import (
    admin_secret,
    ca_secret,
    migrator_secret,
    published_secret,
    secret_data,
    secret_facts,
)
from litellm_database_operator.model import names
from litellm_database_operator.model.resource import AllowedNamespaces, Embedded, PodTemplate, Resources
from litellm_database_operator.model.secret import PASSWORD_KEY, Password
from litellm_database_operator.model.secret_metadata import SecretMetadata
from litellm_database_operator.planning.steps import PublishCa, PublishSecret
from tests.support.kube_samples import BINDING, OWNER, STEP

ExpectYaml = Callable[[str, Any], None]
PUBLISH = PublishSecret(name="gateway-db", binding=BINDING, system_identifier="7300000000000000000", replaces=None)


def job(template: PodTemplate | None = None) -> dict[str, Any]:
    step = replace(STEP, pod_template=template or PodTemplate())
    return to_json(migration_job(step=step, owner=OWNER, image="operator:1", pull_policy="Never"))


def pod(built: dict[str, Any]) -> dict[str, Any]:
    return built["spec"]["template"]["spec"]


def test_migration_job(expect_yaml: ExpectYaml) -> None:
    expect_yaml("kube/migration_job.yaml", job())


def test_a_migration_job_takes_over_what_its_pod_template_asks(expect_yaml: ExpectYaml) -> None:
    template = PodTemplate.model_validate(
        {
            "labels": {"team": "a", "app.kubernetes.io/managed-by": "me", "litellmdb.dev/database": "another"},
            "annotations": {"sidecar.istio.io/inject": "false"},
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
            "priorityClassName": "high",
            "imagePullSecrets": [{"name": "registry"}],
            "resources": {"limits": {"memory": "2Gi"}},
        }
    )
    expect_yaml("kube/migration_job_with_template.yaml", job(template))


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(PodTemplate(resources={"limit": {}}), id="unknown field of resources"),
        pytest.param(PodTemplate(tolerations=[{"key": 1}]), id="wrong type in a toleration"),
        pytest.param(PodTemplate(affinity={"podAffinty": {}}), id="misspelt affinity"),
    ],
)
def test_a_pod_template_that_cannot_be_is_its_authors_to_mend(template: PodTemplate) -> None:
    with pytest.raises(InvalidSpecError, match=r"cannot use spec\.migration\.podTemplate: "):
        job(template)


def test_no_secret_is_in_a_job() -> None:
    assert "correct-horse" not in str(job())


def test_a_job_without_an_approval_says_so_by_nothing() -> None:
    step = replace(STEP, approved=None)
    built = to_json(migration_job(step=step, owner=OWNER, image="operator:1", pull_policy="Never"))
    (container,) = pod(built)["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert told["LITELLMDB_APPROVED"] == ""


def test_a_migration_job_passes_restricted_with_any_template() -> None:
    spec = pod(job(PodTemplate(resources={"requests": {"cpu": "1"}})))
    (container,) = spec["containers"]
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in spec


def test_published_secret(expect_yaml: ExpectYaml) -> None:
    expect_yaml("kube/published_secret.yaml", to_json(published_secret(PUBLISH, OWNER)))


def test_a_secret_that_replaces_another_names_its_resource_version() -> None:
    body = to_json(published_secret(replace(PUBLISH, replaces="42"), OWNER))
    assert body["metadata"]["resourceVersion"] == "42"


def test_ca_secret(expect_yaml: ExpectYaml) -> None:
    step = PublishCa(name="gateway-db-ca", certificate="PEM", replaces=None)
    expect_yaml("kube/ca_secret.yaml", to_json(ca_secret(step, OWNER)))


def test_migrator_secret_holds_what_the_migrator_reads() -> None:
    body = to_json(migrator_secret(STEP, OWNER, replaces=None))
    assert body["metadata"]["name"] == "gateway-migrator"
    assert secret_data(body) == {
        "host": "main-postgres.data.svc",
        "port": "5432",
        "tls": "verify-full",
        "database": "team-a_gateway",
        "schema": "public",
        "username": "team-a_gateway_migrator",
        "password": "correct-horse",
        "app": "team-a_gateway_app",
        "ca.crt": "PEM",
    }
    assert "ca.crt" not in to_json(migrator_secret(replace(STEP, ca=None), OWNER, replaces="7"))["data"]


def test_embedded_server(expect_yaml: ExpectYaml) -> None:
    expect_yaml(
        "kube/embedded_server.yaml",
        [
            to_json(embedded_stateful_set("main", "data", image="postgres:16", asked=Embedded())),
            to_json(embedded_service("main", "data")),
            to_json(
                embedded_network_policy(
                    "main", "data", operator_namespace="litellmdb-system", allowed=AllowedNamespaces()
                )
            ),
        ],
    )


def test_an_embedded_server_for_all_namespaces_lets_all_in() -> None:
    policy = to_json(
        embedded_network_policy(
            "main",
            "data",
            operator_namespace="litellmdb-system",
            allowed=AllowedNamespaces.model_validate({"from": "All"}),
        )
    )
    assert policy["spec"]["ingress"][0]["from"][1] == {"namespaceSelector": {}}


def policy_for(allowed: dict[str, Any], *users: str) -> dict[str, Any]:
    asked = AllowedNamespaces.model_validate(allowed)
    built = embedded_network_policy(
        "main", "data", operator_namespace="litellmdb-system", allowed=asked, users=frozenset(users)
    )
    return to_json(built)


SELECTED: dict[str, Any] = {
    "from": "Selector",
    "selector": {"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "stage", "operator": "Exists"}]},
}


def test_an_embedded_server_lets_in_its_own_namespace_and_those_selected() -> None:
    (rule,) = policy_for(SELECTED)["spec"]["ingress"]
    operator, *users = rule["from"]
    assert operator["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "litellmdb-system"}
    assert users == [{"podSelector": {}}, {"namespaceSelector": SELECTED["selector"]}]


@pytest.mark.parametrize("allowed", [pytest.param({}, id="Same"), pytest.param(SELECTED, id="Selector")])
def test_who_has_a_database_is_let_in_whoever_may_have_one(allowed: dict[str, Any]) -> None:
    policy = policy_for(allowed, "team-b", "team-a")
    _, named = policy["spec"]["ingress"]
    (expression,) = named["from"][0]["namespaceSelector"]["matchExpressions"]
    assert expression == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["team-a", "team-b"]}
    assert named["ports"] == [{"port": 5432, "protocol": "TCP"}]
    assert users_let_in(policy) == {"team-a", "team-b"}


def test_who_is_selected_by_name_is_no_user_yet() -> None:
    by_name = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["team-a"]}
    policy = policy_for({"from": "Selector", "selector": {"matchExpressions": [by_name]}})
    assert users_let_in(policy) == frozenset()
    assert users_let_in({"spec": {"ingress": None}}) == frozenset()


def test_an_embedded_server_outlives_its_resource_until_the_finalizer_says() -> None:
    built = to_json(embedded_stateful_set("main", "data", image="postgres:16", asked=Embedded()))
    secret = to_json(admin_secret("main", "data", Password("correct-horse")))
    assert "ownerReferences" not in built["metadata"]
    assert "ownerReferences" not in secret["metadata"]
    assert secret_data(secret) == {"username": "postgres", "password": "correct-horse"}
    assert embedded_host("main", "data") == "main-postgres.data.svc"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param(None, {}, id="the cluster's default"),
        pytest.param("", {"storageClassName": ""}, id="none"),
        pytest.param("fast", {"storageClassName": "fast"}, id="one by name"),
    ],
)
def test_a_volume_is_of_the_class_that_was_asked_for(given: str | None, written: dict[str, str]) -> None:
    asked = Embedded.model_validate({"storageClass": given})
    built = to_json(embedded_stateful_set("main", "data", image="postgres:16", asked=asked))
    (claim,) = built["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}} | written


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"limits": {"cpu": 2}}, {"limits": {"cpu": "2"}}, id="a number becomes a text"),
        pytest.param({"requests": {"memory": "1Gi"}}, {"requests": {"memory": "1Gi"}}, id="requests alone"),
    ],
)
def test_resources_that_are_asked_for_take_the_place_of_ours(given: dict[str, Any], written: dict[str, Any]) -> None:
    asked = Embedded(resources=Resources.model_validate(given))
    built = to_json(embedded_stateful_set("main", "data", image="postgres:16", asked=asked))
    (container,) = pod(built)["containers"]
    assert container["resources"] == written


def test_ours_goes_before_what_is_asked_for() -> None:
    asked = SecretMetadata(
        labels={"team": "a", names.DATABASE_LABEL: "other"}, annotations={names.SYSTEM_IDENTIFIER_ANNOTATION: "1"}
    )
    meta = to_json(published_secret(replace(PUBLISH, metadata=asked), OWNER))["metadata"]
    assert meta["labels"] == {"team": "a", **database_labels(OWNER.name)}
    assert meta["annotations"] == {names.SYSTEM_IDENTIFIER_ANNOTATION: PUBLISH.system_identifier}


def test_a_secret_is_read_with_what_it_bears() -> None:
    asked = SecretMetadata(labels={"team": "a"}, annotations={"example.com/a": "1"})
    body = to_json(published_secret(replace(PUBLISH, metadata=asked), OWNER))
    body["metadata"] |= {"resourceVersion": "7", "uid": "s1"}
    assert asked.is_on(secret_facts(body, OWNER.name, OWNER.uid))
    assert not asked.is_on(secret_facts(published(), OWNER.name, OWNER.uid))


def test_the_migrators_secret_bears_nothing_that_is_asked_for() -> None:
    meta = to_json(migrator_secret(STEP, OWNER, replaces=None))["metadata"]
    assert meta["labels"] == database_labels(OWNER.name)
    assert "annotations" not in meta, "a copy of it would be a copy of the right to migrate"


def published() -> dict[str, Any]:
    body = to_json(published_secret(PUBLISH, OWNER))
    body["metadata"] |= {"resourceVersion": "7", "uid": "s1"}
    return body


def test_a_secret_is_read_back_as_it_was_made() -> None:
    facts = secret_facts(published(), OWNER.name, OWNER.uid)
    password = facts.password(PASSWORD_KEY)
    assert facts.ours
    assert facts.data == BINDING.published()
    assert (facts.type, facts.resource_version, facts.uid) == ("servicebinding.io/postgresql", "7", "s1")
    assert facts.system_identifier == "7300000000000000000"
    assert password
    assert password.reveal() == "correct-horse"
    assert "correct-horse" not in repr(facts)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"labels": {}}, id="without our label"),
        pytest.param({"labels": None}, id="without labels"),
        pytest.param({"ownerReferences": []}, id="without an owner"),
        pytest.param({"ownerReferences": [{"uid": "another", "controller": True}]}, id="controlled by another"),
        pytest.param({"ownerReferences": [{"uid": OWNER.uid}]}, id="owned and not controlled"),
    ],
)
def test_a_secret_is_not_ours(change: dict[str, Any]) -> None:
    body = published()
    body["metadata"] |= change
    assert not secret_facts(body, OWNER.name, OWNER.uid).ours


def test_what_is_no_text_reads_as_empty() -> None:
    body = published()
    body["data"] = {"binary": base64.b64encode(b"\xff\xfe").decode(), "broken": "%%%"}
    assert secret_facts(body, OWNER.name, OWNER.uid).data == {"binary": "", "broken": ""}
    assert secret_facts(published() | {"data": None}, OWNER.name, OWNER.uid).data == {}


@pytest.mark.parametrize(
    ("owner", "uid", "predecessor"),
    [
        pytest.param(OWNER.name, "uid-of-one-before", True, id="of a resource of this name that is gone"),
        pytest.param("another", OWNER.uid, False, id="of another resource"),
        pytest.param(OWNER.name, OWNER.uid, False, id="ours"),
    ],
)
def test_a_secret_of_one_that_came_before_is_told_from_anothers(owner: str, uid: str, *, predecessor: bool) -> None:
    made = to_json(published_secret(PUBLISH, replace(OWNER, name=owner, uid=uid)))
    made["metadata"] |= {"uid": "1", "resourceVersion": "1"}
    assert secret_facts(made, OWNER.name, OWNER.uid).predecessor is predecessor
