"""What the API server takes, what it fills in, and what kubectl shows of it."""

from typing import Any, Final

import pytest

from litellm_database_operator.planning.parse import parse_database, parse_server
from tests.e2e.crds.conftest import Playground

Spec = dict[str, Any]

TARGET: Final[Spec] = {"litellm": {"version": "1.81.12"}}
ADMIN: Final[Spec] = {"adminSecretRef": {"name": "db-admin"}}
EVERYTHING: Final[Spec] = {
    "serverRef": {"name": "main", "namespace": "platform"},
    "database": 'Büro "1"_gateway',
    "schema": "litellm",
    "litellm": {"bundle": "0.4.39"},
    "secret": {
        "name": "my.secret",
        "labels": {"team": "a", "app.kubernetes.io/part-of": "gateways", "velero.io/exclude-from-backup": "true"},
        "annotations": {
            "reflector.v1.k8s.emberstack.com/reflection-allowed": "true",
            "replicator.v1.mittwald.de/replicate-to": "grafana, team-[a-z]+",
            "reloader.stakater.com/match": "true",
        },
        "keys": {
            "JDBC_URL": "jdbc:postgresql://$(endpoint)/$(database.url)?currentSchema=$(schema.url)&sslmode=$(sslmode)",
            "PGHOST": "$(host)",
            "PGPASSWORD": "$(password)",
            ".pgpass": "$(host.pgpass):$(port):$(database.pgpass):$(username.pgpass):$(password.pgpass)\n",
            "grafana.dsn": "postgres://$(username.url):$(password.url)@$(endpoint)/$(database.url)",
            "price": "5$$ $(port)$(port) $$(host)",
            "empty": "",
        },
    },
    "credentials": {"connectionLimit": 40},
    "migration": {
        "policy": "Manual",
        "approvedPlan": f"sha256:{'0a' * 32}",
        "preview": {"version": "1.82.0"},
        "engine": "PrismaCLI",
        "deadline": 7200,
        "podTemplate": {
            "labels": {"example.com/team": "a", "cost-centre": "4711"},
            "annotations": {"sidecar.istio.io/inject": "false"},
            "nodeSelector": {"kubernetes.io/arch": "amd64"},
            "tolerations": [{"operator": "Exists"}, {"key": "a", "value": "b", "effect": "NoSchedule"}],
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["fast"]}]}
                        ]
                    }
                },
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "weight": 1,
                            "podAffinityTerm": {
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": {"matchLabels": {"app": "litellm"}},
                                "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
                            },
                        }
                    ]
                },
            },
            "priorityClassName": "batch",
            "imagePullSecrets": [{"name": "registry"}],
            "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": 1, "memory": "1Gi"}},
        },
    },
    "deletionPolicy": "Delete",
    "suspend": True,
}
CONDITION: Final[Spec] = {
    "type": "Ready",
    "status": "True",
    "reason": "UpToDate",
    "message": "fine",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
    "observedGeneration": 1,
}
PLAN: Final[Spec] = {
    "digest": f"sha256:{'0' * 64}",
    "pending": 1,
    "first": "20260119105120_add_index",
    "loses": ["DROP COLUMN a", "DROP COLUMN b", "DROP TABLE c"],
    "losesTotal": 4,
    "blocks": ["ALTER COLUMN d rewrites 12 GB"],
    "blocksTotal": 1,
    "breaks": True,
}
DATABASE_STATUS: Final[Spec] = {
    "observedGeneration": 1,
    "conditions": [CONDITION],
    "binding": {"name": "gateway-db"},
    "connection": {"host": "main-postgres.team-a.svc", "port": 5432, "database": "team-a_gateway", "schema": "public"},
    "schema": {
        "litellm": "1.81.12",
        "bundle": "0.4.39",
        "digest": f"sha256:{'0' * 64}",
        "state": "Behind",
        "applied": 89,
        "total": 90,
        "pending": 1,
        "next": "20260119105120_add_index",
        "verifiedAt": "2026-01-01T00:00:00Z",
        "plan": PLAN,
        "running": {
            "migration": "20260119105120_add_index",
            "number": 90,
            "total": 90,
            "since": "2026-01-01T00:00:00Z",
        },
        "preview": {
            "litellm": "1.82.0",
            "bundle": "0.4.60",
            "digest": f"sha256:{'1' * 64}",
            "state": "Behind",
            "plan": PLAN,
            "job": "gateway-migrate-89abcdef",
            "message": "a Job plans it",
        },
        "lastRun": {
            "job": "gateway-migrate-0123abcd",
            "outcome": "Failed",
            "startedAt": "2026-01-01T00:00:00Z",
            "seconds": 59.5,
            "reason": "MigrationFailed",
            "prismaCode": "P3018",
            "sqlstate": "42P07",
            "migration": "20250326162113_baseline",
            "statement": "CREATE TABLE a",
            "message": "it exists",
            "blockedBy": "psql",
            "remedy": "let it end",
            "missing": ["index a"],
        },
    },
    "credentials": {"login": "team-a_gateway_app_a"},
    "server": {"namespace": "team-a", "name": "main", "version": "16.4", "systemIdentifier": "7300000000000000000"},
}
SERVER_STATUS: Final[Spec] = {
    "observedGeneration": 1,
    "conditions": [CONDITION | {"reason": "Available"}],
    "endpoint": "db.example.com:5432",
    "version": "16.4",
    "systemIdentifier": "7300000000000000000",
    "inRecovery": False,
    "admin": "litellm_admin",
    "missingPrivileges": ["CREATEROLE"],
}


