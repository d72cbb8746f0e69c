"""The chart in a cluster without nodes: installed, upgraded, refused, taken over, uninstalled; what is kept is kept."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.integration.charts.operator.conftest import CHART, NAME
from tests.integration.kube.api_server import ApiServer
from tests.support.helm import Helm, HelmError
from tests.support.kubectl import ROOT, Body
from tests.support.resources import database

pytestmark = pytest.mark.xdist_group("an API server for the operator's chart")

CLUSTER_WIDE: Final = (
    "clusterrole",
    "clusterrolebinding",
    "validatingadmissionpolicy",
    "validatingadmissionpolicybinding",
)
NAMESPACED: Final = ("deployment", "service", "serviceaccount", "role", "rolebinding", "secret")
LABEL: Final = f"--selector=app.kubernetes.io/name={NAME}"
RELEASES: Final = "--selector=owner=helm"
CRDS: Final = ("litellmdatabases.litellmdb.dev", "postgresservers.litellmdb.dev")
OWN: Final = ("lldb/gateway", "pgs/main")
"""What a user made, in every test's namespace team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster with nothing of ours, and namespaces of the test's own."""

    server: ApiServer
    helm: Helm
    home: str
    """Where the operator is installed."""
    team: str
    """Where a user's resources are."""

    def namespace(self) -> str:
        """Make another namespace."""
        name = f"t{secrets.token_hex(4)}"
        self.server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def install(self, *arguments: str, name: str = NAME, to: str = "", **values: object) -> str:
        """Install the chart."""
        return self.helm.install(name, CHART, f"--namespace={to or self.home}", *arguments, values=values)

    def apply_by_hand(self, folder: Path) -> None:
        """Do what `kubectl apply -k` does for a user who keeps the manifests in a namespace of their choice."""
        for each in ("crds", "manifests"):
            shutil.copytree(ROOT / each, folder / each)
        with (folder / "manifests/kustomization.yaml").open("a") as file:
            file.write(f"namespace: {self.home}\n")
        self.server.kubectl("apply", "--server-side", "-k", str(folder / "manifests"))

    def wait_for_crds(self) -> None:
        """Wait until the kinds are served."""
        self.server.kubectl("wait", "--for=condition=Established", *(f"crd/{crd}" for crd in CRDS))

    def make_resources(self) -> dict[str, Body]:
        """Have a user make a server and a database, and return them."""
        self.wait_for_crds()
        server: Body = {
            "apiVersion": "litellmdb.dev/v1alpha1",
            "kind": "PostgresServer",
            "metadata": {"name": "main", "namespace": self.team},
            "spec": {"embedded": {}},
        }
        ours: Body = database("gateway", server="main", of=self.team)
        ours["metadata"]["namespace"] = self.team
        self.server.apply(server, ours)
        return self.resources()

    def resources(self) -> dict[str, Body]:
        """Return the user's resources, as they are."""
        return {each: self.server.get(each, f"--namespace={self.team}") for each in OWN}

    def everything(self) -> set[str]:
        """Return everything by which an installation could be half done, with what it was when it changed."""
        each = "{.kind}/{.metadata.namespace}/{.metadata.name}/{.metadata.resourceVersion} "
        path = f"--output=jsonpath={{range .items[*]}}{each}{{end}}"
        found = self.server.kubectl("get", ",".join((*CLUSTER_WIDE, "crd")), LABEL, path)
        found += self.server.kubectl("get", ",".join(NAMESPACED), "--all-namespaces", path)
        return set(found.split())

    def deployment(self, name: str = NAME) -> Body:
        """Return the operator's Deployment."""
        return self.server.get(f"deployment/{name}", f"--namespace={self.home}")


@pytest.fixture
def cluster(api_server: ApiServer, helm: Helm) -> Iterator[Cluster]:
    """Give a cluster with nothing of ours; what a test leaves outside its namespaces goes."""
    of_cluster = Helm(program=helm.program, kubeconfig=api_server.kubeconfig)
    cluster = Cluster(server=api_server, helm=of_cluster, home="", team="")
    remove_all(api_server)  # what tests of admission installed
    yield Cluster(server=api_server, helm=of_cluster, home=cluster.namespace(), team=cluster.namespace())
    remove_all(api_server)


def remove_all(server: ApiServer) -> None:
    """Remove what an installation leaves outside its namespace, and every Deployment that is taken for an operator."""
    read_all(server)
    server.kubectl("delete", ",".join((*CLUSTER_WIDE, "crd")), LABEL, "--wait")
    server.kubectl("delete", "deployment", "--all", "--all-namespaces")


def read_all(server: ApiServer) -> None:
    """Read the resources of every CRD that is there, before it is deleted.

    What cleans up after a CRD is refused while its storage begins, and tries again after ever longer pauses: minutes.
    """
    if crds := server.kubectl("get", "crd", LABEL, "--output=name").split():
        server.kubectl("wait", "--for=condition=Established", *crds)
        server.kubectl("get", ",".join(crd.partition("/")[2] for crd in crds), "--all-namespaces")


