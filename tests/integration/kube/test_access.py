"""Rights, namespaces and CRDs, as a real API server tells them to an account that has some."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from litellm_database_operator.control.installation import Findings, Place, judge, look
from litellm_database_operator.kube.access import Access
from litellm_database_operator.kube.api import Api, connect
from litellm_database_operator.kube.discovery import Discovery
from tests.integration.kube.accounts import Account, crd
from tests.integration.kube.api_server import ApiServer


@pytest.fixture
async def findings(account: Account, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Any]]:
    """Give a function that looks at an installation as an account without rights."""
    monkeypatch.setenv("KUBECONFIG", str(account.kubeconfig))
    api = await connect()

    async def give(*watched: str, own: str = account.namespace, has_identity: bool = False) -> Findings:
        place = Place(own=own, watched=watched, has_identity=has_identity)
        return judge(await look(Discovery(api), Access(api), place), place)

    yield give
    await api.close()


Look = Callable[..., Any]


async def test_an_account_with_all_rights_is_told_so(account: Account, findings: Look) -> None:
    account.grant()
    assert (await findings(account.namespace)).obstacles == ()


async def test_an_administrator_cut_some(account: Account, findings: Look) -> None:
    account.grant(without={("secrets", "patch"), ("litellmdatabases/status", "patch"), ("jobs", "watch")})
    found = await findings(account.namespace)
    assert [line.split(",")[0] for line in found.obstacles] == [
        f"the operator may not {what} in namespace {account.namespace}"
        for what in ("watch jobs.batch", "patch litellmdatabases.litellmdb.dev/status", "patch secrets")
    ]
    assert found.watchable == ()


async def test_without_any_role_it_names_the_lease_and_the_namespace(account: Account, findings: Look) -> None:
    found = await findings(account.namespace)
    assert sum("leases.coordination.k8s.io" in line for line in found.blocking) == 3
    assert f"namespace {account.namespace} of LITELLMDB_WATCH_NAMESPACES does not exist, or" in found.blocking[-1]


async def test_cluster_wide_is_asked_for_cluster_wide(account: Account, findings: Look) -> None:
    account.grant()
    found = await findings()
    assert [line.split(",")[0] for line in found.blocking] == ["the operator may do nothing in any namespace"]
    account.grant_everywhere(without={("secrets", "patch")})
    assert (await findings()).obstacles[0].startswith("the operator may not patch secrets in any namespace, so that")
    account.grant_everywhere()
    assert (await findings()).obstacles == ()


async def test_a_namespace_that_is_not_there_is_told_apart_where_one_may_look(account: Account, findings: Look) -> None:
    account.grant_everywhere()
    absent = f"{account.namespace}-later"
    found = await findings(account.namespace, absent)
    assert [line.split(":")[0] for line in found.wrong] == [
        f"namespace {absent} of LITELLMDB_WATCH_NAMESPACES does not exist"
    ]
    assert (found.watchable, found.obstacles) == ((account.namespace, absent), ())


async def test_what_the_crds_of_this_tree_serve_is_what_the_models_know(api: Api) -> None:
    place = Place(own="default", watched=(), has_identity=False)
    found = judge(await look(Discovery(api), Access(api), place), place)
    assert (found.obstacles, found.notices) == ((), ())


# From the command line


def check(kubeconfig: Path, **settings: str) -> tuple[int, list[str]]:
    """Run the check, and return its exit code and its lines."""
    command = [sys.executable, "-m", "litellm_database_operator.check"]
    environment = os.environ | {"KUBECONFIG": str(kubeconfig)} | settings
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_the_check_says_that_all_is_well(account: Account) -> None:
    account.grant()
    settings = {"POD_NAMESPACE": account.namespace, "LITELLMDB_WATCH_NAMESPACES": account.namespace}
    code, lines = check(account.kubeconfig, **settings)
    assert (code, lines) == (0, ["the operator is installed well: CRDs, rights and namespaces are there"])


def test_the_check_says_a_line_for_each_thing(account: Account) -> None:
    account.grant(without={("secrets", "patch"), ("pods", "list")})
    settings = {"POD_NAMESPACE": account.namespace, "LITELLMDB_WATCH_NAMESPACES": account.namespace}
    code, lines = check(account.kubeconfig, **settings)
    assert (code, [line.split(",")[0] for line in lines]) == (
        1,
        [f"the operator may not {what} in namespace {account.namespace}" for what in ("list pods", "patch secrets")],
    )


def test_the_check_fails_for_a_namespace_that_is_not_there(account: Account) -> None:
    account.grant()
    watched = f"{account.namespace},{account.namespace}-later"
    code, lines = check(account.kubeconfig, POD_NAMESPACE=account.namespace, LITELLMDB_WATCH_NAMESPACES=watched)
    assert (code, len(lines)) == (1, 1)
    assert f"namespace {account.namespace}-later of LITELLMDB_WATCH_NAMESPACES does not exist, or" in lines[0]


@pytest.mark.parametrize(("settings", "code"), [({}, 2), ({"POD_NAMESPACE": "x"}, 1)])
def test_the_check_says_why_it_cannot_tell(tmp_path: Path, settings: dict[str, str], code: int) -> None:
    config = tmp_path / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    users: list[Any] = [{"name": "u", "user": {}}]
    body: dict[str, Any] = {"clusters": [cluster], "contexts": [context], "current-context": "c", "users": users}
    config.write_text(json.dumps({"apiVersion": "v1", "kind": "Config"} | body))
    found, lines = check(config, **settings)
    assert (found, len(lines)) == (code, 1)
    assert lines[0].startswith("cannot ")


# CRDs of another release


def test_crds_of_another_release_are_told_by_their_fields(own_api_server: ApiServer) -> None:
    server = own_api_server

    def checked() -> str:
        return "\n".join(check(server.kubeconfig, POD_NAMESPACE="default")[1])

    def until(text: str) -> str:
        """Wait for a finding: OpenAPI follows a CRD by a second or so."""
        return server.wait_for(checked, lambda found: text in found)

    assert "litellmdatabases.litellmdb.dev and postgresservers.litellmdb.dev are not served" in checked()
    older, newer = crd("litellmdatabases"), crd("postgresservers")
    spec = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"]["suspend"]
    spec = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["fresh"] = {"type": "boolean"}
    server.apply(older, newer)
    told = until("spec.fresh")
    assert "litellmdatabases.litellmdb.dev is older than this operator: it lacks spec.suspend," in told
    assert "note: CustomResourceDefinition postgresservers.litellmdb.dev is newer than this operator" in told
    server.install_crds()
    assert until("is installed well")
    other = crd("postgresservers")
    (ours,) = other["spec"]["versions"]
    other["spec"]["versions"] = [ours | {"name": "v1beta1"}, ours | {"served": False, "storage": False}]
    server.apply(other)
    assert until("postgresservers.litellmdb.dev serves v1beta1 and not v1alpha1")
