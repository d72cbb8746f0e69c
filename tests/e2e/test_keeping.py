"""What is kept, healed, dropped and let go: the life of Secrets, databases, servers and namespaces."""

from base64 import b64encode
from typing import Final

import psycopg
import pytest

from tests.e2e.conftest import READY_WITHIN, NewNamespace
from tests.support.kubectl import Body, Kubectl, condition, has_reason, is_ready
from tests.support.resources import database, embedded_server
from tests.support.server_pod import ServerPod

_A_ROUND: Final = 90.0
"""Seconds in which the operator looks at each database once, and the time to mend what it finds."""
_NOTE: Final = """INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ('note', '"kept"')"""
_READ: Final = """SELECT param_value FROM "LiteLLM_Config" WHERE param_name = 'note'"""
_NAMED: Final = """
    SELECT datname FROM pg_catalog.pg_database WHERE starts_with(datname, %(prefix)s)
    UNION ALL SELECT rolname FROM pg_catalog.pg_roles WHERE starts_with(rolname, %(prefix)s)
"""
_EDITED: Final[Body] = {
    "data": {
        "DATABASE_URL": b64encode(b"postgresql://elsewhere.example.com/db").decode(),
        "DATABASE_PASSWORD": b64encode(b"chosen-by-a-tenant").decode(),
        "DATABASE_SCHEMA": None,
        "PGPASSWORD": b64encode(b"chosen-by-a-tenant").decode(),
    },
    "metadata": {"labels": {"team": "b", "theirs": "t"}, "annotations": {"reloader.stakater.com/match": None}},
}
_ASKED: Final[Body] = {
    "labels": {"team": "a"},
    "annotations": {"reloader.stakater.com/match": "true"},
    "keys": {
        "PGPASSWORD": "$(password)",
        "dsn": "host=$(host) port=$(port) dbname=$(database.conninfo) user=$(username.conninfo) password=$(password)",
    },
}


@pytest.fixture(scope="module")
def damaged(any_namespace: NewNamespace, shared: ServerPod) -> Kubectl:
    """Give two databases whose Secrets are no more what they were; it takes up to a round until that is seen."""
    kubectl = any_namespace()
    on = {"server": shared.name, "of": shared.namespace}
    kubectl.apply(database("deleted", **on), database("edited", **on, secret=_ASKED))
    for name in ("deleted", "edited"):
        kubectl.wait_for("lldb", name, is_ready, within=READY_WITHIN)
    kubectl.delete("secret", "deleted-db")
    kubectl.patch("secret", "edited-db", _EDITED)
    return kubectl


@pytest.fixture(scope="module")
def own(any_namespace: NewNamespace) -> Kubectl:
    """Give a namespace with an embedded server in it, and a database on that."""
    kubectl = any_namespace()
    kubectl.apply(embedded_server("main"), database("gateway", server="main"))
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    return kubectl


@pytest.mark.usefixtures("damaged")
def test_database_that_was_retained_is_picked_up_by_its_namesake(kubectl: Kubectl, shared: ServerPod) -> None:
    asked = database("gateway", server=shared.name, of=shared.namespace)
    kubectl.apply(asked)
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    with shared.enter(kubectl.secret("gateway-db")) as session:
        session.execute(_NOTE)
    before = kubectl.secret("gateway-db")
    kubectl.delete("lldb", "gateway")
    with pytest.raises(psycopg.OperationalError):
        shared.enter(before)
    kubectl.apply(asked)
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    fresh = kubectl.secret("gateway-db")["password"] != before["password"]
    assert fresh
    with shared.enter(kubectl.secret("gateway-db")) as session:
        assert session.execute(_READ).fetchone() == ("kept",)


def test_database_that_is_to_be_deleted_is_dropped_with_its_roles(kubectl: Kubectl, shared: ServerPod) -> None:
    kubectl.apply(database("gateway", server=shared.name, of=shared.namespace, deletionPolicy="Delete"))
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    with shared.enter(kubectl.secret("gateway-db")):
        kubectl.delete("lldb", "gateway")
    with shared.connect() as session:
        assert session.execute(_NAMED, {"prefix": kubectl.namespace}).fetchall() == []
    kubectl.wait_gone("secret", "gateway-db", within=30)


