"""The table of rights, against what manifests/ grants and against what is asked."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from litellm_database_operator.handlers.door import make_registry
from litellm_database_operator.kube.kinds import DATABASE, LEASE, NAMESPACE
from litellm_database_operator.kube.rights import OWN_RIGHTS, RIGHTS, Need, Right, needs_in, needs_of_its_own

RBAC = Path(__file__).resolve().parents[3] / "manifests/rbac"


def granted(file: str, kind: str) -> set[tuple[str, str, str]]:
    (role,) = [body for body in yaml.safe_load_all((RBAC / file).read_text()) if body["kind"] == kind]
    return {each for rule in role["rules"] for each in product(rule["apiGroups"], rule["resources"], rule["verbs"])}


def needed(rights: Iterable[Right]) -> list[tuple[str, str, str]]:
    return [(right.kind.group, right.resource, verb) for right in rights for verb in right.verbs]


def test_the_cluster_role_grants_what_is_needed_and_nothing_else() -> None:
    assert set(needed(RIGHTS)) == granted("cluster_role.yaml", "ClusterRole")


def test_the_leader_election_role_grants_what_is_needed_and_nothing_else() -> None:
    assert set(needed(OWN_RIGHTS)) == granted("leader_election.yaml", "Role")


def test_no_right_is_asked_for_twice() -> None:
    for rights in (RIGHTS, OWN_RIGHTS):
        assert len(needed(rights)) == len(set(needed(rights)))


def test_what_kopf_watches_is_what_a_watch_needs() -> None:
    watched = {
        (handler.selector.group, handler.selector.any_name)
        for handler in make_registry()._watching.get_all_handlers()  # noqa: SLF001 - kopf tells it nowhere else
        if handler.selector
    }
    needs = [need for need in needs_in(None) if need.is_for_watching]
    assert {(need.right.kind.group, need.right.kind.plural) for need in needs} == watched
    assert {need.verb for need in needs} == {"list", "watch"}


def find(needs: Iterable[Need], kind: Any, verb: str) -> Need:
    (need,) = [need for need in needs if (need.right.kind, need.right.subresource, need.verb) == (kind, None, verb)]
    return need


def test_a_need_is_asked_for_in_its_namespace_or_everywhere() -> None:
    asked = {"group": "litellmdb.dev", "resource": "litellmdatabases", "verb": "watch"}
    assert find(needs_in(None), DATABASE, "watch").attributes() == asked
    assert find(needs_in("a"), DATABASE, "watch").attributes() == asked | {"namespace": "a"}


def test_a_subresource_is_asked_for() -> None:
    asked = [need.attributes() for need in needs_in("a") if need.right.subresource]
    assert [(each["resource"], each["subresource"], each["verb"]) for each in asked] == [
        ("litellmdatabases", "status", "patch"),
        ("postgresservers", "status", "patch"),
    ]


def test_a_namespace_is_asked_for_by_its_name() -> None:
    asked = find(needs_in("a"), NAMESPACE, "get").attributes()
    assert asked == {"group": "", "resource": "namespaces", "verb": "get", "namespace": "a", "name": "a"}
    assert "name" not in find(needs_in(None), NAMESPACE, "get").attributes()


def test_leases_may_be_granted_by_name() -> None:
    own = list(needs_of_its_own("system", has_identity=True))
    assert find(own, LEASE, "update").attributes()["name"] == "litellm-database-operator"
    assert "name" not in find(own, LEASE, "create").attributes()


def test_the_own_namespace_is_read_only_where_no_identity_is_set() -> None:
    without = set(needs_of_its_own("system", has_identity=False)) - set(needs_of_its_own("system", has_identity=True))
    assert [need.attributes()["resource"] for need in without] == ["namespaces"]
