"""What a gateway must do, whichever API server answers: the fake one in unit/, the real one in integration/."""

from __future__ import annotations

from dataclasses import replace

import pytest

from litellm_database_operator.errors import NotOursError, UnavailableError
from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.api import MERGE_PATCH, Api
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.embedded import embedded_service
from litellm_database_operator.kube.jobs import migration_job
from litellm_database_operator.kube.kinds import DATABASE, SECRET, Body
from litellm_database_operator.kube.leases import Leases
from litellm_database_operator.kube.objects import Owner
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.kube.secrets import ca_secret, published_secret, secret_data, secret_facts
from litellm_database_operator.model import names
from litellm_database_operator.model.outcome import Event
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.secret_metadata import KEEPING_ALL, SecretMetadata
from litellm_database_operator.planning.steps import PublishCa, PublishSecret
from tests.support.kube_samples import BINDING, OWNER, STEP

PUBLISH = PublishSecret(name="gateway-db", binding=BINDING, system_identifier="73", replaces=None)
FINALIZER = names.DATABASE_FINALIZER


def make_database(namespace: str, name: str = "gateway") -> Body:
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.DATABASE_KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"litellm": {"version": "1.81.12"}},
    }


def ready(reason: str = "UpToDate") -> Body:
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": reason,
        "message": "all is well",
        "lastTransitionTime": "2026-11-24T08:00:00Z",
        "observedGeneration": 1,
    }
    return {"observedGeneration": 1, "conditions": [condition]}


@pytest.fixture
def cluster(api: Api) -> Cluster:
    """Give the gateway to objects."""
    return Cluster(api)


@pytest.fixture
def resources(api: Api) -> Resources:
    """Give the gateway to our own resources."""
    return Resources(api, instance="operator-1")


@pytest.fixture
async def database(api: Api, namespace: str) -> Body:
    """Give a LiteLLMDatabase."""
    return await api.request("POST", DATABASE.path(namespace), body=make_database(namespace))


@pytest.fixture
def owner(database: Body, namespace: str) -> Owner:
    """Give a real owner: what is owned by nobody is collected as garbage."""
    return replace(OWNER, namespace=namespace, uid=kinds.uid_of(database))


async def change(api: Api, kind: kinds.Kind, body: Body, **wanted: object) -> Body:
    """Do what somebody else's kubectl does."""
    path = kind.path(body["metadata"]["namespace"], body["metadata"]["name"])
    return await api.request(
        "PATCH", path, body=dict(wanted) | {"metadata": wanted.get("metadata", {})}, content_type=MERGE_PATCH
    )


async def test_what_is_not_there_is_none(cluster: Cluster, namespace: str) -> None:
    assert await cluster.fetch_secret(namespace, "none") is None
    assert await cluster.fetch(kinds.SERVER, namespace, "none") is None
    assert await cluster.list_jobs(namespace, "none") == []
    await cluster.delete_job(namespace, "none")
    await cluster.delete_secret(namespace, "none", uid="u")


async def test_a_published_secret_is_made_read_and_brought_back(
    api: Api, cluster: Cluster, namespace: str, owner: Owner
) -> None:
    made = await cluster.create_secret(published_secret(PUBLISH, owner))
    assert secret_facts(made, owner.name, owner.uid).ours
    assert secret_data(made) == BINDING.published()
    edits = {"DATABASE_URL": "b2xk", "added": "b2xk"}
    edited = await change(api, SECRET, made, data=edits, metadata={"labels": {"team": "a"}})
    version = edited["metadata"]["resourceVersion"]
    await cluster.replace_secret(published_secret(replace(PUBLISH, replaces=version), owner))
    mended = await cluster.fetch_secret(namespace, "gateway-db")
    assert mended
    assert secret_data(mended) == BINDING.published()
    assert mended["metadata"]["labels"]["team"] == "a"
    assert len(mended["metadata"]["ownerReferences"]) == 1