def test_server_in_use_serves_on_until_its_last_database_goes(own: Kubectl) -> None:
    own.delete("pgs", "main", wait=False)
    held = own.wait_for("pgs", "main", has_reason("InUse"), within=30)
    assert f"{own.namespace}/gateway" in condition(held, "Ready")["message"]
    own.apply(database("late", server="main"))
    own.wait_for("lldb", "late", has_reason("ServerNotAvailable"), within=30)
    assert is_ready(own.there("lldb", "gateway"))
    own.run("delete", "lldb", "late", "gateway")
    own.wait_gone("pgs", "main", within=60)
    own.wait_gone("pod", "main-postgres-0", within=60)


def test_server_that_was_retained_finds_its_volume_again(own: Kubectl) -> None:
    volume = own.there("pvc", "data-main-postgres-0")["metadata"]["uid"]
    own.apply(embedded_server("main", deletionPolicy="Delete"), database("gateway", server="main"))
    own.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    assert own.there("pvc", "data-main-postgres-0")["metadata"]["uid"] == volume


def test_namespace_goes_with_everything_in_it(own: Kubectl) -> None:
    own.delete("namespace", own.namespace, wait=False)
    own.wait_gone("namespace", own.namespace, within=90)


def test_secret_that_was_deleted_comes_back_within_a_round(damaged: Kubectl, shared: ServerPod) -> None:
    damaged.wait_for("secret", "deleted-db", lambda _: True, within=_A_ROUND)
    damaged.wait_for("lldb", "deleted", is_ready, within=READY_WITHIN)
    with shared.enter(damaged.secret("deleted-db")) as session:
        session.execute(_NOTE)


def test_secret_that_was_edited_is_mended_and_no_password_taken_from_it(damaged: Kubectl, shared: ServerPod) -> None:
    damaged.wait_for("secret", "edited-db", lambda secret: "DATABASE_SCHEMA" in secret["data"], within=_A_ROUND)
    damaged.wait_for("lldb", "edited", is_ready, within=READY_WITHIN)
    data = damaged.secret("edited-db")
    chosen = data["DATABASE_PASSWORD"] == "chosen-by-a-tenant"
    agrees = data["DATABASE_URL"].startswith(f"postgresql://{data['DATABASE_USER']}:{data['DATABASE_PASSWORD']}@")
    assert (chosen, agrees) == (False, True)
    with shared.enter(damaged.secret("edited-db")) as session:
        session.execute(_NOTE)


def test_what_spec_asks_of_a_secret_is_mended_and_goes_when_it_is_asked_no_more(damaged: Kubectl) -> None:
    def is_dressed(secret: Body) -> bool:
        meta = secret["metadata"]
        asked_of = _ASKED["annotations"].items() <= meta["annotations"].items()
        return asked_of and (meta["labels"]["team"], meta["labels"]["theirs"]) == ("a", "t")

    damaged.wait_for("secret", "edited-db", is_dressed, within=_A_ROUND)
    data = damaged.secret("edited-db")
    agrees = data["PGPASSWORD"] == data["DATABASE_PASSWORD"]
    connects = data["dsn"].endswith(
        f"dbname='{data['database']}' user='{data['username']}' password={data['password']}"
    )
    assert (agrees, connects) == (True, True)
    damaged.patch("lldb", "edited", {"spec": {"secret": {"labels": None, "annotations": None, "keys": {"dsn": None}}}})
    bare = damaged.wait_for(
        "secret", "edited-db", lambda secret: "team" not in secret["metadata"]["labels"], within=READY_WITHIN
    )
    assert bare["metadata"]["labels"]["theirs"] == "t"
    assert bare["metadata"]["annotations"].keys() == {"litellmdb.dev/system-identifier"}
    assert "dsn" not in bare["data"]
    assert "PGPASSWORD" in bare["data"]
