"""Finalizers, status, Events and lists of our own resources, against a real API server."""

from __future__ import annotations

import pytest

from litellm_database_operator.errors import UnavailableError
from litellm_database_operator.kube.kinds import DATABASE, SERVER, Body
from litellm_database_operator.kube.resources import Resources
from litellm_database_operator.model.outcome import Event
from litellm_database_operator.model.reasons import Reason
from tests.integration.kube.api_server import ApiServer
from tests.support.kube_contract import make_database


@pytest.fixture
async def body(api_server: ApiServer, resources: Resources, namespace: str) -> Body:
    """Give a LiteLLMDatabase as it was seen."""
    api_server.apply(make_database(namespace))
    found = await resources.fetch(DATABASE, namespace, "gateway")
    assert found
    return found


async def test_a_status_that_the_crd_does_not_allow_is_a_fault_and_no_change_meanwhile(
    resources: Resources, body: Body
) -> None:
    with pytest.raises(UnavailableError, match="cannot patch status of LiteLLMDatabase"):
        await resources.patch_status(DATABASE, body, {"observedGeneration": "many"})


async def test_lists_come_in_chunks_and_say_their_kind(
    resources: Resources, api_server: ApiServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("litellm_database_operator.kube.resources._CHUNK", 2)
    api_server.apply(*(make_database(namespace, f"n{number}") for number in range(5)))
    found, version = await resources.list_all(DATABASE, namespace)
    assert [each["metadata"]["name"] for each in found] == [f"n{number}" for number in range(5)]
    assert {(each["kind"], each["apiVersion"]) for each in found} == {("LiteLLMDatabase", "litellmdb.dev/v1alpha1")}
    assert version >= max(int(each["metadata"]["resourceVersion"]) for each in found)
    assert len((await resources.list_all(DATABASE, None))[0]) >= 5
    assert (await resources.list_all(SERVER, namespace))[0] == []


async def test_an_event_is_in_what_describe_shows(resources: Resources, api_server: ApiServer, body: Body) -> None:
    event = Event(type="Warning", reason=Reason.SERVER_UNREACHABLE, message="cannot reach main")
    await resources.post_event(body, event)
    told = api_server.kubectl("describe", "lldb", "gateway", "-n", body["metadata"]["namespace"])
    assert "cannot reach main" in told