async def test_labels_and_annotations_are_set_and_dropped_and_others_stay(
    api: Api, cluster: Cluster, owner: Owner
) -> None:
    first = SecretMetadata(labels={"team": "a", "stage": "x"}, annotations={"example.com/a": "1", "example.com/b": "2"})
    made = await cluster.create_secret(published_secret(replace(PUBLISH, metadata=first), owner))
    ours = made["metadata"]["labels"].keys() - first.labels.keys()
    edited = await change(api, SECRET, made, metadata={"labels": {"theirs": "t"}, "annotations": {"theirs": "t"}})
    then = SecretMetadata(
        labels={"team": "b"},
        annotations={"example.com/a": "3"},
        dropped_labels=frozenset({"stage"}),
        dropped_annotations=frozenset({"example.com/b"}),
    )
    step = replace(PUBLISH, replaces=edited["metadata"]["resourceVersion"], metadata=then)
    mended = await cluster.replace_secret(published_secret(step, owner), dropping=then)
    labels, annotations = mended["metadata"]["labels"], mended["metadata"]["annotations"]
    assert labels.keys() == ours | {"team", "theirs"}
    assert (labels["team"], labels["theirs"]) == ("b", "t")
    assert annotations == {"example.com/a": "3", "theirs": "t", names.SYSTEM_IDENTIFIER_ANNOTATION: "73"}
    certificate = PublishCa(name="gateway-db-ca", certificate="PEM", replaces=None, metadata=first)
    beside = await cluster.create_secret(ca_secret(certificate, owner))
    bare = replace(certificate, replaces=beside["metadata"]["resourceVersion"], metadata=KEEPING_ALL)
    all_gone = SecretMetadata(dropped_labels=frozenset(first.labels), dropped_annotations=frozenset(first.annotations))
    stripped = await cluster.replace_secret(ca_secret(bare, owner), dropping=all_gone)
    assert stripped["metadata"]["labels"].keys() == ours
    assert not stripped["metadata"].get("annotations")


async def test_a_secret_that_somebody_made_or_changed_meanwhile_is_not_overwritten(
    cluster: Cluster, owner: Owner
) -> None:
    await cluster.create_secret(published_secret(PUBLISH, owner))
    with pytest.raises(UnavailableError, match=r"cannot create Secret .*: it was changed meanwhile"):
        await cluster.create_secret(published_secret(PUBLISH, owner))
    with pytest.raises(UnavailableError, match=r"cannot patch Secret .*: it was changed meanwhile"):
        await cluster.replace_secret(published_secret(replace(PUBLISH, replaces="999999999"), owner))


async def test_only_the_secret_of_that_uid_is_deleted(cluster: Cluster, namespace: str, owner: Owner) -> None:
    made = await cluster.create_secret(published_secret(PUBLISH, owner))
    await cluster.delete_secret(namespace, "gateway-db", uid="another")
    assert await cluster.fetch_secret(namespace, "gateway-db")
    await cluster.delete_secret(namespace, "gateway-db", uid=made["metadata"]["uid"])
    assert await cluster.fetch_secret(namespace, "gateway-db") is None


async def test_a_job_is_made_once_and_found_by_its_database(cluster: Cluster, namespace: str, owner: Owner) -> None:
    job = migration_job(step=STEP, owner=owner, image="operator:1")
    await cluster.create_job(job)
    await cluster.create_job(job)
    assert len(await cluster.list_jobs(namespace, owner.name)) == 1
    assert await cluster.list_jobs(namespace, "another") == []


async def test_an_object_of_an_embedded_server_is_made_mended_and_left_alone(
    api: Api, cluster: Cluster, namespace: str
) -> None:
    made = await cluster.ensure(kinds.SERVICE, embedded_service("main", namespace))
    again = await cluster.ensure(kinds.SERVICE, embedded_service("main", namespace))
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    await change(api, kinds.SERVICE, made, spec={"selector": {names.SERVER_LABEL: "another"}})
    mended = await cluster.ensure(kinds.SERVICE, embedded_service("main", namespace))
    assert mended["spec"]["selector"][names.SERVER_LABEL] == "main"


async def test_somebody_elses_object_of_that_name_is_not_taken(api: Api, cluster: Cluster, namespace: str) -> None:
    made = await cluster.ensure(kinds.SERVICE, embedded_service("main", namespace))
    await change(api, kinds.SERVICE, made, metadata={"labels": {names.SERVER_LABEL: "another"}})
    with pytest.raises(NotOursError, match=r"cannot use Service .*/main-postgres: it exists and is not labelled"):
        await cluster.ensure(kinds.SERVICE, embedded_service("main", namespace))


