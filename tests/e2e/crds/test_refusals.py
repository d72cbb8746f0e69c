"""What the API server refuses by the CRDs' own rules, and what it tells the person who asked."""

from typing import Any, Final

import pytest

from litellm_database_operator.model.reserved import RESERVED_KEYS, RESERVED_METADATA
from litellm_database_operator.model.templates import CROWDED, MALFORMED
from tests.e2e.crds.conftest import Playground, RefusedError

Spec = dict[str, Any]

NOTHING: Final[Spec] = {}
NO_VALUES: Final[list[str]] = []
TARGET: Final[Spec] = {"litellm": {"version": "1.81.12"}}
EXTERNAL: Final[Spec] = {"host": "db.example.com", "adminSecretRef": {"name": "db-admin"}}


def database(**fields: object) -> Spec:
    """Return the spec of a LiteLLMDatabase."""
    return TARGET | fields


def external(**fields: object) -> Spec:
    """Return the spec of an external PostgresServer."""
    return {"external": EXTERNAL | fields}


def resources(**fields: object) -> Spec:
    """Return the spec of an embedded PostgresServer with resources of its own."""
    return {"embedded": {"resources": fields}}


def allowed(fields: Spec) -> Spec:
    """Return the spec of a PostgresServer for such namespaces."""
    return {"embedded": NOTHING, "allowedNamespaces": fields}


def selected(**selector: object) -> Spec:
    """Return the spec of a PostgresServer for the namespaces that a selector matches."""
    return allowed({"from": "Selector", "selector": selector})


def pod(**fields: object) -> Spec:
    """Return the spec of a LiteLLMDatabase with something about its pod."""
    return database(migration={"podTemplate": fields})


def secret(**fields: object) -> Spec:
    """Return the spec of a LiteLLMDatabase with something about its Secret."""
    return database(secret=fields)