def refuse(cluster: Cluster, *arguments: str, name: str = NAME, to: str = "", **values: object) -> str:
    """Install what must be refused, see that nothing was done, and return what was said."""
    before = cluster.everything()
    with pytest.raises(HelmError) as refused:
        cluster.install(*arguments, name=name, to=to, **values)
    assert cluster.everything() == before
    return str(refused.value)


# From install to uninstall


def test_notes_print_what_to_apply_first(cluster: Cluster) -> None:
    notes = cluster.install()
    assert f"helm test {NAME} --namespace {cluster.home}" in notes
    text = notes.split("<<END\n")[1].split("  END\n")[0]
    first = list(yaml.safe_load_all(text.replace("\n  ", "\n").removeprefix("  ")))
    assert [each["kind"] for each in first] == ["PostgresServer", "LiteLLMDatabase"]
    cluster.wait_for_crds()
    cluster.server.apply(*first)


def test_notes_warn_of_a_budget_that_holds_up_every_drain(cluster: Cluster) -> None:
    values: Body = {"podDisruptionBudget": {"enabled": True, "minAvailable": 1}}
    warning = "minAvailable is no less than replicaCount"
    assert warning in cluster.install(**values)
    more = values | {"replicaCount": 2}
    assert warning not in cluster.helm.upgrade(NAME, CHART, f"--namespace={cluster.home}", values=more)


def test_a_selector_is_not_changed_half_way(cluster: Cluster) -> None:
    cluster.install(fullnameOverride=NAME)
    renamed: Body = {"fullnameOverride": NAME, "nameOverride": "db"}
    before = cluster.everything()
    with pytest.raises(HelmError, match=r"nothing was changed: Deployment .* selects its pods by"):
        cluster.helm.upgrade(NAME, CHART, f"--namespace={cluster.home}", values=renamed)
    after = cluster.everything()
    assert {each for each in before ^ after if not each.startswith("Secret/")} == set()


def test_upgrade_brings_the_crds_up_to_date(cluster: Cluster, tmp_path: Path) -> None:
    cluster.install()
    before = cluster.make_resources()
    newer = tmp_path / "chart"
    shutil.copytree(CHART, newer)
    template = newer / "templates/crds/litellmdb.dev_litellmdatabases.yaml"
    template.write_text(template.read_text().replace("shortNames: [lldb]", "shortNames: [lldb, newer]"))
    cluster.helm.upgrade(NAME, newer, f"--namespace={cluster.home}")
    assert cluster.server.get("crd", CRDS[0])["spec"]["names"]["shortNames"] == ["lldb", "newer"]
    assert cluster.resources() == before


def test_crds_are_kept_when_they_are_switched_off(cluster: Cluster) -> None:
    cluster.install()
    before = cluster.make_resources()
    cluster.helm.upgrade(NAME, CHART, f"--namespace={cluster.home}", values={"crds": {"enabled": False}})
    assert cluster.resources() == before


def test_crds_that_are_not_kept_cannot_be_switched_off(cluster: Cluster) -> None:
    cluster.install(crds={"keep": False})
    before = cluster.make_resources()
    off: Body = {"crds": {"enabled": False}, "preflight": False}
    with pytest.raises(HelmError, match=r"Upgrade once with crds\.enabled=true and crds\.keep=true first"):
        cluster.helm.upgrade(NAME, CHART, f"--namespace={cluster.home}", values=off)
    assert cluster.resources() == before
    cluster.helm.upgrade(NAME, CHART, f"--namespace={cluster.home}", values={"crds": {"keep": True}})
    cluster.helm.upgrade(NAME, CHART, f"--namespace={cluster.home}", values=off)
    assert cluster.resources() == before


def test_uninstall_keeps_what_users_made(cluster: Cluster) -> None:
    cluster.install()
    before = cluster.make_resources()
    told = cluster.helm.uninstall(NAME, f"--namespace={cluster.home}")
    assert all(crd in told for crd in CRDS)
    left = [each.split("/")[0] for each in cluster.everything() if each.split("/")[1] in ("", cluster.home)]
    assert left == ["CustomResourceDefinition"] * len(CRDS)
    assert cluster.resources() == before


def test_uninstall_takes_crds_where_they_are_not_kept(cluster: Cluster) -> None:
    notes = cluster.install(crds={"keep": False})
    assert "WARNING: crds.keep is false" in notes
    read_all(cluster.server)
    cluster.helm.uninstall(NAME, f"--namespace={cluster.home}", "--wait")
    assert not [each for each in cluster.everything() if each.startswith("CustomResourceDefinition")]


