"""The gateway against a real API server: what it writes is taken, what it reads is what is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api import Api
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.embedded import (
    embedded_network_policy,
    embedded_service,
    embedded_stateful_set,
    users_let_in,
)
from litellm_database_operator.kube.job_facts import job_facts
from litellm_database_operator.kube.jobs import migration_job
from litellm_database_operator.kube.objects import Owner
from litellm_database_operator.kube.secrets import published_secret
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.resource import AllowedNamespaces, Embedded, PodTemplate
from litellm_database_operator.planning.steps import PublishSecret
from tests.integration.kube.api_server import ApiServer
from tests.support.kube_samples import BINDING, OWNER, STEP

PUBLISH = PublishSecret(name="gateway-db", binding=BINDING, system_identifier="73", replaces=None)


@pytest.fixture
def owner(api_server: ApiServer, namespace: str) -> Owner:
    """Give a real owner: what is owned by nobody is collected as garbage."""
    database = {
        "apiVersion": "litellmdb.dev/v1alpha1",
        "kind": "LiteLLMDatabase",
        "metadata": {"name": "gateway", "namespace": namespace},
        "spec": {"litellm": {"version": "1.81.12"}},
    }
    api_server.apply(database)
    uid = api_server.get("lldb", "gateway", "-n", namespace)["metadata"]["uid"]
    return replace(OWNER, namespace=namespace, uid=uid)


def make_job(owner: Owner, **template: Any) -> Any:
    step = replace(STEP, pod_template=PodTemplate.model_validate(template))
    return migration_job(step=step, owner=owner, image="operator:1", pull_policy=None)


async def test_a_job_is_made_once_and_its_pod_is_found(
    cluster: Cluster, api_server: ApiServer, namespace: str, owner: Owner
) -> None:
    restricted = "pod-security.kubernetes.io/enforce=restricted"
    api_server.kubectl("label", "namespace", namespace, restricted)
    await cluster.create_job(make_job(owner))
    await cluster.create_job(make_job(owner))
    (job,) = await cluster.list_jobs(namespace, owner.name)
    assert job_facts(job, None, None, owner.uid).ours
    async with asyncio.timeout(20):
        while not (pods := await cluster.list_pods(namespace, owner.name)):  # noqa: ASYNC110 - no watch here
            await asyncio.sleep(0.1)
    assert len(pods) == 1
    assert await cluster.list_jobs(namespace, "another") == []
    await cluster.delete_job(namespace, job["metadata"]["name"])
    async with asyncio.timeout(20):
        while await cluster.list_jobs(namespace, owner.name):  # noqa: ASYNC110 - no watch here
            await asyncio.sleep(0.1)


async def forbid(api_server: ApiServer, namespace: str, what: str) -> None:
    """Have a quota of none, and wait until it counts."""
    meta = {"name": "none", "namespace": namespace}
    api_server.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": {what: "0"}}})
    async with asyncio.timeout(20):
        while "hard" not in api_server.get("quota", "none", "-n", namespace).get("status", {}):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_why_no_pod_is_made_is_said_in_the_clusters_words(
    cluster: Cluster, api_server: ApiServer, namespace: str, owner: Owner
) -> None:
    await forbid(api_server, namespace, "pods")
    await cluster.create_job(make_job(owner))
    (job,) = await cluster.list_jobs(namespace, owner.name)
    async with asyncio.timeout(20):
        while (said := await cluster.fetch_failed_create(namespace, kinds.uid_of(job))) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert "exceeded quota: none" in said
    assert await cluster.fetch_failed_create(namespace, "another") is None


async def test_a_refused_object_is_told_in_the_clusters_words(
    cluster: Cluster, api_server: ApiServer, namespace: str, owner: Owner
) -> None:
    await forbid(api_server, namespace, "secrets")
    with pytest.raises(UnavailableError, match=r"cannot create Secret .*exceeded quota") as caught:
        await cluster.create_secret(published_secret(PUBLISH, owner))
    assert caught.value.reason is Reason.OBJECT_REFUSED
    assert "correct-horse" not in caught.value.message


async def test_the_objects_of_an_embedded_server_are_made_once_and_mended(
    cluster: Cluster, api_server: ApiServer, namespace: str
) -> None:
    built = {
        kinds.STATEFUL_SET: embedded_stateful_set(
            "main", namespace, image="postgres:16", asked=Embedded(storage="1Gi")
        ),
        kinds.SERVICE: embedded_service("main", namespace),
        kinds.NETWORK_POLICY: embedded_network_policy(
            "main", namespace, operator_namespace="ops", allowed=AllowedNamespaces()
        ),
    }
    made = {kind: await cluster.ensure(kind, body) for kind, body in built.items()}
    again = {kind: await cluster.ensure(kind, body) for kind, body in built.items()}
    for kind, body in made.items():
        assert again[kind]["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]
    api_server.kubectl("scale", "statefulset", "main-postgres", "--replicas=0", "-n", namespace)
    policy: dict[str, Any] = {"spec": {"ingress": []}}
    api_server.kubectl("patch", "netpol", "main-postgres", "-n", namespace, "--type=merge", "-p", json.dumps(policy))
    for kind, body in built.items():
        await cluster.ensure(kind, body)
    mended = await cluster.fetch(kinds.STATEFUL_SET, namespace, "main-postgres")
    assert mended
    assert mended["spec"]["replicas"] == 1
    assert api_server.get("netpol", "main-postgres", "-n", namespace)["spec"]["ingress"]
    for kind in built:
        await cluster.delete(kind, namespace, "main-postgres")
        assert await cluster.fetch(kind, namespace, "main-postgres") is None


async def test_an_image_that_changed_reaches_the_stateful_set(cluster: Cluster, namespace: str) -> None:
    for image in ("postgres:16", "registry.example/postgres:16"):
        body = embedded_stateful_set("main", namespace, image=image, asked=Embedded(storage="1Gi"))
        found = await cluster.ensure(kinds.STATEFUL_SET, body)
        assert found["spec"]["template"]["spec"]["containers"][0]["image"] == image


@pytest.mark.parametrize(
    "resources",
    [
        pytest.param({"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": 2}}, id="written otherwise"),
        pytest.param({"requests": {"cpu": "0.0005"}}, id="finer than the API server keeps"),
        pytest.param({"limits": {"memory": "1.5Gi", "ephemeral-storage": "1e9"}}, id="half a GiB more"),
        pytest.param({"limits": {"memory": "1Gi"}}, id="our limit alone"),
        pytest.param({}, id="none at all"),
    ],
)
async def test_resources_that_changed_reach_the_stateful_set_once(
    cluster: Cluster, namespace: str, resources: dict[str, Any]
) -> None:
    def built(**asked: Any) -> Any:
        return embedded_stateful_set("main", namespace, image="postgres:16", asked=Embedded.model_validate(asked))

    made = await cluster.ensure(kinds.STATEFUL_SET, built(storage="1Gi", storageClass=""))
    asked = built(storage="1Gi", storageClass="", resources=resources)
    changed = await cluster.ensure(kinds.STATEFUL_SET, asked)
    assert changed["metadata"]["generation"] == made["metadata"]["generation"] + 1
    (container,) = changed["spec"]["template"]["spec"]["containers"]
    assert set(container["resources"]) == set(resources)
    again = await cluster.ensure(kinds.STATEFUL_SET, asked)
    assert again["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"], "it would roll for ever"
    back = await cluster.ensure(kinds.STATEFUL_SET, built(storage="1Gi", storageClass=""))
    assert back["spec"]["template"] == made["spec"]["template"]
    (claim,) = back["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == ""


async def test_who_is_let_in_reaches_the_network_policy_once(cluster: Cluster, namespace: str) -> None:
    narrow = {"from": "Selector", "selector": {"matchLabels": {"team": "a", "stage": "dev"}}}
    wide = {"from": "Selector", "selector": {"matchLabels": {"team": "a"}}}
    seen: list[str] = []
    for allowed, users in ((narrow, ()), (wide, ()), (wide, ("team-b",)), ({"from": "All"}, ()), ({}, ("team-b",))):
        body = embedded_network_policy(
            "main",
            namespace,
            operator_namespace="ops",
            allowed=AllowedNamespaces.model_validate(allowed),
            users=users,
        )
        changed = await cluster.ensure(kinds.NETWORK_POLICY, body)
        again = await cluster.ensure(kinds.NETWORK_POLICY, body)
        assert again["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]
        assert users_let_in(changed) == set(users)
        seen.append(changed["metadata"]["resourceVersion"])
    assert len(set(seen)) == len(seen)


async def test_a_namespace_that_goes_is_told_apart_from_a_refusal(
    cluster: Cluster, api_server: ApiServer, namespace: str, owner: Owner
) -> None:
    assert not await cluster.is_namespace_going(namespace)
    holding = {"metadata": {"finalizers": ["example.com/hold"]}}
    api_server.kubectl("patch", "lldb", "gateway", "-n", namespace, "--type=merge", "-p", json.dumps(holding))
    api_server.kubectl("delete", "namespace", namespace, "--wait=false")
    assert await cluster.is_namespace_going(namespace)
    with pytest.raises(UnavailableError) as caught:
        await cluster.create_secret(published_secret(PUBLISH, owner))
    assert caught.value.reason is Reason.DELETING
    released = {"metadata": {"finalizers": None}}
    api_server.kubectl("patch", "lldb", "gateway", "-n", namespace, "--type=merge", "-p", json.dumps(released))


async def test_the_uid_of_a_namespace(cluster: Cluster, api_server: ApiServer, namespace: str) -> None:
    uid = api_server.get("namespace", namespace)["metadata"]["uid"]
    assert await cluster.fetch_namespace_uid(namespace) == uid
    api_server.kubectl("label", "namespace", namespace, "team=a")
    found = await cluster.fetch_namespace(namespace)
    assert (found.uid, found.labels["team"], found.labels["kubernetes.io/metadata.name"]) == (uid, "a", namespace)
    with pytest.raises(UnavailableError):
        await cluster.fetch_namespace_uid("none")
    assert await cluster.is_namespace_going("none")


async def test_a_crash_before_or_after_a_write_can_be_played(api: Api, namespace: str, owner: Owner) -> None:
    class Crash(Exception):  # noqa: N818 - no error of ours
        pass

    seen: list[str] = []

    @asynccontextmanager
    async def crash_after(name: str) -> AsyncGenerator[None]:
        seen.append(name)
        yield
        raise Crash

    cluster = Cluster(api, effects=crash_after)
    with pytest.raises(Crash):
        await cluster.create_secret(published_secret(PUBLISH, owner))
    assert seen == [f"create Secret {namespace}/gateway-db"]
    assert await cluster.fetch_secret(namespace, "gateway-db")


async def test_an_api_server_that_is_not_there_is_silence(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api._client.configuration, "_base_path", "https://127.0.0.1:1")  # noqa: SLF001
    with pytest.raises(UnavailableError, match="cannot reach the API server") as caught:
        await Cluster(api).fetch_secret("default", "x")
    assert caught.value.reason is Reason.KUBERNETES_UNAVAILABLE
