"""Several databases: on another namespace's server, beside each other, at another bundle, and with nothing to do."""

from typing import Final

import pytest

from tests.e2e.conftest import READY_WITHIN, NewNamespace
from tests.support.kubectl import Kubectl, has_reason, is_ready
from tests.support.resources import NEW, database
from tests.support.server_pod import ServerPod

_NEW_BUNDLE: Final = "0.4.110"


@pytest.fixture(scope="module")
def team(any_namespace: NewNamespace, shared: ServerPod) -> Kubectl:
    """Give a namespace with two databases on the platform's server: one by release, one by bundle."""
    kubectl = any_namespace()
    on = {"server": shared.name, "of": shared.namespace}
    kubectl.apply(database("one", **on), database("two", **on, litellm={"bundle": _NEW_BUNDLE}))
    for name in ("one", "two"):
        kubectl.wait_for("lldb", name, is_ready, within=READY_WITHIN)
    return kubectl


def test_databases_beside_each_other_are_apart(team: Kubectl, shared: ServerPod) -> None:
    one, two = (team.secret(f"{name}-db") for name in ("one", "two"))
    assert one["database"] == f"{team.namespace}_one"
    shared_password = one["password"] == two["password"]
    assert not shared_password
    with shared.connect() as session:
        query = "SELECT pg_catalog.has_database_privilege(%s, %s, 'CONNECT')"
        assert session.execute(query, [one["username"], two["database"]]).fetchone() == (False,)


def test_bundle_is_a_target_as_good_as_a_release(team: Kubectl) -> None:
    schema = team.there("lldb", "two")["status"]["schema"]
    assert schema["bundle"] == _NEW_BUNDLE
    assert "litellm" not in schema
    assert schema["applied"] == schema["total"] > 0


def test_change_that_asks_for_nothing_new_starts_no_job(team: Kubectl) -> None:
    (job,) = team.list_all("job", "litellmdb.dev/database=two")
    team.patch("lldb", "two", {"spec": {"litellm": {"bundle": None, "version": NEW}, "migration": {"deadline": 60}}})
    named = team.wait_for("lldb", "two", is_ready, within=READY_WITHIN)
    assert named["status"]["schema"]["litellm"] == NEW, "the same bundle, by its release's name"
    team.run("annotate", "lldb", "two", "litellmdb.dev/retry=now")
    assert [each["metadata"]["uid"] for each in team.list_all("job", "litellmdb.dev/database=two")] == [
        job["metadata"]["uid"]
    ]


def test_server_lets_in_its_own_namespace_unless_it_says_otherwise(kubectl: Kubectl, home: Kubectl) -> None:
    kubectl.apply(
        database("refused", server="main", of=home.namespace), database("lost", server="none", of=home.namespace)
    )
    messages = [
        kubectl.wait_for("lldb", name, has_reason("ServerNotAvailable"), within=30)["status"]["conditions"][0][
            "message"
        ].replace(server, "…")
        for name, server in (("refused", "main"), ("lost", "none"))
    ]
    assert messages[0] == messages[1], "nothing is revealed of other namespaces"
    home.patch("pgs", "main", {"spec": {"allowedNamespaces": {"from": "All"}}})
    kubectl.wait_for("lldb", "refused", is_ready, within=READY_WITHIN)
