"""Where figures are measured: the local cluster with the operator in it, and a PostgreSQL 16 that keeps fsync.

The server runs on this machine, outside of the cluster, and its files are on this machine's disk: psql and the
SQL loop reach it at the same address as the operator and the Jobs.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.identity import Identity, load
from litellm_database_operator.kube.api import connect
from litellm_database_operator.kube.kinds import DATABASE
from litellm_database_operator.model import names
from tests.bench.progress import tell
from tests.support.kubectl import ROOT, Body, Kubectl, is_ready, local_kubectl
from tests.support.postgres_server import Login, PostgresServer, PostgresServers, create_managed_admin

OPERATOR_NAMESPACE: Final = "litellm-database-operator"
SERVER_NAME: Final = "pg"
DATABASES: Final = f"{names.DATABASE_PLURAL}.{names.GROUP}"
SERVERS: Final = f"{names.SERVER_PLURAL}.{names.GROUP}"
"""In full: the short names may have namesakes."""
SMALL_BUNDLE: Final = "0.4.39"
_SERVER_WITHIN: Final = 60.0


class BenchError(Exception):
    """A figure cannot be measured; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One server, and the namespace in which resources on it are made."""

    identity: Identity
    kubectl: Kubectl
    """For the namespace."""
    postgres: PostgresServer
    host: str
    """The server's address, for the cluster and for this machine."""
    admin: Login

    @property
    def namespace(self) -> str:
        """The namespace's name, which every database's name begins with."""
        return self.kubectl.namespace

    def database(self, name: str, *, bundle: str = SMALL_BUNDLE) -> Body:
        """Return a LiteLLMDatabase; with its server it is thrown away, so it need not be dropped."""
        return {
            "apiVersion": DATABASE.api_version,
            "kind": DATABASE.name,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"serverRef": {"name": SERVER_NAME}, "litellm": {"bundle": bundle}},
        }

    def create_at_once(self, bodies: Sequence[Body]) -> None:
        """Create all, none waiting for another; KUBECONFIG names the cluster."""
        asyncio.run(_create(self.namespace, bodies))

    def allow_migrations(self, number: int) -> None:
        """Set the server's limits.concurrentMigrations."""
        self.kubectl.patch(SERVERS, SERVER_NAME, {"spec": {"limits": {"concurrentMigrations": number}}})

    def operator_image(self) -> str:
        """Return the image that the operator runs from, and its Jobs."""
        deployment = self.kubectl.within(OPERATOR_NAMESPACE).there("deployment", OPERATOR_NAMESPACE)
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])

    def wait_ready(self, wanted: Iterable[str], *, within: float) -> None:
        """Return when all are Ready; BenchError names how many are not."""
        missing, told = set(wanted), 0
        for body in self.kubectl.watch(DATABASES, within=within):
            if is_ready(body):
                missing.discard(body["metadata"]["name"])
            if not missing:
                return
            if len(missing) // 20 != told:
                told = len(missing) // 20
                tell(f"{len(missing)} databases are not Ready yet")
        raise BenchError(f"{len(missing)} databases did not become Ready in {within:.0f} s: {sorted(missing)[:3]}")


def as_served(body: Body) -> Body:
    """Return a body as an API server would give it back."""
    given = {"uid": body["metadata"]["name"], "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return body | {"metadata": body["metadata"] | given}


def versions() -> dict[str, str]:
    """Return what the figures were measured with."""
    kubernetes = json.loads(local_kubectl().run("version", "--output=json"))["serverVersion"]["gitVersion"]
    program = ROOT / "tests/support/postgres/node_modules/postgres-16/native/bin/postgres"
    postgres = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return {"kubernetes": kubernetes, "postgresql": postgres.split()[-1]}


async def _create(namespace: str, bodies: Sequence[Body]) -> None:
    api = await connect()
    try:
        await asyncio.gather(*(api.request("POST", DATABASE.path(namespace), body=body) for body in bodies))
    finally:
        await api.close()


@contextmanager
def place(*, migrations: int) -> Generator[Place]:
    """Make a place, and leave nothing of it."""
    identity = load(ROOT)
    if identity is None:
        raise BenchError("there is no local cluster, and the audit log is read from its folder: make cluster")
    kubectl = local_kubectl()
    os.environ["KUBECONFIG"] = str(kubectl.kubeconfig)
    namespace = f"bench-{secrets.token_hex(3)}"
    with closing(PostgresServers()) as servers:
        tell("start a PostgreSQL 16 with fsync on")
        postgres, host = _reachable(servers, identity), str(identity.host)
        admin = create_managed_admin(postgres, "bench_admin")
        here = Place(identity=identity, kubectl=kubectl.within(namespace), postgres=postgres, host=host, admin=admin)
        kubectl.run("create", "namespace", namespace)
        try:
            _register(here, migrations)
            yield here
        finally:
            _leave(here)


def _reachable(servers: PostgresServers, identity: Identity) -> PostgresServer:
    """Start a server that listens to the cluster too, and lets it in by password as it does us."""
    server = servers.start(16, durable=True, settings={"listen_addresses": f"127.0.0.1,{identity.host}"})
    with (_data(server) / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {identity.block} scram-sha-256\n")
    server.reload()
    return server


def _data(server: PostgresServer) -> Path:
    return server.socket_folder / "data"


def _register(here: Place, migrations: int) -> None:
    external = {"host": here.host, "port": here.postgres.port, "tls": {"mode": "disable"}}
    here.kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "admin"},
            "stringData": {"username": here.admin.user, "password": here.admin.password},
        },
        {
            "apiVersion": DATABASE.api_version,
            "kind": "PostgresServer",
            "metadata": {"name": SERVER_NAME},
            "spec": {
                "external": external | {"adminSecretRef": {"name": "admin"}},
                "limits": {"concurrentMigrations": migrations},
            },
        },
    )
    here.kubectl.wait_for(SERVERS, SERVER_NAME, is_ready, within=_SERVER_WITHIN)


def _leave(here: Place) -> None:
    """Delete the databases while their server is still there to say goodbye to, then the namespace."""
    tell("clean up")
    here.kubectl.run("delete", DATABASES, "--all", "--timeout=280s", at_most=300)
    here.kubectl.run("delete", "namespace", here.namespace, "--timeout=280s", at_most=300)