@pytest.mark.parametrize(
    "spec", [pytest.param(TARGET, id="nothing but a target"), pytest.param(EVERYTHING, id="everything")]
)
def test_the_server_fills_in_what_the_code_would(playground: Playground, spec: Spec) -> None:
    filled = playground.look_at(playground.body("LiteLLMDatabase", spec))
    assert parse_database(filled).spec == parse_database(filled | {"spec": spec}).spec


def test_a_full_spec_is_kept_whole(playground: Playground) -> None:
    assert playground.look_at(playground.body("LiteLLMDatabase", EVERYTHING))["spec"] == EVERYTHING


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"embedded": {}}, id="embedded"),
        pytest.param({"external": {"host": "db.example.com", **ADMIN}}, id="a name"),
        pytest.param({"external": {"host": "10.0.0.1", **ADMIN}}, id="an address"),
        pytest.param({"external": {"host": "2001:db8::1", **ADMIN}}, id="an IPv6 address"),
        pytest.param({"external": {"host": "::ffff:10.0.0.1", **ADMIN}}, id="a mapped address"),
        pytest.param({"external": {"host": "db", "tls": {"mode": "disable"}, **ADMIN}}, id="in the clear"),
        pytest.param({"external": {"host": "db", "tls": {"caSecretRef": {"name": "ca"}}, **ADMIN}}, id="a CA"),
        pytest.param(
            {"external": {"host": "db", "tls": {"mode": "verify-full", "caSecretRef": {"name": "ca"}}, **ADMIN}},
            id="a CA and its mode",
        ),
        pytest.param({"embedded": {"storage": "1.5Gi"}, "allowedNamespaces": {"from": "All"}}, id="half a GiB more"),
        pytest.param({"embedded": {"storageClass": ""}}, id="no class"),
        pytest.param({"embedded": {"storageClass": "fast.ssd", "resources": {}}}, id="a class, and no resources"),
        pytest.param(
            {
                "embedded": {
                    "resources": {
                        "requests": {"cpu": "500m", "memory": "1.5Gi", "ephemeral-storage": "1e3"},
                        "limits": {"cpu": 2, "memory": "1.5Gi"},
                    }
                }
            },
            id="resources",
        ),
        pytest.param(
            {
                "embedded": {},
                "allowedNamespaces": {
                    "from": "Selector",
                    "selector": {
                        "matchLabels": {"example.com/litellm": "true", "empty": ""},
                        "matchExpressions": [
                            {"key": "stage", "operator": "In", "values": ["dev", "test"]},
                            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["sandbox"]},
                            {"key": "a", "operator": "Exists"},
                            {"key": "b", "operator": "DoesNotExist"},
                        ],
                    },
                },
                "limits": {"databasesPerNamespace": 3, "connectionsPerDatabase": 50},
            },
            id="selected namespaces, and limits",
        ),
    ],
)
def test_servers_are_filled_in_too(playground: Playground, spec: Spec) -> None:
    filled = playground.look_at(playground.body("PostgresServer", spec))
    assert parse_server(filled).spec == parse_server(filled | {"spec": spec}).spec


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        pytest.param("LiteLLMDatabase", TARGET, {"litellm": {"bundle": "0.4.110"}}, id="another target"),
        pytest.param("LiteLLMDatabase", TARGET, TARGET | {"schema": "public"}, id="the default, written down"),
        pytest.param("LiteLLMDatabase", TARGET, TARGET | {"secret": {"name": "b"}}, id="another Secret"),
        pytest.param("LiteLLMDatabase", TARGET, TARGET | {"suspend": True}, id="suspended"),
        pytest.param(
            "LiteLLMDatabase",
            TARGET | {"migration": {"preview": {"version": "1.82.0"}}},
            {"litellm": {"version": "1.82.0"}, "migration": {"approvedPlan": f"sha256:{'0a' * 32}"}},
            id="upgraded as it was previewed",
        ),
        pytest.param(
            "PostgresServer",
            {"external": {"host": "a", **ADMIN}},
            {"external": {"host": "b", "port": 5433, **ADMIN}},
            id="another host",
        ),
        pytest.param("PostgresServer", {"embedded": {}}, {"embedded": {"storage": "10Gi"}}, id="storage, written down"),
        pytest.param(
            "PostgresServer",
            {"embedded": {"storageClass": ""}},
            {"embedded": {"storageClass": "", "resources": {"limits": {"memory": "2Gi"}}}},
            id="resources of a server without a class",
        ),
        pytest.param(
            "PostgresServer",
            {"embedded": {}, "limits": {"databasesPerNamespace": 3}},
            {"embedded": {}, "allowedNamespaces": {"from": "All"}, "limits": {"connectionsPerDatabase": 20}},
            id="who may use it, and how much",
        ),
    ],
)
def test_what_may_change(playground: Playground, kind: str, before: Spec, after: Spec) -> None:
    changed = playground.change(playground.create(playground.body(kind, before)), after)
    parse = parse_database if kind == "LiteLLMDatabase" else parse_server
    assert parse(changed).spec == parse(changed | {"spec": after}).spec