def refusal(playground: Playground, kind: str, spec: Spec, name: str | None = None) -> str:
    """Return what the API server says against a new resource."""
    with pytest.raises(RefusedError) as caught:
        playground.look_at(playground.body(kind, spec, name=name))
    return str(caught.value)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        pytest.param({}, "spec.litellm: Required value", id="no target"),
        pytest.param({"litellm": {}}, "exactly one of spec.litellm.version and spec.litellm.bundle", id="empty target"),
        pytest.param(
            {"litellm": {"version": "1.81.12", "bundle": "0.4.39"}},
            "exactly one of spec.litellm.version and spec.litellm.bundle",
            id="two targets",
        ),
        pytest.param({"litellm": {"version": "v1.81.12"}}, "without a leading v", id="version with v"),
        pytest.param({"litellm": {"version": "latest"}}, "must be a release's number", id="version latest"),
        pytest.param({"litellm": {"version": 1.81}}, "must be of type string", id="version without quotes"),
        pytest.param({"litellm": {"version": ""}}, "spec.litellm.version", id="empty version"),
        pytest.param(database(database=""), "spec.database", id="empty database"),
        pytest.param(database(database="d" * 54), "spec.database: Too long", id="database too long"),
        pytest.param(database(database="ü" * 27), "at most 53 bytes", id="database too long in bytes"),
        pytest.param(database(database="a\nb"), "control characters", id="database with a line feed"),
        pytest.param(database(database="a\0b"), "control characters", id="database with NUL"),
        pytest.param(database(database="a\u202eb"), "control characters", id="database that reads backwards"),
        pytest.param(database(database="a\u2028b"), "control characters", id="database with a line separator"),
        pytest.param(database(database="postgres"), "must not be postgres", id="database postgres"),
        pytest.param(database(database="template0"), "must not be postgres, template0", id="database template0"),
        pytest.param(database(database="template1"), "must not be postgres, template0", id="database template1"),
        pytest.param(database(database="pg_team"), "must not begin with pg_", id="database pg_"),
        pytest.param(database(schema="ü" * 32), "at most 63 bytes", id="schema too long in bytes"),
        pytest.param(database(schema="a\tb"), "control characters", id="schema with a tab"),
        pytest.param(database(schema='a"b'), "must not hold quotes", id="schema with a double quote"),
        pytest.param(database(schema="it's"), "must not hold quotes", id="schema with a single quote"),
        pytest.param(database(schema="pg_catalog"), "must not begin with pg_", id="schema pg_"),
        pytest.param(database(schema="information_schema"), "must not be information_schema", id="information_schema"),
        pytest.param(database(schema="litellm_operator"), "which is the operator's", id="the operator's schema"),
        pytest.param(database(serverRef={}), "spec.serverRef.name: Required", id="reference to nothing"),
        pytest.param(database(serverRef={"name": "Main"}), "spec.serverRef.name", id="reference to no name"),
        pytest.param(database(serverRef={"name": "a", "namespace": "-"}), "serverRef.namespace", id="no namespace"),
        pytest.param(database(secret={"name": "Gateway"}), "must be a Kubernetes name", id="secret in capitals"),
        pytest.param(database(secret={"name": "a..b"}), "must be a Kubernetes name", id="secret with two dots"),
        pytest.param(database(secret={"name": "s" * 251}), "at most 250 characters", id="secret too long for its CA"),
        pytest.param(database(secret={"name": "gateway-migrator"}), "must not be the resource's name", id="our secret"),
        pytest.param(secret(labels={"a..b/c": "x"}), "must have keys like team", id="two dots"),
        pytest.param(
            secret(annotations={f"{'a' * 254}/b": "x"}), "must have keys like team", id="long before the slash"
        ),
        pytest.param(secret(labels={"k" * 64: "x"}), "must have keys like team", id="long after the slash"),
        pytest.param(secret(labels={"a": "x y"}), "spec.secret.labels.a", id="value of a label with a space"),
        pytest.param(secret(labels={"a": "x" * 64}), "may not be more than 63", id="value of a label too long"),
        pytest.param(secret(annotations={"a": "x" * 1025}), "may not be more than 1024", id="annotation too long"),
        pytest.param(secret(keys={"..a": "x"}), "must have keys of a Secret", id="key of a Secret with two dots"),
        pytest.param(secret(keys={"k" * 254: "x"}), "must have keys of a Secret", id="key of a Secret too long"),
        pytest.param(secret(keys={"A": "$(port)" * 17}), CROWDED, id="template of many names"),
        pytest.param(secret(keys={"A": "x" * 1025}), "may not be more than 1024", id="template too long"),
        pytest.param(database(credentials={"connectionLimit": 0}), "connectionLimit", id="no connection"),
        pytest.param(database(migration={"deadline": 29}), "migration.deadline", id="deadline too short"),
        pytest.param(database(migration={"deadline": "30m"}), "migration.deadline", id="deadline with a unit"),
        pytest.param(
            database(migration={"policy": "Never"}), 'supported values: "Auto", "Safe", "Manual"', id="no such gate"
        ),
        pytest.param(
            database(migration={"engine": "Go"}), 'supported values: "Direct", "PrismaCLI"', id="no such engine"
        ),
        pytest.param(database(migration={"approvedPlan": "yes"}), "migration.approvedPlan", id="approval of no plan"),
        pytest.param(
            database(migration={"approvedPlan": f"sha256:{'0' * 64}\n"}), "approvedPlan", id="approval with a line feed"
        ),
        pytest.param(
            database(migration={"preview": NOTHING}),
            "exactly one of spec.migration.preview.version",
            id="empty preview",
        ),
        pytest.param(
            database(migration={"preview": {"version": "1.82.0", "bundle": "0.4.60"}}),
            "exactly one of spec.migration.preview.version",
            id="two previews",
        ),
        pytest.param(
            database(migration={"preview": {"version": "latest"}}), "must be a release's number", id="preview of latest"
        ),
        pytest.param(database(deletionPolicy="Drop"), 'supported values: "Retain", "Delete"', id="no such policy"),
        pytest.param(database(adopt="IfUnclaimed"), 'unknown field "spec.adopt"', id="a field that is none"),
        pytest.param(pod(env=[]), 'unknown field "spec.migration.podTemplate.env"', id="environment of the pod"),
        pytest.param(
            pod(labels={"litellmdb.dev/database": "x"}), "must not hold keys of litellmdb.dev", id="our label"
        ),
        pytest.param(
            pod(labels={"app.kubernetes.io/managed-by": "x"}), "must not hold app.kubernetes", id="managed-by"
        ),
        pytest.param(pod(labels={"app.kubernetes.io/instance": "x"}), "must not hold app.kubernetes", id="instance"),
        pytest.param(pod(labels={"batch.kubernetes.io/job-name": "x"}), "must not hold app.kubernetes", id="job-name"),
        pytest.param(pod(labels={"a b": "x"}), "must have keys like", id="label with a space"),
        pytest.param(pod(labels={"a": "x y"}), "podTemplate.labels", id="label's value with a space"),
        pytest.param(pod(annotations={"argocd.argoproj.io/hook": "x"}), "argoproj.io", id="Argo CD's annotation"),
        pytest.param(pod(annotations={"helm.sh/hook": "x"}), "helm.sh", id="Helm's annotation"),
        pytest.param(pod(annotations={"meta.helm.sh/release-name": "x"}), "helm.sh", id="Helm's other annotation"),
        pytest.param(pod(labels={"kustomize.toolkit.fluxcd.io/name": "x"}), "fluxcd.io", id="Flux's label"),
        pytest.param(pod(labels={f"k{n}": "" for n in range(33)}), "must have at most 32 items", id="too many labels"),
        pytest.param(pod(tolerations=[{"value": "x"}]), "operator must be Exists", id="toleration of a value alone"),
        pytest.param(pod(tolerations=[{"key": "a", "tolerationSeconds": 1}]), "NoExecute", id="toleration for a while"),
        pytest.param(
            pod(tolerations=[{"key": "a", "operator": "Exists", "value": "x"}]),
            "value must not be set",
            id="toleration of both",
        ),
        pytest.param(pod(tolerations=[{"key": "a", "effect": "Never"}]), "Unsupported value", id="no such effect"),
        pytest.param(pod(affinity={"nodeAfinity": {}}), "unknown field", id="misspelt affinity"),
        pytest.param(
            pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}),
            "nodeSelectorTerms: Required",
            id="affinity to nothing",
        ),
        pytest.param(pod(resources={"limits": {"memory": "1 GB"}}), "limits.memory", id="no quantity"),
        pytest.param(pod(resources={"limits": {"memory": "9" * 40}}), "limits.memory", id="quantity too long"),
        pytest.param(
            pod(imagePullSecrets=[NOTHING]), "imagePullSecrets[0].name: Required", id="pull secret without name"
        ),
        pytest.param(pod(priorityClassName="High"), "must be a Kubernetes name", id="no priority class"),
    ],
)
def test_no_such_database(playground: Playground, spec: Spec, told: str) -> None:
    assert told in refusal(playground, "LiteLLMDatabase", spec, name="gateway")