def test_another_release_goes_on_with_what_was_kept(cluster: Cluster) -> None:
    cluster.install()
    before = cluster.make_resources()
    cluster.helm.uninstall(NAME, f"--namespace={cluster.home}")
    told = refuse(cluster, name="again")
    assert CRDS[0] in told or CRDS[1] in told
    cluster.install("--take-ownership", name="again")
    assert cluster.resources() == before
    assert cluster.deployment(f"again-{NAME}")


# Beside another


def test_a_second_one_is_refused(cluster: Cluster) -> None:
    cluster.install()
    told = refuse(cluster, "--take-ownership", name="second", to=cluster.namespace())
    assert (
        f"nothing was changed: Deployment {cluster.home}/{NAME}, of release {cluster.home}/{NAME}, is an operator"
        in told
    )


def test_one_beside_an_installation_by_hand_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    cluster.apply_by_hand(tmp_path)
    told = refuse(cluster, "--take-ownership", to=cluster.namespace())
    assert f"Deployment {cluster.home}/{NAME}, which was installed without Helm, is an operator" in told


def test_two_for_different_namespaces_live_in_one_cluster(cluster: Cluster) -> None:
    one, other, second = (cluster.namespace() for _ in range(3))
    cluster.install(watchNamespaces=[one])
    told = refuse(cluster, name="b", to=second, watchNamespaces=[other, one], crds={"enabled": False})
    assert "is an operator for the same namespaces" in told
    told = refuse(cluster, name="b", to=second, crds={"enabled": False})
    assert "is an operator for the same namespaces" in told
    cluster.install(name="b", to=second, watchNamespaces=[other], crds={"enabled": False})


def test_an_upgrade_is_not_beside_itself(cluster: Cluster) -> None:
    cluster.install()
    renamed = {"fullnameOverride": "renamed"}
    cluster.helm.upgrade(NAME, CHART, f"--namespace={cluster.home}", values=renamed)
    assert cluster.deployment("renamed")


def test_whoever_may_not_look_installs_all_the_same(cluster: Cluster) -> None:
    cluster.install()
    cluster.install(name="b", to=cluster.namespace(), preflight=False, crds={"enabled": False})


def test_a_namespace_that_does_not_exist_is_refused_by_name(cluster: Cluster) -> None:
    told = refuse(cluster, watchNamespaces=[cluster.team, "no-such-team"])
    assert "nothing was changed: watchNamespaces names namespace no-such-team, which does not exist" in told


# Over an installation by hand


def test_an_installation_by_hand_is_taken_over_only_when_told(cluster: Cluster, tmp_path: Path) -> None:
    cluster.apply_by_hand(tmp_path)
    before, operator = cluster.make_resources(), cluster.deployment()
    told = refuse(cluster)
    assert "cannot be imported into the current release" in told
    cluster.helm.run("upgrade", "--install", "--take-ownership", NAME, str(CHART), f"--namespace={cluster.home}")
    after = cluster.deployment()
    assert after["metadata"]["annotations"]["meta.helm.sh/release-name"] == NAME
    assert after["metadata"]["uid"] == operator["metadata"]["uid"]
    assert after["spec"] == operator["spec"], "nothing for which a pod would restart"
    assert cluster.resources() == before


# What the operator then finds


def test_the_account_has_every_right_that_the_operator_asks_for(cluster: Cluster) -> None:
    cluster.install()
    _check_with_and_without_secrets(cluster, "clusterrole", NAME)


def test_in_its_namespaces_too(cluster: Cluster) -> None:
    cluster.install(watchNamespaces=[cluster.team])
    _check_with_and_without_secrets(cluster, "role", NAME, f"--namespace={cluster.team}", watched=cluster.team)


def _check_with_and_without_secrets(cluster: Cluster, *role: str, watched: str = "") -> None:
    cluster.wait_for_crds()
    assert check(cluster, watched) == (0, "")
    without = [rule for rule in cluster.server.get(*role)["rules"] if "secrets" not in rule["resources"]]
    cluster.server.kubectl("patch", *role, "--type=merge", f"--patch={json.dumps({'rules': without})}")
    code, told = check(cluster, watched)
    assert (code, "secrets" in told) == (1, True), told


def check(cluster: Cluster, watched: str) -> tuple[int, str]:
    """Run what helm test runs, as the operator's account; return its code, and what it says is wrong."""
    token = cluster.server.kubectl("create", "token", NAME, f"--namespace={cluster.home}")
    config: Body = yaml.safe_load(cluster.server.kubeconfig.read_text())
    config["users"] = [{"name": "test", "user": {"token": token}}]
    path = cluster.server.folder / "operator.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [sys.executable, "-m", "litellm_database_operator.check"],
        env=os.environ
        | {
            "KUBECONFIG": str(path),
            "POD_NAMESPACE": cluster.home,
            "LITELLMDB_WATCH_NAMESPACES": watched,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr if done.returncode else ""
