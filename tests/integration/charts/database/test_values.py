"""What the chart of one database makes of its values, and what it refuses: as Helm renders it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.helm import Helm, HelmError, ensure_helm
from tests.support.kubectl import ROOT, Body

Render = Callable[..., dict[str, Body]]

CHART: Final = ROOT / "charts/litellm-database"
KUBERNETES: Final = "--kube-version=1.34"
"""Without a cluster to ask, Helm must be told."""
TARGET: Final[Body] = {"litellm": {"version": "1.81.12"}}
EXTERNAL: Final[Body] = {"mode": "external", "external": {"host": "db", "adminSecretRef": {"name": "admin"}}}
OPTIONS: Final = "argocd.argoproj.io/sync-options"
KEPT: Final = {
    "helm.sh/resource-policy": "keep",
    OPTIONS: "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
LEAST: Final[Body] = {
    "litellm": {"version": "1.81.12"},
    "schema": "public",
    "migration": {"policy": "Safe", "engine": "Direct", "deadline": 1800},
    "deletionPolicy": "Retain",
    "suspend": False,
}


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Give Helm for no cluster."""
    return ensure_helm(tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """Give what the release `gateway` renders to, by kind; without a target it is 1.81.12."""

    def with_values(*arguments: str, chart: Path = CHART, name: str = "gateway", **values: Any) -> dict[str, Body]:
        given = values if chart != CHART else values | {"database": TARGET | values.get("database", {})}
        bodies = helm.template(chart, "--namespace=team-a", KUBERNETES, *arguments, name=name, values=given)
        return {body["kind"]: body for body in bodies}

    return with_values


def test_a_database_alone_is_called_like_the_release(render: Render) -> None:
    found = render()
    assert list(found) == ["LiteLLMDatabase"]
    body = found["LiteLLMDatabase"]
    assert (body["metadata"]["name"], body["metadata"]["namespace"]) == ("gateway", "team-a")
    assert "annotations" not in body["metadata"]
    assert body["spec"] == LEAST


def test_it_goes_on_the_server_that_is_named(render: Render) -> None:
    reference = {"name": "shared", "namespace": "platform"}
    assert render(database={"serverRef": reference})["LiteLLMDatabase"]["spec"] == LEAST | {"serverRef": reference}


def test_an_embedded_server_of_its_own(render: Render) -> None:
    found = render(server={"mode": "embedded"})
    assert found["LiteLLMDatabase"]["spec"]["serverRef"] == {"name": "gateway"}
    server = found["PostgresServer"]
    assert server["metadata"]["name"] == "gateway"
    assert server["spec"] == {
        "embedded": {"version": "16", "storage": "10Gi"},
        "allowedNamespaces": {"from": "Same"},
        "limits": {"concurrentMigrations": 4},
        "deletionPolicy": "Retain",
    }


def test_an_external_server_of_its_own(render: Render) -> None:
    external = {"host": "db.example.com", "adminSecretRef": {"name": "admin", "keys": {"username": "user"}}}
    tls = {"caSecretRef": {"name": "ca"}}
    found = render(server={"mode": "external", "name": "shared", "external": external | {"tls": tls}})
    assert found["LiteLLMDatabase"]["spec"]["serverRef"] == {"name": "shared"}
    server = found["PostgresServer"]
    assert server["metadata"]["name"] == "shared"
    assert server["spec"]["external"] == external | {"port": 5432, "database": "postgres", "tls": tls}
    assert "embedded" not in server["spec"]


def test_what_people_name_and_every_list_is_taken_whole(render: Render) -> None:
    term: Body = {"topologyKey": "zone", "namespaceSelector": {}}
    pod: Body = {
        "labels": {"team": ""},
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        "tolerations": [{"operator": "Exists", "tolerationSeconds": 0}],
    }
    database: Body = {"migration": {"podTemplate": pod}, "secret": {"annotations": {"note": ""}}}
    spec = render(database=database, server={"mode": "embedded"})["LiteLLMDatabase"]["spec"]
    assert spec["migration"]["podTemplate"] == pod
    assert spec["secret"] == {"annotations": {"note": ""}}


def test_no_and_nothing_are_values(render: Render) -> None:
    spec = render(database={"suspend": True, "credentials": {"connectionLimit": 40}})["LiteLLMDatabase"]["spec"]
    assert (spec["suspend"], spec["credentials"]) == (True, {"connectionLimit": 40})
    assert render()["LiteLLMDatabase"]["spec"]["suspend"] is False


def test_labels_and_annotations_are_on_both(render: Render) -> None:
    labels = {"team": "a", "app.kubernetes.io/name": "other"}
    found = render(commonLabels=labels, commonAnnotations={"note": "b"}, server={"mode": "embedded"})
    for body in found.values():
        assert body["metadata"]["labels"] | {"team": "a"} == body["metadata"]["labels"]
        assert body["metadata"]["labels"]["app.kubernetes.io/name"] == "litellm-database"
        assert body["metadata"]["annotations"].pop("note") == "b"


def test_kept_resources_say_so_to_each_tool(render: Render) -> None:
    for body in render(keep=True, server=EXTERNAL).values():
        assert body["metadata"]["annotations"].items() >= KEPT.items()


def test_being_kept_takes_no_option_of_argo_cd_away(render: Render) -> None:
    for body in render(keep=True, commonAnnotations={OPTIONS: "ServerSideApply=true"}, server=EXTERNAL).values():
        assert body["metadata"]["annotations"][OPTIONS] == f"ServerSideApply=true,{KEPT[OPTIONS]}"


def test_a_database_tells_which_server_its_release_has(render: Render) -> None:
    found = render(server=EXTERNAL | {"name": "shared"})
    assert found["LiteLLMDatabase"]["metadata"]["annotations"] == {"chart.litellmdb.dev/server": "shared"}
    assert "annotations" not in found["PostgresServer"]["metadata"]


@pytest.mark.parametrize("name", ["2024", "1e3", "0x1f"])
def test_names_that_yaml_takes_for_something_else_stay_names(render: Render, name: str) -> None:
    body = render(f"--namespace={name}", name=name)["LiteLLMDatabase"]
    assert (body["metadata"]["name"], body["metadata"]["namespace"]) == (name, name)
    server = render(server=EXTERNAL | {"name": "true"})["PostgresServer"]
    assert server["metadata"]["name"] == "true"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        pytest.param({"nameOverride": "db"}, "gateway-db", id="override of a part"),
        pytest.param({"fullnameOverride": "main"}, "main", id="override of all"),
    ],
)
def test_names_are_overridden(render: Render, values: Body, name: str) -> None:
    found = render(server={"mode": "embedded"}, **values)
    assert {body["metadata"]["name"] for body in found.values()} == {name}
    assert found["LiteLLMDatabase"]["spec"]["serverRef"] == {"name": name}


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        pytest.param({"database": {"litellm": {}}}, "at '/database/litellm': 'oneOf' failed", id="no target"),
        pytest.param({"database": {"litellm": {"version": "1", "bundle": "2"}}}, "'oneOf' failed", id="two targets"),
        pytest.param({"database": {"litellm": {"version": 1.81}}}, "at '/database/litellm/version': got number",
                     id="a version that YAML takes for a number"),
        pytest.param({"databse": {}}, "additional properties 'databse' not allowed", id="a typo at the top"),
        pytest.param({"database": {"migration": {"polcy": "Auto"}}},
                     "at '/database/migration': additional properties 'polcy' not allowed", id="a typo further down"),
        pytest.param({"database": {"migration": {"policy": "auto"}}}, "at '/database/migration/policy'", id="a word"),
        pytest.param({"database": {"migration": {"approvedPlan": "sha256:1"}}},
                     "at '/database/migration/approvedPlan'", id="a digest that is none"),
        pytest.param({"database": {"suspend": "no"}}, "at '/database/suspend': got string", id="a text for a boolean"),
        pytest.param({"database": {"credentials": {"connectionLimit": 0}}},
                     "at '/database/credentials/connectionLimit'", id="a number that is too small"),
        pytest.param({"database": {"secret": {"name": "Mine"}}}, "at '/database/secret/name'", id="no Secret's name"),
        pytest.param({"database": {"migration": {"preview": {"version": "1.0", "bundle": "2.0"}}}},
                     "at '/database/migration/preview'", id="two targets to look at"),
        pytest.param({"server": {"mode": "external"}}, "at '/server/external/host'", id="external without a host"),
        pytest.param({"server": {"mode": "internal"}}, "at '/server/mode'", id="a mode that is none"),
        pytest.param({"server": {"external": {"host": "db"}}}, "server.external.host is set, and server.mode is none",
                     id="a host without the mode"),
        pytest.param({"server": {"mode": "embedded"}, "database": {"serverRef": {"name": "shared"}}},
                     "database.serverRef names one server, and server.mode another", id="two servers"),
        pytest.param({"nameOverride": "a-name-that-is-much-too-long-for-us"}, "has 43 characters, and may have 40",
                     id="a long name"),
    ],
)  # fmt: skip
def test_bad_values_are_refused_by_name(render: Render, values: Body, complaint: str) -> None:
    given = {"database": TARGET | values.get("database", {})} | {k: v for k, v in values.items() if k != "database"}
    with pytest.raises(HelmError) as caught:
        render(**given)
    assert complaint in str(caught.value)


