"""A PostgreSQL that is none of the operator's: a pod on the cluster, with an admin as managed services give it.

The test is its owner: it connects to the Service's address as the superuser, from outside.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.support.kubectl import Body, Kubectl
from tests.support.postgres_server import Login
from tests.support.resources import API_VERSION, UNPRIVILEGED

_PORT: Final = 5432
_ADMIN: Final = "litellm_admin"
_LABELS: Final = {"app": "postgres"}
_WRITABLE: Final = {"data": "/var/lib/postgresql/data", "tmp": "/tmp", "run": "/var/run/postgresql"}  # noqa: S108 - the pod's own
_CONNECT_WITHIN: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPod:
    """A PostgreSQL in a pod, and the PostgresServer `name` that stands for it, open to every namespace."""

    kubectl: Kubectl
    name: str = "shared"
    superuser_password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @property
    def namespace(self) -> str:
        """Where it lives."""
        return self.kubectl.namespace

    def start(self) -> None:
        """Start it, and make its admin."""
        superuser = _secret("postgres", username="postgres", password=self.superuser_password)
        self.kubectl.apply(superuser, self._pod(), self._service())
        self.kubectl.run("wait", "--for=condition=Ready", "pod/postgres", "--timeout=60s")
        create = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}")
        with self.connect() as session:
            session.execute(create.format(sql.Identifier(_ADMIN), sql.Literal(self.admin_password)))
        admin = _secret("shared-admin", username=_ADMIN, password=self.admin_password)
        self.kubectl.apply(admin, self._server())

    def connect(self, database: str = "postgres", login: Login | None = None) -> psycopg.Connection:
        """Open a session in autocommit, as the superuser unless told otherwise."""
        who = login or Login(user="postgres", password=self.superuser_password)
        host: str = self.kubectl.there("service", "postgres")["spec"]["clusterIP"]
        found = make_conninfo(host=host, port=_PORT, dbname=database, user=who.user, password=who.password)
        return psycopg.connect(found, connect_timeout=_CONNECT_WITHIN, autocommit=True)

    def enter(self, published: Mapping[str, str]) -> psycopg.Connection:
        """Open a session with what a Secret holds, but for the host, whose name is known inside the cluster only."""
        who = Login(user=published["DATABASE_USER"], password=published["DATABASE_PASSWORD"])
        return self.connect(published["DATABASE_NAME"], who)

    def _pod(self) -> Body:
        container = {
            "name": "postgres",
            "image": "postgres:16",
            "imagePullPolicy": "IfNotPresent",
            "env": [
                {"name": "POSTGRES_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "postgres", "key": "password"}}},
                {"name": "PGDATA", "value": f"{_WRITABLE['data']}/pgdata"},
            ],
            "args": ["-c", "fsync=off", "-c", "max_connections=200"],
            "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
            "securityContext": UNPRIVILEGED,
            "volumeMounts": [{"name": name, "mountPath": path} for name, path in _WRITABLE.items()],
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "postgres", "labels": _LABELS},
            "spec": {
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 1,
                "securityContext": {"runAsUser": 999, "runAsGroup": 999, "fsGroup": 999},
                "containers": [container],
                # a database is 300 files, and its data is nobody's: memory takes a tenth of the disk's time
                "volumes": [{"name": name, "emptyDir": {"medium": "Memory"}} for name in _WRITABLE],
            },
        }

    def _service(self) -> Body:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "postgres"},
            "spec": {"selector": _LABELS, "ports": [{"port": _PORT}]},
        }

    def _server(self) -> Body:
        external = {
            "host": f"postgres.{self.namespace}.svc",
            "adminSecretRef": {"name": "shared-admin"},
            "tls": {"mode": "disable"},
        }
        return {
            "apiVersion": API_VERSION,
            "kind": "PostgresServer",
            "metadata": {"name": self.name},
            "spec": {
                "external": external,
                "allowedNamespaces": {"from": "All"},
                "limits": {"concurrentMigrations": 8},
            },
        }


def _secret(name: str, **data: str) -> Body:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