OWNED: Final = (
    "litellmdb.dev/database",
    "argocd.argoproj.io/tracking-id",
    "kustomize.toolkit.fluxcd.io/name",
    "meta.helm.sh/release-name",
    "kapp.k14s.io/app",
    "cleanup.kyverno.io/ttl",
    "kubectl.kubernetes.io/last-applied-configuration",
)
"""A key of each group that others own things by, in the order of the groups."""


def test_each_group_of_keys_is_refused_by_a_rule_of_its_own(playground: Playground) -> None:
    held = dict.fromkeys(OWNED, "x")
    many = {f"k{n}": "x" for n in range(33)}
    said = refusal(
        playground,
        "LiteLLMDatabase",
        secret(labels=held, annotations=held, keys=dict.fromkeys(["uri", "LD_PRELOAD", "LITELLM_LOG"], "x")),
    )
    assert [said.count(group.message) for group in RESERVED_METADATA] == [2] * len(RESERVED_METADATA)
    assert [said.count(group.message) for group in RESERVED_KEYS] == [1] * len(RESERVED_KEYS)
    said = refusal(playground, "LiteLLMDatabase", secret(labels=many, annotations=many, keys=many))
    assert said.count("must have at most 32 items") == 3


def test_each_text_that_is_no_template_is_refused(playground: Playground) -> None:
    texts = ["$(hots)", "$(host", "${host}", "costs 5$", "$$$(Host)", "$( host)", "$(host.url)", "$(uri\n)"]
    said = refusal(playground, "LiteLLMDatabase", secret(keys={f"K{n}": text for n, text in enumerate(texts)}))
    assert said.count(MALFORMED) == len(texts)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        pytest.param({}, "exactly one of spec.external and spec.embedded", id="neither"),
        pytest.param(external() | {"embedded": NOTHING}, "exactly one of spec.external and spec.embedded", id="both"),
        pytest.param({"external": {"host": "db"}}, "adminSecretRef: Required", id="no admin"),
        pytest.param(external(host=""), "spec.external.host", id="empty host"),
        pytest.param(external(host="a,b"), "must be one DNS name or one IP address", id="list of hosts"),
        pytest.param(external(host="/var/run/postgresql"), "must be one DNS name", id="socket"),
        pytest.param(external(host="-db"), "must be one DNS name", id="an option as host"),
        pytest.param(external(host="db example"), "must be one DNS name", id="host with a space"),
        pytest.param(external(host="db.example.com:5432"), "the port goes in spec.external.port", id="host and port"),
        pytest.param(external(host="postgres://db"), "must be one DNS name", id="URL"),
        pytest.param(external(host="db\n"), "must be one DNS name", id="host with a line feed"),
        pytest.param(external(host="@db"), "must be one DNS name", id="abstract socket"),
        pytest.param(external(host="[::1]"), "must be one DNS name", id="address in brackets"),
        pytest.param(external(host="d" * 64), "must be one DNS name", id="label too long"),
        pytest.param(external(port=0), "spec.external.port", id="port 0"),
        pytest.param(external(port=65536), "spec.external.port", id="port too high"),
        pytest.param(external(database="ü" * 32), "at most 63 bytes", id="database too long in bytes"),
        pytest.param(external(database="a\0"), "control characters", id="database with NUL"),
        pytest.param(external(adminSecretRef={"name": "a/b"}), "must be a Kubernetes name", id="secret elsewhere"),
        pytest.param(
            external(adminSecretRef={"name": "a", "namespace": "b"}), "unknown field", id="secret of another namespace"
        ),
        pytest.param(external(adminSecretRef={"name": "a", "keys": {"password": "a/b"}}), "password", id="no key"),
        pytest.param(external(tls={"mode": "prefer"}), "Unsupported value", id="no such mode"),
        pytest.param(external(tls={"mode": "verify-full"}), "verify-full needs spec.external.tls.ca", id="no CA"),
        pytest.param(
            external(tls={"mode": "disable", "caSecretRef": {"name": "ca"}}),
            "can only be verify-full",
            id="CA for none",
        ),
        pytest.param(
            external(tls={"mode": "require", "caSecretRef": {"name": "ca"}}),
            "can only be verify-full",
            id="CA that nobody asks",
        ),
        pytest.param({"embedded": {"version": "17"}}, "Unsupported value", id="no such version"),
        pytest.param({"embedded": {"storage": "big"}}, "must be a quantity of at least 256Mi", id="no quantity"),
        pytest.param({"embedded": {"storage": "-1Gi"}}, "must be a quantity of at least 256Mi", id="less than nothing"),
        pytest.param({"embedded": {"storage": "10M"}}, "must be a quantity of at least 256Mi", id="too small"),
        pytest.param({"embedded": {}, "allowedNamespaces": {"from": "None"}}, "Unsupported value", id="no such rule"),
        pytest.param(
            {"embedded": {}, "limits": {"concurrentMigrations": 0}}, "concurrentMigrations", id="no migration"
        ),
        pytest.param(
            {"embedded": {}, "limits": {"databasesPerNamespace": 0}}, "databasesPerNamespace", id="no database"
        ),
        pytest.param(
            {"embedded": {}, "limits": {"connectionsPerDatabase": 10_001}},
            "connectionsPerDatabase",
            id="too many connections",
        ),
        pytest.param({"embedded": {"storageClass": "Fast"}}, "must be a StorageClass's name", id="class in capitals"),
        pytest.param({"embedded": {"storageClass": "a/b"}}, "must be a StorageClass's name", id="class with a slash"),
        pytest.param(resources(requests={"gpu": "1"}), "nothing but cpu, memory and ephemeral-storage", id="a GPU"),
        pytest.param(resources(requests={"cpu": "1 GHz"}), "must hold quantities greater than 0", id="no quantity"),
        pytest.param(resources(limits={"memory": "-1Gi"}), "must hold quantities greater than 0", id="a debt"),
        pytest.param(resources(limits={"cpu": 0}), "must hold quantities greater than 0", id="no CPU"),
        pytest.param(resources(limits={"memory": "1e30"}), "no quantity of more than 1Ei", id="all the memory"),
        pytest.param(resources(requests={"memory": "100000000E"}), "no quantity of more than 1Ei", id="so many E"),
        pytest.param(resources(limits={"memory": "64Mi"}), "at least 256Mi", id="too little memory"),
        pytest.param(resources(limits={"memory": 1}), "at least 256Mi", id="a byte of memory"),
        pytest.param(
            resources(requests={"memory": "2Gi"}, limits={"memory": "1Gi"}),
            "must not ask for more in requests than limits allow",
            id="asked for more than allowed",
        ),
        pytest.param(
            resources(limit={"cpu": 1}), 'unknown field "spec.embedded.resources.limit"', id="misspelt limits"
        ),
        pytest.param(allowed({"from": "Selector"}), "selector must be set with from: Selector", id="no selector"),
        pytest.param(
            allowed({"from": "All", "selector": {"matchLabels": {"a": "b"}}}),
            "selector must be set with from: Selector, and only then",
            id="selector for all",
        ),
        pytest.param(
            allowed({"selector": {"matchLabels": {"a": "b"}}}),
            "selector must be set with from: Selector, and only then",
            id="selector for its own",
        ),
        pytest.param(selected(), "would let every namespace in", id="empty selector"),
        pytest.param(selected(matchLabels={}, matchExpressions=[]), "would let every namespace in", id="empty lists"),
        pytest.param(selected(matchLabels={"a b": "c"}), "must have keys like team", id="key with a space"),
        pytest.param(selected(matchLabels={"a..b/x": "c"}), "must have keys like team", id="key of no domain"),
        pytest.param(
            selected(matchExpressions=[{"key": "a..b/x", "operator": "Exists"}]),
            "must be a label's key",
            id="requirement on a key of no domain",
        ),
        pytest.param(
            selected(matchLabels={f"{'a.' * 127}b/x": "c"}), "must have keys like team", id="key of a long domain"
        ),
        pytest.param(selected(matchLabels={"a": "c d"}), "selector.matchLabels", id="value with a space"),
        pytest.param(selected(matchLabels={"a": "c" * 64}), "selector.matchLabels", id="value too long"),
        pytest.param(
            selected(matchLabels={f"k{n}": "" for n in range(17)}), "must have at most 16 items", id="too many labels"
        ),
        pytest.param(
            selected(matchExpressions=[{"key": "a", "operator": "Equals"}]), "Unsupported value", id="no such operator"
        ),
        pytest.param(
            selected(matchExpressions=[{"key": "a", "operator": "In"}]), "values must be set", id="In nothing"
        ),
        pytest.param(
            selected(matchExpressions=[{"key": "a", "operator": "NotIn", "values": NO_VALUES}]),
            "values must be set",
            id="NotIn nothing",
        ),
        pytest.param(
            selected(matchExpressions=[{"key": "a", "operator": "Exists", "values": ["b"]}]),
            "values must be set with operator In or NotIn, and only then",
            id="Exists with values",
        ),
        pytest.param(
            selected(matchExpressions=[{"key": "a/b/c", "operator": "Exists"}]), "must be a label's key", id="no key"
        ),
        pytest.param(
            selected(matchExpressions=[{"key": "a", "operator": "In", "values": ["b c"]}]), "values[0]", id="no value"
        ),
        pytest.param(selected(matchExpresions=[]), "unknown field", id="misspelt selector"),
    ],
)
def test_no_such_server(playground: Playground, spec: Spec, told: str) -> None:
    assert told in refusal(playground, "PostgresServer", spec)