def external(**fields: Any) -> Body:
    """Return values of an external server with such fields."""
    return {"mode": "external", "external": EXTERNAL["external"] | fields}


def embedded(**fields: Any) -> Body:
    """Return values of an embedded server with such fields."""
    return {"mode": "embedded", "embedded": fields}


def open_to(**fields: Any) -> Body:
    """Return values of a server that lets such namespaces in."""
    return {"mode": "embedded", "allowedNamespaces": fields}


def open_to_those(selector: Body) -> Body:
    """Return values of a server that lets the namespaces in that a selector finds."""
    return open_to(**{"from": "Selector", "selector": selector})


@pytest.mark.parametrize(
    ("values", "where"),
    [
        pytest.param(open_to(**{"from": "Selector"}), "allowedNamespaces", id="Selector without one"),
        pytest.param(open_to(selector={"matchLabels": {"a": "b"}}), "allowedNamespaces/selector", id="unasked"),
        pytest.param(open_to_those({"matchLabels": {}}), "allowedNamespaces/selector",
                     id="empty selector"),
        pytest.param(open_to_those({"matchLabels": {"a b": "c"}}),
                     "allowedNamespaces/selector/matchLabels", id="a label that is none"),
        pytest.param(open_to_those({"matchExpressions": [{"key": "a", "operator": "In"}]}),
                     "allowedNamespaces/selector/matchExpressions/0", id="In without values"),
        pytest.param(external(tls={"mode": "verify-full"}), "external/tls/mode", id="verify-full without a CA"),
        pytest.param(external(tls={"mode": "require", "caSecretRef": {"name": "ca"}}), "external/tls/mode",
                     id="a CA that is not looked at"),
        pytest.param(external(tls={"caSecretRef": {"key": "pem"}}), "external/tls/caSecretRef", id="a CA's key alone"),
        pytest.param(external(adminSecretRef={"name": "Admin"}), "external/adminSecretRef/name", id="no name"),
        pytest.param(external(host="db:5432"), "external/host", id="a port in the host"),
        pytest.param(embedded(resources={"requests": {"cpu": "0m"}}), "embedded/resources/requests/cpu", id="no CPU"),
        pytest.param(embedded(resources={"limits": {"memory": 0}}), "embedded/resources/limits/memory", id="no memory"),
        pytest.param(embedded(resources={"limits": {"gpu": 1}}), "embedded/resources/limits", id="no such resource"),
        pytest.param(embedded(storageClass="Fast"), "embedded/storageClass", id="no StorageClass"),
    ],
)  # fmt: skip
def test_what_would_leave_a_database_without_its_server_is_refused(render: Render, values: Body, where: str) -> None:
    with pytest.raises(HelmError, match=f"at '/server/{where}"):
        render(server=values)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(external(tls={"mode": "disable"}), id="in the clear"),
        pytest.param(external(tls={"mode": "verify-full", "caSecretRef": {"name": "ca", "key": "pem"}}), id="a CA"),
        pytest.param(external(tls={"mode": "", "caSecretRef": {"name": "ca"}}), id="a CA alone"),
        pytest.param(external(host="2001:db8::1"), id="an address"),
        pytest.param(embedded(resources={"requests": {"cpu": "0.05", "memory": "1e9"}, "limits": {"cpu": 10}}),
                     id="amounts"),
        pytest.param(open_to_those({"matchExpressions": [{"key": "a/b", "operator": "In", "values": ["c"]},
                                                         {"key": "d", "operator": "Exists"}]}), id="expressions"),
    ],
)  # fmt: skip
def test_what_the_api_server_takes_is_let_through(render: Render, values: Body) -> None:
    assert "PostgresServer" in render(server=values)


