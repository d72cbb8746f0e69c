"""From a body to a resource, or to an error that names the field."""

from typing import Any

import pytest

from litellm_database_operator.errors import InvalidSpecError
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.planning.parse import parse_database, parse_server
from tests.support.planning import body_of, resource_of

EXTERNAL = {"external": {"host": "db.example", "adminSecretRef": {"name": "admin"}}}


def server_body(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a PostgresServer as the API server sends it."""
    return {"kind": "PostgresServer", "metadata": {"name": "shared", "namespace": "db", "uid": "uid-s"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param({"litellm": {}}, "spec.litellm", id="no target"),
        pytest.param({"litellm": {"version": "1.0", "bundle": "0.1"}}, "spec.litellm", id="two targets"),
        pytest.param({"litellm": {"version": ""}}, "spec.litellm.version", id="an empty version"),
        pytest.param({"litellm": {"version": 1.81}}, "spec.litellm.version", id="a version without quotes"),
        pytest.param({"litellm": {"version": "1" * 33}}, "spec.litellm.version", id="a version too long"),
        pytest.param({"database": ""}, "spec.database", id="an empty database"),
        pytest.param({"database": "d" * 54}, "spec.database", id="a database of 54 characters"),
        pytest.param({"database": "é" * 27}, "spec.database", id="a database of 27 characters and 54 bytes"),
        pytest.param({"schema": ""}, "spec.schema", id="an empty schema"),
        pytest.param({"schema": "é" * 32}, "spec.schema", id="a schema of 32 characters and 64 bytes"),
        pytest.param({"schema": "pg_catalog"}, "spec.schema", id="PostgreSQL's own schema"),
        pytest.param({"schema": "information_schema"}, "spec.schema", id="the standard's schema"),
        pytest.param({"schema": "litellm_operator"}, "spec.schema", id="the operator's own schema"),
        pytest.param({"secret": {"name": "gateway-migrator"}}, "spec.secret.name", id="the migration Job's own Secret"),
        pytest.param({"secret": {"name": ""}}, "spec.secret.name", id="a Secret without a name"),
        *(
            pytest.param({"secret": {field: {key: "x"}}}, f"spec.secret.{field}", id=f"{field}: {what}")
            for field in ("labels", "annotations")
            for what, key in {
                "ours": "litellmdb.dev/database", "managed-by": "app.kubernetes.io/managed-by",
                "instance": "app.kubernetes.io/instance", "Argo CD's": "argocd.argoproj.io/tracking-id",
                "Flux's": "kustomize.toolkit.fluxcd.io/name", "Helm's": "meta.helm.sh/release-name",
                "kubectl's": "kubectl.kubernetes.io/last-applied-configuration", "with a space": "a b",
                "two dots": "a..b/c", "long before the slash": f"{'a' * 254}/b", "long after it": "k" * 64,
                "a line feed": "team\n", "empty": "",
            }.items()
        ),
        pytest.param({"secret": {"labels": {"a": "x y"}}}, "spec.secret.labels.a", id="a label's value with a space"),
        pytest.param({"secret": {"labels": {"a": "x" * 64}}}, "spec.secret.labels.a", id="a label's value too long"),
        pytest.param({"secret": {"annotations": {"a": "x" * 1025}}}, "spec.secret.annotations.a",
                     id="an annotation too long"),
        *(
            pytest.param({"secret": {field: {f"k{n}": "x" for n in range(33)}}}, f"spec.secret.{field}",
                         id=f"too many {field}")
            for field in ("labels", "annotations", "keys")
        ),
        *(
            pytest.param({"secret": {"keys": {key: "x"}}}, "spec.secret.keys", id=f"a key {what}")
            for what, key in {
                "of ours": "uri", "that may be ours": "DATABASE_JDBC_URL", "that loads code": "LD_PRELOAD",
                "of the shell": "PATH", "of LiteLLM": "LITELLM_SALT_KEY", "with a space": "a b", "of one dot": ".",
                "of two": "..a", "too long": "k" * 254, "with a line feed": "A\n", "that is empty": "",
            }.items()
        ),
        *(
            pytest.param({"secret": {"keys": {"A": template}}}, "spec.secret.keys", id=f"a template {what}")
            for what, template in {
                "of an unknown name": "$(hots)", "not closed": "$(host", "with a bare dollar": "5$",
                "in braces": "${host}", "of many names": "$(port)" * 17, "too long": "x" * 1025,
            }.items()
        ),
        pytest.param({"credentials": {"connectionLimit": 0}}, "spec.credentials.connectionLimit", id="a limit of none"),
        pytest.param({"credentials": {"connectionLimit": "7"}, "deletionPolicy": "Keep"}, "spec.deletionPolicy",
                     id="a policy that there is not"),
        pytest.param({"migration": {"deadline": 29}}, "spec.migration.deadline", id="a deadline too short"),
        pytest.param({"migration": {"deadline": 86_401}}, "spec.migration.deadline", id="a deadline too long"),
        pytest.param({"migration": {"policy": "Never"}}, "spec.migration.policy", id="no such policy of a gate"),
        pytest.param({"migration": {"engine": "Go"}}, "spec.migration.engine", id="no such engine"),
        *(
            pytest.param({"migration": {"approvedPlan": digest}}, "spec.migration.approvedPlan", id=f"approved: {what}")
            for what, digest in {
                "empty": "", "short": "sha256:ab", "bare": "a" * 64, "capitals": "sha256:" + "A" * 64,
                "a line feed": f"sha256:{'a' * 64}\n", "long": f"sha256:{'a' * 65}",
            }.items()
        ),
        pytest.param({"migration": {"preview": {}}}, "spec.migration.preview", id="a preview of nothing"),
        pytest.param({"migration": {"preview": {"version": "1.2.3", "bundle": "0.4.1"}}}, "spec.migration.preview",
                     id="a preview of two"),
        pytest.param({"migration": {"podTemplate": {"command": ["sh"]}}}, "spec.migration.podTemplate.command",
                     id="a command for the pod"),
        pytest.param({"serverRef": {}}, "spec.serverRef.name", id="a server without a name"),
        pytest.param({"suspend": "maybe"}, "spec.suspend", id="no truth"),
        pytest.param({"adopt": "IfUnclaimed"}, "spec.adopt", id="a field that does not exist yet"),
        pytest.param({"deletion_policy": "Delete"}, "spec.deletion_policy", id="a field by its Python name"),
        pytest.param({"schema_": "x"}, "spec.schema_", id="the schema by its Python name"),
        pytest.param({"credentials": {"password": "x"}}, "spec.credentials.password", id="an unknown field inside"),
    ],
)  # fmt: skip
def test_a_bad_database_names_its_field(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        parse_database(body_of(spec))
    assert refused.value.reason is Reason.INVALID_SPEC
    assert field in refused.value.message


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param({}, "spec", id="neither external nor embedded"),
        pytest.param(EXTERNAL | {"embedded": {}}, "spec", id="both"),
        pytest.param({"external": {"host": "h"}}, "spec.external.adminSecretRef", id="no admin Secret"),
        pytest.param({"external": {"adminSecretRef": {"name": "a"}}}, "spec.external.host", id="no host"),
        pytest.param({"external": EXTERNAL["external"] | {"port": 0}}, "spec.external.port", id="port 0"),
        pytest.param({"external": EXTERNAL["external"] | {"tls": {"mode": "prefer"}}}, "spec.external.tls.mode",
                     id="TLS only where offered"),
        pytest.param({"embedded": {"version": "15"}}, "spec.embedded.version", id="another embedded version"),
        pytest.param(EXTERNAL | {"allowedNamespaces": {"from": "Some"}}, "spec.allowedNamespaces.from",
                     id="namespaces that cannot be told"),
        pytest.param(EXTERNAL | {"limits": {"concurrentMigrations": 0}}, "spec.limits.concurrentMigrations",
                     id="no migrations at all"),
        pytest.param(EXTERNAL | {"pooler": {}}, "spec.pooler", id="a field that does not exist yet"),
    ],
)  # fmt: skip
def test_a_bad_server_names_its_field(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSpecError) as refused:
        parse_server(server_body(spec))
    assert refused.value.reason is Reason.INVALID_SPEC
    assert field in refused.value.message


def test_what_was_given_is_not_repeated() -> None:
    with pytest.raises(InvalidSpecError) as refused:
        parse_database(body_of({"deletionPolicy": "hunter2"}))
    assert "hunter2" not in refused.value.message


def test_a_template_is_not_repeated_and_its_key_is_quoted() -> None:
    with pytest.raises(InvalidSpecError) as refused:
        parse_database(body_of({"secret": {"keys": {"JDBC_URL": "hunter2 $(hots)"}}}))
    assert 'the template of "JDBC_URL" must hold no $ but in $$' in refused.value.message
    assert "hunter2" not in refused.value.message


def test_useful_labels_annotations_and_keys_are_taken() -> None:
    asked = {
        "labels": {"team": "a", "app.kubernetes.io/part-of": "gateways", "empty": ""},
        "annotations": {"reloader.stakater.com/match": "true", "example.com/text": "any: ü"},
        "keys": {"PGPASSWORD": "$(password)", ".pgpass": "$(host.pgpass):*\n", "price": "5$$", "empty": ""},
    }
    secret = resource_of({"secret": asked}).spec.secret
    assert (secret.labels, secret.annotations, secret.keys) == tuple(asked.values())


def test_a_database_needs_only_its_target() -> None:
    resource = resource_of()
    spec = resource.spec
    assert (resource.database, spec.schema_, resource.secret_name) == ("team-a_gateway", "public", "gateway-db")
    assert (resource.ca_secret_name, spec.server_ref, spec.credentials.connection_limit) == (
        "gateway-db-ca",
        None,
        None,
    )
    assert (spec.migration.deadline, spec.deletion_policy, spec.suspend) == (1800, "Retain", False)
    gate = (spec.migration.policy, spec.migration.approved_plan, spec.migration.preview, spec.migration.engine)
    assert gate == ("Safe", None, None, "Direct")
    assert (resource.retry, resource.going) == ("", False)


def test_what_a_newer_api_server_sends_in_metadata_is_let_pass() -> None:
    resource = resource_of(managedFields=[], somethingNew=1, deletionTimestamp="2026-01-01T00:00:00Z")
    assert resource.going


@pytest.mark.parametrize(
    ("tls", "mode"),
    [
        pytest.param({}, "require", id="without a word TLS is required"),
        pytest.param({"caSecretRef": {"name": "ca"}}, "verify-full", id="with a CA the host is verified"),
        pytest.param({"mode": "disable"}, "disable", id="plaintext where it is asked for"),
        pytest.param({"mode": "require", "caSecretRef": {"name": "ca"}}, "require", id="what is asked for counts"),
    ],
)
def test_tls_is_as_strict_as_it_can_be(tls: dict[str, Any], mode: str) -> None:
    server = parse_server(server_body({"external": EXTERNAL["external"] | {"tls": tls}}))
    assert server.spec.external is not None
    assert server.spec.external.tls.effective_mode() == mode


def test_a_server_needs_only_where_it_is_and_its_admin() -> None:
    spec = parse_server(server_body(EXTERNAL)).spec
    assert spec.external is not None
    assert (spec.external.port, spec.external.database) == (5432, "postgres")
    assert (spec.external.admin_secret_ref.keys.username, spec.external.admin_secret_ref.keys.password) == (
        "username",
        "password",
    )
    assert (spec.allowed_namespaces.from_, spec.limits.concurrent_migrations, spec.deletion_policy) == (
        "Same",
        4,
        "Retain",
    )


def test_a_field_of_a_newer_crd_is_named_with_what_to_do() -> None:
    with pytest.raises(InvalidSpecError) as caught:
        parse_database(body_of({"migration": {"fresh": True}}))
    assert caught.value.message == (
        "cannot read the resource: spec.migration.fresh: this operator is older than its CRDs and does not know the "
        "field: upgrade it, or leave it out"
    )
