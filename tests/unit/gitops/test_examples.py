"""manifests/gitops/: the examples agree with our samples, charts and values, and put the database before the proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import jsonschema
import pytest
import yaml

from litellm_database_operator.planning.parse import parse_database, parse_server

Body = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[3]
EXAMPLES: Final = ROOT / "manifests/gitops"
OPERATOR: Final = "charts/litellm-database-operator"
WAVE: Final = "argocd.argoproj.io/sync-wave"
OPTIONS: Final = "argocd.argoproj.io/sync-options"
PRUNE: Final = "kustomize.toolkit.fluxcd.io/prune"


def bodies(where: str) -> list[Body]:
    """Return the objects of a file, or of all files of a folder."""
    place = EXAMPLES / where
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    return [body for file in files for body in yaml.safe_load_all(file.read_text())]


def of_kind(where: str, kind: str) -> list[Body]:
    """Return those of one kind."""
    return [body for body in bodies(where) if body["kind"] == kind]


def one(where: str, kind: str) -> Body:
    """Return the only one of a kind."""
    (body,) = of_kind(where, kind)
    return body


def proxy_values() -> Iterator[Any]:
    """Yield the proxy's values in both tools' examples, as pytest has them."""
    sources = one("argocd/gateway.yaml", "Application")["spec"]["sources"]
    (chart,) = [source for source in sources if "chart" in source]
    yield pytest.param(chart["helm"]["valuesObject"], id="Argo CD")
    yield pytest.param(one("flux/proxy", "HelmRelease")["spec"]["values"], id="Flux")


@pytest.mark.parametrize("where", ["argocd/gateway", "flux/gateway"])
def test_server_and_database_can_be_read_and_belong_together(where: str) -> None:
    read = [body | {"metadata": {"namespace": "team-a", "uid": "1"} | body["metadata"]} for body in bodies(where)]
    (database,) = [parse_database(body) for body in read if body["kind"] == "LiteLLMDatabase"]
    (server,) = [parse_server(body) for body in read if body["kind"] == "PostgresServer"]
    assert database.spec.server_ref is not None
    assert database.spec.server_ref.name == server.metadata.name
    assert database.metadata.namespace == server.metadata.namespace == "team-a"


@pytest.mark.parametrize("values", [*proxy_values()])
def test_the_proxy_has_the_values_that_are_tried(values: Mapping[str, Any]) -> None:
    tried = yaml.safe_load((ROOT / "manifests/litellm/litellm-helm.yaml").read_text())
    assert tried.items() <= values.items()


@pytest.mark.parametrize("values", [*proxy_values()])
def test_the_proxy_reads_the_databases_secret_and_is_of_its_version(values: Mapping[str, Any]) -> None:
    for where in ("argocd/gateway", "flux/gateway"):
        database = one(where, "LiteLLMDatabase")
        assert values["environmentSecrets"] == [f"{database['metadata']['name']}-db"]
        assert values["image"]["tag"] == f"v{database['spec']['litellm']['version']}"


def test_argo_cd_syncs_the_server_before_the_database_and_this_before_the_proxy() -> None:
    waves = [
        one("argocd/gateway", kind)["metadata"]["annotations"][WAVE] for kind in ("PostgresServer", "LiteLLMDatabase")
    ]
    assert [*map(int, waves), 0] == [-2, -1, 0]


def test_argo_cd_takes_no_data_without_a_persons_word() -> None:
    for body in bodies("argocd/gateway"):
        options = body["metadata"]["annotations"][OPTIONS].split(",")
        assert {"Prune=confirm", "Delete=confirm", "SkipDryRunOnMissingResource=true"} == set(options)


def test_flux_takes_no_data_and_no_identity_without_a_persons_word() -> None:
    namespaces = of_kind("flux/operator", "Namespace")
    for body in (*bodies("flux/gateway"), *namespaces):
        assert body["metadata"]["annotations"] == {PRUNE: "disabled"}
    assert namespaces


def test_argo_cd_makes_the_namespaces_and_so_prunes_none() -> None:
    for name in ("gateway", "operator"):
        policy = one(f"argocd/{name}.yaml", "Application")["spec"]["syncPolicy"]
        assert "CreateNamespace=true" in policy["syncOptions"]
        assert "managedNamespaceMetadata" not in policy
    assert not of_kind("argocd/gateway", "Namespace")


def test_argo_cd_has_operator_and_databases_apart_and_prunes_no_kind() -> None:
    crds, chart = one("argocd/operator.yaml", "Application")["spec"]["sources"]
    assert "Prune=false" in crds["kustomize"]["commonAnnotations"][OPTIONS]
    assert (ROOT / crds["path"] / "kustomization.yaml").exists()
    assert (chart["path"], chart["helm"]["valuesObject"]["crds"]["enabled"]) == (OPERATOR, False)
    team = one("argocd/gateway.yaml", "Application")
    assert (
        team["spec"]["destination"]["namespace"]
        != one("argocd/operator.yaml", "Application")["spec"]["destination"]["namespace"]
    )


def test_flux_applies_operator_database_and_proxy_in_this_order_and_waits_for_each() -> None:
    found = {body["spec"]["path"]: body for body in of_kind("flux/kustomizations.yaml", "Kustomization")}
    chain = [found[f"./{folder}"] for folder in ("operator", "gateway", "proxy")]
    assert all(each["spec"]["wait"] and each["spec"]["timeout"] for each in chain)
    depends = [[each["name"] for each in body["spec"].get("dependsOn", ())] for body in chain]
    assert depends == [[], *([body["metadata"]["name"]] for body in chain[:-1])]
    assert all((EXAMPLES / "flux" / folder).is_dir() for folder in found)
    assert [body["kind"] for body in bodies("flux/gateway")] == ["Namespace", "PostgresServer", "LiteLLMDatabase"]


def test_the_operator_comes_from_where_its_user_keeps_it() -> None:
    """Whoever registered a name that nobody has yet would supply it to all who copy the examples."""
    sources = one("argocd/operator.yaml", "Application")["spec"]["sources"]
    urls = [source["repoURL"] for source in sources] + [one("flux/operator", "GitRepository")["spec"]["url"]]
    assert all(url.startswith("https://git.example.com/") for url in urls)


def test_flux_tries_the_proxys_release_again_whatever_failed() -> None:
    release = one("flux/proxy", "HelmRelease")["spec"]
    assert [release[action]["strategy"]["name"] for action in ("install", "upgrade")] == ["RetryOnFailure"] * 2


def test_no_deletion_takes_the_operator_before_its_databases() -> None:
    assert "finalizers" not in one("argocd/operator.yaml", "Application")["metadata"]
    operator, *_ = of_kind("flux/kustomizations.yaml", "Kustomization")
    assert (operator["spec"]["path"], operator["spec"]["deletionPolicy"]) == ("./operator", "Orphan")


def test_the_operators_chart_takes_the_values_of_both() -> None:
    schema = json.loads((ROOT / OPERATOR / "values.schema.json").read_text())
    _, chart = one("argocd/operator.yaml", "Application")["spec"]["sources"]
    release = one("flux/operator", "HelmRelease")["spec"]
    for values in (chart["helm"]["valuesObject"], release.get("values", {})):
        jsonschema.validate(_merged(yaml.safe_load((ROOT / OPERATOR / "values.yaml").read_text()), values), schema)
    assert release["chart"]["spec"]["chart"] == OPERATOR


def _merged(default: Body, values: Mapping[str, Any]) -> Body:
    found = dict(default)
    for key, value in values.items():
        found[key] = _merged(found[key], cast("Body", value)) if isinstance(value, dict) else value
    return found