async def test_a_finalizer_is_set_and_taken_off(resources: Resources, database: Body) -> None:
    with_ours = await resources.patch_finalizers(DATABASE, database, [FINALIZER])
    assert with_ours
    assert with_ours["metadata"]["finalizers"] == [FINALIZER]
    without = await resources.patch_finalizers(DATABASE, with_ours, [])
    assert without
    assert not without["metadata"].get("finalizers")


async def test_somebodys_label_does_not_stand_in_the_way(api: Api, resources: Resources, database: Body) -> None:
    await change(api, DATABASE, database, metadata={"labels": {"x": "y"}})
    assert await resources.patch_finalizers(DATABASE, database, [FINALIZER])


async def test_finalizers_that_changed_meanwhile_are_not_replaced(
    api: Api, resources: Resources, database: Body, namespace: str
) -> None:
    changed = await change(api, DATABASE, database, metadata={"finalizers": ["example.com/late"]})
    assert await resources.patch_finalizers(DATABASE, database, [FINALIZER]) is None
    live = await resources.fetch(DATABASE, namespace, "gateway")
    assert live
    assert live["metadata"]["finalizers"] == ["example.com/late"]
    assert await resources.patch_finalizers(DATABASE, changed, [])


async def test_a_namesake_is_not_touched(
    api: Api, cluster: Cluster, resources: Resources, database: Body, namespace: str
) -> None:
    await cluster.delete(DATABASE, namespace, "gateway")
    assert await resources.patch_status(DATABASE, database, ready()) is None
    await api.request("POST", DATABASE.path(namespace), body=make_database(namespace))
    assert await resources.patch_finalizers(DATABASE, database, [FINALIZER]) is None
    assert await resources.patch_status(DATABASE, database, ready()) is None
    live = await resources.fetch(DATABASE, namespace, "gateway")
    assert live
    assert "finalizers" not in live["metadata"]
    assert live.get("status", {}).get("observedGeneration") in {None, -1}


async def test_a_status_is_replaced_whole(resources: Resources, database: Body) -> None:
    first = await resources.patch_status(DATABASE, database, ready() | {"binding": {"name": "gateway-db"}})
    assert first
    assert first["status"] == ready() | {"binding": {"name": "gateway-db"}}
    second = await resources.patch_status(DATABASE, database, ready("Migrating"))
    assert second
    assert second["status"] == ready("Migrating")


async def test_an_event_that_comes_again_is_counted(
    api: Api, resources: Resources, database: Body, namespace: str
) -> None:
    event = Event(type="Warning", reason=Reason.SERVER_UNREACHABLE, message="cannot reach main")
    for _ in range(3):
        await resources.post_event(database, event)
    await resources.post_event(database, Event(type="Normal", reason=Reason.UP_TO_DATE, message="all is well"))
    found = {item["reason"]: item for item in (await api.request("GET", kinds.EVENT.path(namespace)))["items"]}
    assert found["ServerUnreachable"]["count"] == 3
    assert found["UpToDate"]["count"] == 1
    await api.request("DELETE", kinds.EVENT.path(namespace, found["ServerUnreachable"]["metadata"]["name"]))
    await resources.post_event(database, event)
    again = {item["reason"]: item for item in (await api.request("GET", kinds.EVENT.path(namespace)))["items"]}
    assert again["ServerUnreachable"]["count"] == 1


async def test_a_list_says_kind_and_version(resources: Resources, database: Body, namespace: str) -> None:
    found, version = await resources.list_all(DATABASE, namespace)
    assert [(each["kind"], each["metadata"]["uid"]) for each in found] == [("LiteLLMDatabase", kinds.uid_of(database))]
    assert version >= int(database["metadata"]["resourceVersion"])
    assert (await resources.list_all(kinds.SERVER, namespace))[0] == []


async def test_a_lease_is_written_by_whom_it_was_read_last(api: Api, namespace: str) -> None:
    leases = Leases(api, namespace=namespace, name="x")
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-11-24T08:00:00.000000Z"}
    assert await leases.fetch() is None
    assert await leases.create(spec)
    assert not await leases.create(spec)
    found = await leases.fetch()
    assert found
    assert await leases.replace(found, found["spec"] | {"holderIdentity": "b"})
    assert not await leases.replace(found, found["spec"] | {"holderIdentity": "c"})
    last = await leases.fetch()
    assert last
    assert last["spec"]["holderIdentity"] == "b"