def test_a_server_cannot_be_called_by_a_number(render: Render) -> None:
    assert render(name="1gateway")["LiteLLMDatabase"]["metadata"]["name"] == "1gateway"
    with pytest.raises(HelmError, match=r'"1gateway" cannot name the resource.*set server\.name'):
        render(name="1gateway", server={"mode": "embedded"})


def test_it_works_below_another_chart(render: Render, tmp_path: Path) -> None:
    chart = tmp_path / "proxy"
    (chart / "charts").mkdir(parents=True)
    (chart / "charts/litellm-database").symlink_to(CHART)
    dependency = {"name": "litellm-database", "version": "0.1.0", "condition": "litellm-database.enabled"}
    about = {"apiVersion": "v2", "name": "proxy", "version": "1.0.0", "dependencies": [dependency]}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about))
    below = {"enabled": True, "database": TARGET, "server": EXTERNAL}
    found = render(chart=chart, **{"global": {"anything": 1}, "litellm-database": below})
    assert set(found) == {"LiteLLMDatabase", "PostgresServer"}
    assert render(chart=chart, **{"litellm-database": below | {"enabled": False}}) == {}


@pytest.mark.parametrize(
    ("values", "said", "unsaid"),
    [
        pytest.param({}, ["environmentSecrets: [gateway-db]", "wait --version=1.81.12", "keeps the data"], "WARNING",
                     id="a database"),
        pytest.param({"database": {"litellm": {"bundle": "0.4.39"}, "secret": {"name": "mine"}}},
                     ["environmentSecrets: [mine]", "wait --bundle=0.4.39"], "gateway-db", id="a bundle"),
        pytest.param({"database": {"deletionPolicy": "Delete"}}, ["WARNING: database.deletionPolicy is Delete"],
                     "keeps the data", id="deleted with the release"),
        pytest.param({"server": {"mode": "embedded", "deletionPolicy": "Delete"}},
                     ["WARNING: server.deletionPolicy is Delete"], "WARNING: database", id="a server deleted"),
        pytest.param({"keep": True, "database": {"deletionPolicy": "Delete"}}, ["leaves the resources"], "WARNING",
                     id="kept"),
    ],
)  # fmt: skip
def test_the_notes_tell_what_comes_next(
    render: Render, tmp_path: Path, values: Body, said: list[str], unsaid: str
) -> None:
    given = values | {"database": TARGET | values.get("database", {})}
    notes = render(chart=_with_its_notes(tmp_path / "chart"), **given)["ConfigMap"]["data"]["notes"]
    assert [words for words in said if words not in notes] == []
    assert unsaid not in notes


def _with_its_notes(copy: Path) -> Path:
    """Copy the chart, and have it render its notes as an object: without a cluster Helm shows objects only."""
    shutil.copytree(CHART, copy)
    shutil.copy(CHART / "templates/NOTES.txt", copy / "notes")
    (copy / "templates/notes.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata:\n  notes: |\n"
        '    {{- tpl (.Files.Get "notes") . | nindent 4 }}\n'
    )
    return copy
