"""The chart on the local cluster: it takes over an installation by hand, and works in one namespace alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.e2e.conftest import READY_WITHIN
from tests.support.helm import HelmError
from tests.support.installation import OPERATOR, install_by_hand, install_operator, local_helm
from tests.support.kubectl import Body, Kubectl, is_ready
from tests.support.resources import database

pytestmark = pytest.mark.alone

_CHECK: Final = f"{OPERATOR}-check"
_IN_NAMESPACE: Final = f"--namespace={OPERATOR}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What must be the same before and after."""

    operator_pods: set[str]
    postgres_pods: set[str]
    secrets: dict[str, str]
    """The resourceVersion of each."""
    jobs: set[str]
    resources: dict[str, Body]


def look(kubectl: Kubectl) -> Seen:
    """Look at a namespace, and at the operator's pods."""
    return Seen(
        operator_pods=_uids(kubectl.within(OPERATOR), "pod", f"app.kubernetes.io/name={OPERATOR}"),
        postgres_pods=_uids(kubectl, "pod", "litellmdb.dev/server=main"),
        secrets={each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in kubectl.list_all("secret")},
        jobs=_uids(kubectl, "job"),
        resources={kind: _without_bookkeeping(kubectl.list_all(kind)[0]) for kind in ("pgs", "lldb")},
    )


def _uids(kubectl: Kubectl, kind: str, selector: str = "") -> set[str]:
    metas = [each["metadata"] for each in kubectl.list_all(kind, selector)]
    return {meta["uid"] for meta in metas if "deletionTimestamp" not in meta}


def _without_bookkeeping(body: Body) -> Body:
    """Return what a user sees of a resource: its spec, and its status with the time of each transition."""
    return {key: body[key] for key in ("spec", "status")}


@pytest.fixture(scope="module")
def moments(operator: Kubectl, home: Kubectl) -> tuple[Seen, Seen, Seen]:
    """Give what there was of a database under the chart, under an installation by hand, and taken over from that."""
    assert operator.namespace == OPERATOR
    under_the_chart = look(home)
    install_by_hand()
    home.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    before = look(home)
    install_operator()
    return under_the_chart, before, look(home)


def test_taking_over_restarts_nothing(moments: tuple[Seen, Seen, Seen]) -> None:
    _, before, after = moments
    assert before.postgres_pods
    assert after.postgres_pods == before.postgres_pods
    assert after.operator_pods == before.operator_pods, "its template is the same"


def test_whatever_is_done_with_the_operator_touches_no_database(moments: tuple[Seen, Seen, Seen]) -> None:
    first, *later = moments
    for each in later:
        assert each.postgres_pods == first.postgres_pods
        assert (each.secrets, each.jobs, each.resources) == (first.secrets, first.jobs, first.resources)


@pytest.mark.usefixtures("moments")
def test_an_installation_that_is_well_says_so() -> None:
    told = local_helm().test(OPERATOR, _IN_NAMESPACE)
    assert "Phase:          Succeeded" in told


@pytest.mark.usefixtures("moments")
def test_a_right_that_was_taken_away_is_named(operator: Kubectl) -> None:
    rules = operator.there("clusterrole", OPERATOR)["rules"]
    without = [each for each in rules if "networkpolicies" not in each["resources"]]
    operator.patch("clusterrole", OPERATOR, {"rules": without})
    try:
        with pytest.raises(HelmError, match=_CHECK):
            local_helm().test(OPERATOR, _IN_NAMESPACE)
        assert "networkpolicies" in operator.run("logs", f"pod/{_CHECK}")
    finally:
        operator.patch("clusterrole", OPERATOR, {"rules": rules})
        operator.delete("pod", _CHECK, "--ignore-not-found")


@pytest.fixture
def in_one_namespace(operator: Kubectl, home: Kubectl) -> Iterator[Kubectl]:
    """Have the operator look at one namespace only while this lasts, and give kubectl for that."""
    try:
        install_operator(watchNamespaces=[home.namespace])
        assert operator.get("clusterrole", OPERATOR) is None
        yield home
    finally:
        install_operator()


def test_rights_in_one_namespace_are_enough(in_one_namespace: Kubectl) -> None:
    assert "Phase:          Succeeded" in local_helm().test(OPERATOR, _IN_NAMESPACE)
    in_one_namespace.apply(database("another", server="main"))
    in_one_namespace.wait_for("lldb", "another", is_ready, within=READY_WITHIN)
    in_one_namespace.delete("lldb", "another")