@pytest.mark.parametrize(
    ("kind", "spec", "name", "told"),
    [
        pytest.param("LiteLLMDatabase", TARGET, "d" * 41, "at most 40 characters", id="database too long"),
        pytest.param("LiteLLMDatabase", TARGET, "a.b", "must hold only a-z, 0-9 and '-'", id="database with a dot"),
        pytest.param("PostgresServer", {"embedded": {}}, "s" * 41, "at most 40 characters", id="server too long"),
        pytest.param("PostgresServer", {"embedded": {}}, "1st", "must begin with a letter", id="server with a digit"),
        pytest.param("PostgresServer", {"embedded": {}}, "a.b", "must begin with a letter", id="server with a dot"),
    ],
)
def test_no_such_name(playground: Playground, kind: str, spec: Spec, name: str, told: str) -> None:
    assert told in refusal(playground, kind, spec, name=name)


@pytest.mark.parametrize(
    ("kind", "before", "after", "told"),
    [
        pytest.param(
            "LiteLLMDatabase",
            database(serverRef={"name": "a"}),
            database(serverRef={"name": "b"}),
            "spec.serverRef is immutable",
            id="server changed",
        ),
        pytest.param(
            "LiteLLMDatabase",
            TARGET,
            database(serverRef={"name": "b"}),
            "spec.serverRef is immutable",
            id="server added",
        ),
        pytest.param(
            "LiteLLMDatabase",
            database(serverRef={"name": "a"}),
            TARGET,
            "spec.serverRef is immutable",
            id="server removed",
        ),
        pytest.param(
            "LiteLLMDatabase", database(database="a"), database(database="b"), "spec.database", id="database changed"
        ),
        pytest.param("LiteLLMDatabase", TARGET, database(database="b"), "spec.database is", id="database added"),
        pytest.param("LiteLLMDatabase", database(database="a"), TARGET, "spec.database is", id="database removed"),
        pytest.param("LiteLLMDatabase", TARGET, database(schema="b"), "spec.schema is immutable", id="schema changed"),
        pytest.param("LiteLLMDatabase", database(schema="a"), TARGET, "spec.schema is immutable", id="schema removed"),
        pytest.param("PostgresServer", {"embedded": {}}, external(), "cannot become an embedded one", id="moved out"),
        pytest.param("PostgresServer", external(), {"embedded": {}}, "cannot become an embedded one", id="moved in"),
        pytest.param(
            "PostgresServer",
            {"embedded": {}},
            {"embedded": {"storage": "20Gi"}},
            "spec.embedded.storage is immutable",
            id="storage changed",
        ),
        pytest.param(
            "PostgresServer",
            {"embedded": {"storage": "20Gi"}},
            {"embedded": {}},
            "spec.embedded.storage is immutable",
            id="storage removed",
        ),
        *(
            pytest.param(
                "PostgresServer",
                {"embedded": before},
                {"embedded": after},
                "spec.embedded.storageClass is immutable",
                id=f"class {what}",
            )
            for what, before, after in (
                ("changed", {"storageClass": "a"}, {"storageClass": "b"}),
                ("emptied", {"storageClass": "a"}, {"storageClass": ""}),
                ("added", {}, {"storageClass": "a"}),
                ("added as none", {}, {"storageClass": ""}),
                ("removed", {"storageClass": "a"}, {}),
            )
        ),
    ],
)
def test_what_cannot_change(playground: Playground, kind: str, before: Spec, after: Spec, told: str) -> None:
    body = playground.create(playground.body(kind, before))
    with pytest.raises(RefusedError) as caught:
        playground.change(body, after)
    assert told in str(caught.value)