@pytest.mark.parametrize(
    ("kind", "spec", "status", "row"),
    [
        pytest.param(
            "LiteLLMDatabase", TARGET, DATABASE_STATUS, ["True", "UpToDate", "1.81.12", "gateway-db"], id="database"
        ),
        pytest.param(
            "PostgresServer",
            {"embedded": {}},
            SERVER_STATUS,
            ["True", "Available", "16.4", "db.example.com:5432"],
            id="server",
        ),
    ],
)
def test_a_status_is_kept_and_shown(
    playground: Playground, kind: str, spec: Spec, status: Spec, row: list[str]
) -> None:
    body = playground.create(playground.body(kind, spec))
    assert body["status"] == {"observedGeneration": -1}
    sent = body | {"status": status}
    playground.run("replace", "--subresource=status", "--validate=strict", "--filename=-", given=sent)
    where = (f"{kind.lower()}s.{playground.group}", body["metadata"]["name"])
    shown = playground.run("get", "--no-headers", *where).split()
    assert shown[:-1] == [body["metadata"]["name"], *row]


def test_explain_is_a_manual(playground: Playground) -> None:
    version = f"--api-version={playground.group}/v1alpha1"
    told = playground.run("explain", "litellmdatabases.spec.migration.deadline", version)
    assert "MigrationDeadlineExceeded" in told
    assert "Default: 1800" in told
    assert "Example: 7200" in told
    told = playground.run("explain", "litellmdatabases.spec.migration.policy", version)
    assert "Default: Safe" in " ".join(told.split())
    told = playground.run("explain", "litellmdatabases.status.schema.plan", version)
    assert "spec.migration.approvedPlan" in told
