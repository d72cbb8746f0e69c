"""What a badly installed operator says: one line each, what to do, and whether work can begin all the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
import yaml

from litellm_database_operator.check import wait_for_schemas
from litellm_database_operator.control.installation import Place, Seen, judge, make_look, place_of
from litellm_database_operator.kube.kinds import DATABASE, LEASE, SECRET, SERVICE, Kind
from litellm_database_operator.kube.rights import Need
from litellm_database_operator.settings import read_place

if TYPE_CHECKING:
    from litellm_database_operator.kube.access import Access
    from litellm_database_operator.kube.discovery import Discovery

CRDS: Final = Path(__file__).resolve().parents[3] / "crds"
BOTH: Final = frozenset({"litellmdatabases", "postgresservers"})
SOMEWHERE: Final = Place(own="system", watched=("a", "b"), has_identity=False)
EVERYWHERE: Final = Place(own="system", watched=(), has_identity=False)


def schema(plural: str) -> dict[str, Any]:
    (version,) = yaml.safe_load((CRDS / f"litellmdb.dev_{plural}.yaml").read_text())["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]["properties"]["spec"]


WELL: Final = Seen(
    served={"v1alpha1": BOTH},
    schemas={"LiteLLMDatabase": schema("litellmdatabases"), "PostgresServer": schema("postgresservers")},
)
seen = partial(dataclasses.replace, WELL)


def missing(place: Place, kind: Kind, verb: str, namespace: str | None) -> Need:
    """Return a need of a place."""
    (need,) = [
        need
        for need in place.needs()
        if (need.right.kind, need.right.subresource, need.verb, need.namespace) == (kind, None, verb, namespace)
    ]
    return need


@pytest.mark.parametrize("place", [SOMEWHERE, EVERYWHERE])
def test_nothing_is_said_of_what_was_installed_well(place: Place) -> None:
    found = judge(WELL, place)
    assert (found.obstacles, found.notices) == ((), ())
    assert found.watchable == (place.watched or (None,))


# CRDs


def test_crds_that_are_not_there_are_named_together() -> None:
    found = judge(seen(served={"v1alpha1": frozenset()}, schemas={}), EVERYWHERE)
    (line,) = found.blocking
    assert line == (
        "CustomResourceDefinitions litellmdatabases.litellmdb.dev and postgresservers.litellmdb.dev are not served: "
        "install them with kubectl apply --server-side -k crds, or an upgrade of the chart"
    )


def test_a_crd_of_another_version_is_named_with_what_it_serves() -> None:
    served = {"v1alpha1": frozenset({"postgresservers"}), "v1beta1": BOTH, "v1": frozenset({"litellmdatabases"})}
    (line,) = judge(seen(served=served), EVERYWHERE).blocking
    assert line == (
        "CustomResourceDefinition litellmdatabases.litellmdb.dev serves v1, v1beta1 and not v1alpha1, the version of "
        "this operator: install CRDs and operator of one release"
    )


def test_a_crd_that_is_just_established_is_waited_for_and_not_called_old() -> None:
    found = judge(seen(schemas={"PostgresServer": schema("postgresservers")}), EVERYWHERE)
    assert found.blocking == ("the API server does not tell the schema of litellmdatabases.litellmdb.dev yet",)


async def test_the_check_waits_for_a_schema_that_is_not_told_yet_and_for_nothing_else() -> None:
    for late, looks in ((seen(schemas={}), 3), (seen(served={"v1alpha1": frozenset()}, schemas={}), 1)):
        answers = [late, late, WELL]

        async def once(answers: list[Seen] = answers) -> Seen:
            return answers.pop(0)

        await wait_for_schemas(once, pause=0)
        assert len(answers) == 3 - looks


async def test_the_check_ends_although_a_schema_is_never_told() -> None:
    async def once() -> Seen:
        return seen(schemas={})

    assert (await wait_for_schemas(once, pause=0)).lacks_schemas


def test_an_older_crd_is_told_by_its_fields_and_waited_for() -> None:
    older = schema("litellmdatabases")
    del older["properties"]["suspend"], older["properties"]["migration"]["properties"]["preview"]
    found = judge(seen(schemas={**WELL.schemas, "LiteLLMDatabase": older}), EVERYWHERE)
    (line,) = found.blocking
    assert line == (
        "CustomResourceDefinition litellmdatabases.litellmdb.dev is older than this operator: it lacks "
        "spec.migration.preview, spec.suspend, which would be dropped in silence; bring it up to date with kubectl "
        "apply --server-side -k crds, or an upgrade of the chart"
    )


def test_a_newer_crd_is_a_notice_and_hinders_nothing() -> None:
    newer = schema("postgresservers")
    newer["properties"]["embedded"]["properties"]["replicas"] = {"type": "integer"}
    found = judge(seen(schemas={**WELL.schemas, "PostgresServer": newer}), EVERYWHERE)
    assert found.obstacles == ()
    (line,) = found.notices
    assert line == (
        "CustomResourceDefinition postgresservers.litellmdb.dev is newer than this operator: it has "
        "spec.embedded.replicas, and a resource with one of these is refused as InvalidSpec until the operator is "
        "upgraded"
    )


# Rights


def test_a_missing_right_is_named_with_what_stops_and_what_grants_it() -> None:
    found = judge(seen(missing=(missing(EVERYWHERE, SECRET, "create", None),)), EVERYWHERE)
    (line,) = found.failing
    assert line == (
        "the operator may not create secrets in any namespace, so that no credentials are read or published: apply "
        "manifests/rbac, or upgrade the chart"
    )
    assert (found.blocking, found.watchable) == ((), (None,))


def test_each_missing_right_has_a_line_of_its_own() -> None:
    cut = tuple(missing(SOMEWHERE, SERVICE, verb, "b") for verb in ("get", "create", "patch"))
    lines = judge(seen(missing=cut), SOMEWHERE).failing
    assert [line.split(",")[0] for line in lines] == [
        f"the operator may not {verb} services in namespace b" for verb in ("get", "create", "patch")
    ]


def test_work_does_not_begin_where_nothing_may_be_watched() -> None:
    found = judge(seen(missing=(missing(EVERYWHERE, DATABASE, "watch", None),)), EVERYWHERE)
    assert [line.split(",")[0] for line in found.blocking] == [
        "the operator may not watch litellmdatabases.litellmdb.dev in any namespace"
    ]
    assert (found.failing, found.watchable) == ((), ())


def test_nothing_granted_anywhere_is_one_line() -> None:
    cut = tuple(need for need in EVERYWHERE.needs() if need.namespace is None)
    (line,) = judge(seen(missing=cut), EVERYWHERE).blocking
    assert line.startswith("the operator may do nothing in any namespace, so that nothing works: apply manifests/rbac")


def test_one_namespace_that_may_not_be_watched_does_not_hinder_the_others() -> None:
    found = judge(seen(missing=(missing(SOMEWHERE, DATABASE, "list", "a"),)), SOMEWHERE)
    assert found.blocking == ()
    assert "in namespace a" in found.failing[0]
    assert found.watchable == ("b",)


@pytest.mark.parametrize("has_identity", [True, False])
def test_work_does_not_begin_without_a_lease(*, has_identity: bool) -> None:
    place = Place(own="system", watched=("a",), has_identity=has_identity)
    found = judge(seen(missing=(missing(place, LEASE, "update", "system"),)), place)
    (line,) = found.blocking
    assert line == (
        "the operator may not update leases.coordination.k8s.io in namespace system, so that no operator begins to "
        "work: apply manifests/rbac, or upgrade the chart"
    )


def test_a_default_server_that_is_not_watched_needs_rights_of_its_own() -> None:
    place = dataclasses.replace(SOMEWHERE, default_server="db")
    aside = tuple(place.needs_aside())
    found = judge(seen(missing=aside), place)
    assert found.failing == tuple(
        f"the operator may not get {kind} in namespace db, so that {what}: add the namespace to "
        "LITELLMDB_WATCH_NAMESPACES, or grant it there"
        for kind, what in (
            ("postgresservers.litellmdb.dev", "no LiteLLMDatabase without serverRef finds its server"),
            ("secrets", "nobody logs in to the default server"),
        )
    )
    assert (found.blocking, found.watchable) == ((), ("a", "b"))
    assert set(place.needs()) - set(SOMEWHERE.needs()) == set(aside)


@pytest.mark.parametrize(
    "place",
    [
        dataclasses.replace(SOMEWHERE, default_server="a"),
        dataclasses.replace(EVERYWHERE, default_server="db"),
        SOMEWHERE,
    ],
)
def test_a_default_server_that_is_watched_needs_no_more(place: Place) -> None:
    assert list(place.needs_aside()) == []


# Namespaces


def test_a_namespace_that_is_not_there_is_named_and_watched_where_that_is_granted() -> None:
    found = judge(seen(absent=("b",)), SOMEWHERE)
    (line,) = found.absent
    assert line == (
        "namespace b of LITELLMDB_WATCH_NAMESPACES does not exist: create it, or take it off the list; it is served "
        "as soon as it is there"
    )
    assert found.watchable == ("a", "b")
    assert (found.obstacles, found.wrong) == ((), (line,)), "a roll-out goes on"


def test_a_namespace_that_is_not_there_is_not_told_by_the_rights_that_are_not_there_either() -> None:
    cut = tuple(need for need in SOMEWHERE.needs() if need.namespace == "b" and need.verb != "patch")
    found = judge(seen(absent=("b",), missing=cut), SOMEWHERE)
    assert (len(found.wrong), found.obstacles) == (1, ())


def test_a_namespace_where_nothing_is_granted_is_one_line() -> None:
    cut = tuple(need for need in SOMEWHERE.needs() if need.namespace == "b")
    found = judge(seen(missing=cut), SOMEWHERE)
    (line,) = found.absent
    assert line == (
        "namespace b of LITELLMDB_WATCH_NAMESPACES does not exist, or nothing is granted in it: create it, and apply "
        "manifests/rbac, or upgrade the chart; it is served as soon as it is there"
    )
    assert found.watchable == ("a",)
    assert found.obstacles == ()


def test_where_the_namespace_is_seen_to_exist_its_missing_rights_count() -> None:
    cut = tuple(need for need in SOMEWHERE.needs() if need.namespace == "b" and need.right.kind.plural != "namespaces")
    found = judge(seen(missing=cut), SOMEWHERE)
    assert (len(found.failing), found.absent) == (len(cut), ())


def test_work_does_not_begin_where_no_watched_namespace_is_there() -> None:
    cut = tuple(need for need in SOMEWHERE.needs() if need.namespace in {"a", "b"})
    found = judge(seen(missing=cut), SOMEWHERE)
    assert ([line.split()[1] for line in found.blocking], found.absent) == (["a", "b"], ())


# What is asked


class FakeCluster:
    """Answers as an API server whose administrator changes things; counts what it is asked."""

    def __init__(self) -> None:
        self.missing_now: set[Need] = set()
        self.absent_now: set[str] = set()
        self.reviews: list[Need] = []
        self.looked_for: list[str] = []

    async def missing(self, needs: Iterable[Need]) -> list[Need]:
        """Review rights."""
        self.reviews = list(needs)
        return [need for need in self.reviews if need in self.missing_now]

    async def absent(self, namespaces: Iterable[str]) -> list[str]:
        """Look for namespaces."""
        self.looked_for = list(namespaces)
        return [name for name in self.looked_for if name in self.absent_now]

    async def served(self, version: str = "v1alpha1") -> frozenset[str]:
        """Return what is served."""
        return WELL.served[version]

    async def spec_schemas(self) -> Mapping[str, Any]:
        """Return the schemas."""
        return WELL.schemas


async def test_only_what_was_missing_is_asked_again() -> None:
    cluster = FakeCluster()
    look_again = make_look(cast("Discovery", cluster), cast("Access", cluster), SOMEWHERE)
    right = missing(SOMEWHERE, SECRET, "create", "a")
    cluster.missing_now, cluster.absent_now = {right}, {"b"}
    assert len((await look_again(anew=False)).wrong) == 2
    assert (cluster.reviews, cluster.looked_for) == (list(SOMEWHERE.needs()), ["a", "b"]), "nothing is known yet"
    assert len((await look_again(anew=False)).wrong) == 2
    assert (cluster.reviews, cluster.looked_for) == ([right], ["a", "b"])
    cluster.missing_now = set()
    await look_again(anew=False)
    await look_again(anew=False)
    assert (cluster.reviews, cluster.looked_for) == ([], ["b"])
    cluster.absent_now = set()
    assert (await look_again(anew=False)).wrong == ()
    await look_again(anew=True)
    assert (cluster.reviews, cluster.looked_for) == (list(SOMEWHERE.needs()), ["a", "b"])


def test_a_place_comes_from_the_settings() -> None:
    given = {"POD_NAMESPACE": "system", "LITELLMDB_WATCH_NAMESPACES": "a, b"}
    assert place_of(read_place(given)) == SOMEWHERE
    assert place_of(read_place({"POD_NAMESPACE": "system"})) == EVERYWHERE
    assert place_of(read_place(given | {"LITELLMDB_IDENTITY": "x"})).has_identity
    assert place_of(read_place(given | {"LITELLMDB_DEFAULT_SERVER": "db/main"})).default_server == "db"
