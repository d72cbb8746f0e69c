"""What the README promises, on its own example: from `kubectl apply` to a proxy that works, and to its next release."""

import json
import re
from base64 import b64encode
from typing import Final

import yaml

from tests.e2e.conftest import READY_WITHIN
from tests.support.installation import OPERATOR
from tests.support.kubectl import ROOT, Body, Kubectl, condition, is_ready
from tests.support.resources import NEW, OLD, proxy_pod, sample

_KEYS: Final = {
    *("DATABASE_URL", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_SCHEMA", "DATABASE_USER"),
    *("DATABASE_USERNAME", "DATABASE_PASSWORD", "DATABASE_SSLMODE", "DISABLE_SCHEMA_UPDATE"),
    *("type", "provider", "host", "port", "database", "endpoint", "username", "password", "uri"),
}
_MEMORY: Final = {"cache": "128Mi", "migrations": "64Mi", "tmp": "64Mi"}
_BY_PRISMA: Final = """
import pg from 'pg'
const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
await client.connect()
const refused = async (sql) => client.query(sql).then(() => 'done', (error) => error.code)
await client.query(`INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ('e2e', '{"kept": true}')`)
const { rows } = await client.query(`SELECT param_value FROM "LiteLLM_Config" WHERE param_name = 'e2e'`)
console.log(JSON.stringify({
  read: rows[0].param_value,
  create: await refused('CREATE TABLE mine (id int)'),
  temporary: await refused('CREATE TEMPORARY TABLE mine (id int)'),
  schema: await refused('CREATE SCHEMA mine'),
  ledger: await refused('DELETE FROM "_prisma_migrations"'),
  history: await refused('DELETE FROM litellm_operator.migration_runs'),
  drop: await refused('DROP TABLE "LiteLLM_Config"'),
}))
await client.end()
"""
_BY_LIBPQ: Final = """
import os, psycopg
with psycopg.connect(os.environ["uri"]) as session:
    print(session.execute('SELECT param_value FROM "LiteLLM_Config" WHERE param_name = %s', ["e2e"]).fetchone()[0])
"""


def test_readme_shows_the_sample() -> None:
    (block,) = re.findall(r"```yaml\n(apiVersion: .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shown: Body = yaml.safe_load(block)
    assert shown == sample("embedded", "team-a")[-1]


def test_get_says_all_in_a_line(home: Kubectl) -> None:
    header, line = home.run("get", "lldb").splitlines()
    assert header.split() == ["NAME", "READY", "REASON", "LITELLM", "SECRET", "AGE"]
    assert line.split()[:-1] == ["gateway", "True", "UpToDate", OLD, "gateway-db"]
    assert home.run("get", "pgs").splitlines()[1].split()[:3] == ["main", "True", "Available"]
    assert condition(home.there("lldb", "gateway"), "Healthy")["status"] == "True"


def test_secret_holds_what_charts_and_service_binding_read(home: Kubectl) -> None:
    assert home.there("secret", "gateway-db")["type"] == "servicebinding.io/postgresql"
    assert set(home.secret("gateway-db")) == _KEYS


def test_pod_with_only_the_secret_can_do_what_a_proxy_does_and_no_more(home: Kubectl) -> None:
    node = ["/opt/litellm-database-operator/bin/node", "--input-type=module", "--eval", _BY_PRISMA]
    told = json.loads(_run_proxy(home, "prisma", node))
    assert told.pop("read") == {"kept": True}
    assert told == dict.fromkeys(told, "42501")
    assert "kept" in _run_proxy(home, "libpq", ["python3", "-c", _BY_LIBPQ])


def test_upgrade_is_one_field_and_keeps_the_data(home: Kubectl) -> None:
    password = home.secret("gateway-db")["password"]
    home.patch("lldb", "gateway", {"spec": {"litellm": {"version": NEW}}})
    migrator = _caught(home, "gateway-migrator")
    upgraded = home.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    assert upgraded["status"]["schema"]["litellm"] == NEW
    assert upgraded["status"]["schema"]["applied"] == upgraded["status"]["schema"]["total"]
    stays = home.secret("gateway-db")["password"] == password
    assert stays
    assert "kept" in _run_proxy(home, "after", ["python3", "-c", _BY_LIBPQ])
    home.wait_gone("secret", "gateway-migrator", within=10)
    _assert_nowhere(home, password, migrator, home.secret("main-postgres-admin")["password"])


def test_migration_pod_is_locked_down(home: Kubectl) -> None:
    (pod, *_) = home.list_all("pod", "app.kubernetes.io/component=migrator")
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not spec["automountServiceAccountToken"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert set(volumes) == {"credentials", *_MEMORY}, "no token is mounted, nor anything else"
    assert {name: volumes[name]["emptyDir"] for name in _MEMORY} == {
        name: {"medium": "Memory", "sizeLimit": size} for name, size in _MEMORY.items()
    }


def _run_proxy(kubectl: Kubectl, name: str, command: list[str]) -> str:
    kubectl.apply(proxy_pod(name, secret="gateway-db", command=command))
    ended = kubectl.wait_for(
        "pod", name, lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"), within=READY_WITHIN
    )
    log = kubectl.run("logs", name)
    assert ended["status"]["phase"] == "Succeeded", log
    return log


def _caught(kubectl: Kubectl, name: str) -> str:
    """Return the password of a Secret that is there for a moment only."""
    kubectl.wait_for("secret", name, lambda _: True, within=READY_WITHIN)
    return kubectl.secret(name)["password"]


def _assert_nowhere(kubectl: Kubectl, *passwords: str) -> None:
    """Nothing that kubectl shows, Secrets apart, holds a password, plain or encoded."""
    shown = _everything(kubectl)
    assert len(shown) > 10_000, "this is not everything"
    encoded = [b64encode(password.encode()).decode().rstrip("=") for password in passwords]
    # counted, for a failing test must not show them either
    assert sum(text in shown for text in (*passwords, *encoded)) == 0


def _everything(kubectl: Kubectl) -> str:
    listed = set(kubectl.run("api-resources", "--namespaced", "--verbs=list", "--output=name").split()) - {"secrets"}
    # tests/e2e/crds has kinds of its own, which may go at any moment
    kinds = {kind for kind in listed if not kind.endswith(".litellmdb.dev")}
    kinds |= {"litellmdatabases.litellmdb.dev", "postgresservers.litellmdb.dev"}
    pods = [pod["metadata"]["name"] for pod in kubectl.list_all("pod")]
    return "\n".join(
        [
            kubectl.run("get", ",".join(sorted(kinds)), "--output=yaml", "--show-managed-fields"),
            kubectl.run("describe", "all,secrets,lldb,pgs"),
            *(kubectl.run("logs", pod, "--all-containers") for pod in pods),
            kubectl.within(OPERATOR).run("logs", f"deployment/{OPERATOR}"),
        ]
    )
