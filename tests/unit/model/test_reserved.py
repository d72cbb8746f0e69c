"""What spec.secret may not hold: each group names what is its own, and lets pass what is useful."""

import re

import pytest

from litellm_database_operator.model import names
from litellm_database_operator.model.reserved import (
    RESERVED_KEYS,
    RESERVED_METADATA,
    Reserved,
    is_free,
    refusals,
)
from tests.support.planning import published_keys


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        pytest.param("litellmdb.dev/database", "this operator", id="our label"),
        pytest.param("x.litellmdb.dev/y", "this operator", id="a domain below ours"),
        pytest.param("app.kubernetes.io/managed-by", "this operator", id="managed-by"),
        pytest.param("app.kubernetes.io/instance", "Argo CD", id="Argo CD's default label"),
        pytest.param("argocd.argoproj.io/tracking-id", "Argo CD", id="Argo CD's annotation"),
        pytest.param("argocd.argoproj.io/secret-type", "Argo CD", id="a login of Argo CD's own"),
        pytest.param("kustomize.toolkit.fluxcd.io/name", "Flux", id="Flux's Kustomization"),
        pytest.param("helm.toolkit.fluxcd.io/name", "Flux", id="Flux's HelmRelease"),
        pytest.param("helm.sh/resource-policy", "Helm", id="Helm's policy"),
        pytest.param("meta.helm.sh/release-name", "Helm", id="Helm's release"),
        pytest.param("kapp.k14s.io/app", "kapp", id="kapp's label"),
        pytest.param("objectset.rio.cattle.io/hash", "Fleet", id="Fleet's label"),
        pytest.param("cleanup.kyverno.io/ttl", "Kyverno", id="Kyverno's cleanup"),
        pytest.param("janitor/ttl", "kube-janitor", id="kube-janitor's"),
        pytest.param("kubectl.kubernetes.io/last-applied-configuration", "kubectl", id="kubectl apply"),
        pytest.param("applyset.kubernetes.io/part-of", "kubectl", id="kubectl apply --applyset"),
        pytest.param("kubernetes.io/service-account.name", "Kubernetes", id="a service account's"),
        pytest.param("config.k8s.io/owning-inventory", "kustomize", id="an inventory's"),
        pytest.param("k8s.io/x", "Kubernetes", id="the bare domain"),
    ],
)
def test_what_others_own_by_is_refused_in_their_name(key: str, owner: str) -> None:
    (told,) = refusals(["team", key], RESERVED_METADATA)
    assert owner in told
    assert not is_free(key)


@pytest.mark.parametrize(
    "key",
    [
        "team",
        "app.kubernetes.io/part-of",
        "app.kubernetes.io/name",
        "reflector.v1.k8s.emberstack.com/reflection-allowed",
        "replicator.v1.mittwald.de/replicate-to",
        "reloader.stakater.com/match",
        "velero.io/exclude-from-backup",
        "janitor",
        "grafana_datasource",
        "notlitellmdb.dev/x",
        "myhelm.sh/x",
        "example.com/helm.sh",
    ],
)
def test_what_is_useful_is_free(key: str) -> None:
    assert is_free(key)


def test_every_name_of_ours_is_reserved() -> None:
    ours = {text for name, text in vars(names).items() if name.endswith(("_LABEL", "_ANNOTATION"))}
    assert {key for key in ours if is_free(key)} == {names.COMPONENT_LABEL}, "this one is on pods only"


def test_every_key_that_is_published_is_reserved() -> None:
    assert [key for key in published_keys() if not RESERVED_KEYS[0].holds(key)] == []


@pytest.mark.parametrize(
    ("key", "why"),
    [
        *((key, "publishes") for key in ("DATABASE_JDBC_URL", "DIRECT_URL", "DISABLE_SCHEMA_UPDATE")),
        *(
            (key, "how a container starts")
            for key in ("PATH", "HOME", "USER", "HOST", "PORT", "LD_PRELOAD", "PYTHONPATH", "PYTHONHOME", "BASH_ENV")
        ),
        *(
            (key, "how a container starts")
            for key in ("NODE_OPTIONS", "HTTPS_PROXY", "no_proxy", "SSL_CERT_FILE", "KUBERNETES_SERVICE_HOST")
        ),
        *((key, "whom it trusts") for key in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GLIBC_TUNABLES")),
        *(
            (key, "LiteLLM's own settings")
            for key in ("PROXY_MASTER_KEY", "LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "LITELLM_LOG", "REDIS_HOST")
        ),
        *((key, "LiteLLM's own settings") for key in ("LITELLM_JOB_ROLE", "CONFIG_FILE_PATH", "NUM_WORKERS")),
    ],
)
def test_a_key_that_breaks_a_pod_is_refused_with_the_reason(key: str, why: str) -> None:
    (told,) = refusals([key], RESERVED_KEYS)
    assert why in told


@pytest.mark.parametrize(
    "key",
    ["JDBC_URL", "PGHOST", "PGPASSWORD", ".pgpass", "grafana.dsn", "SPRING_DATASOURCE_URL", "GF_DATABASE_URL", "URL"],
)
def test_a_key_of_somebody_elses_is_free(key: str) -> None:
    assert list(refusals([key], RESERVED_KEYS)) == []


@pytest.mark.parametrize("group", [*RESERVED_METADATA, *RESERVED_KEYS], ids=lambda group: group.pattern[:20])
def test_a_pattern_means_the_same_in_both_languages(group: Reserved) -> None:
    assert not re.search(r"[\\'\"]|[?][=!<]", group.pattern), "CEL would have to escape it, or RE2 does not know it"
