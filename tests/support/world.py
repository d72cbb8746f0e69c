"""A fake cluster with a real PostgreSQL in it, and an operator that can be killed: what tests of a whole pass use.

Everything is real but the API server and the node: control/, reconcile/, planning/, postgres/ and kube/ down to the
request, wired by __main__'s own build().
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg

from litellm_database_operator.kube.kinds import DATABASE, EVENT, JOB, SECRET, SERVER, Body
from litellm_database_operator.kube.reading import Json, items, part
from litellm_database_operator.kube.secrets import secret_data
from litellm_database_operator.model import names
from litellm_database_operator.settings import read_settings
from tests.support.database_snapshot import Snapshot, take_snapshot
from tests.support.fake_api import FakeApi
from tests.support.fake_jobs import FakeJobs, Migrator, migrate_at_once, write_library
from tests.support.operator_process import OperatorProcess, Seam
from tests.support.postgres_server import Login, PostgresServer

TOP: Final = Path(__file__).resolve().parents[2]
OPERATOR_NAMESPACE: Final = "litellm-system"
OLD: Final = "1.0.1"
NEW: Final = "1.0.2"
"""LiteLLM releases of the little library."""
_MOUNTED: Final = quote(names.CA_MOUNT_PATH, safe="")
_MIGRATIONS: Final = ("20250101000000_first", "20250102000000_second", "20250103000000_third")


class World:
    """One namespace of a tenant, its server, and the operator."""

    def __init__(  # noqa: PLR0913 - what a world is made of
        self,
        *,
        namespace: str,
        postgres: PostgresServer,
        admin: Login,
        folder: Path,
        migrator: Migrator = migrate_at_once,
        library: Path | None = None,
    ) -> None:
        self.namespace = namespace
        self.postgres = postgres
        self.admin = admin
        if library is None:
            library = folder / "library"
            if not library.exists():
                write_library(library, {OLD: _MIGRATIONS[:2], NEW: _MIGRATIONS})
        self.api = FakeApi()
        self.api.before_ready = self._check_login
        self.jobs = FakeJobs(self.api, library, migrator)
        self.settings = read_settings(
            {
                "POD_NAMESPACE": OPERATOR_NAMESPACE,
                "POD_NAME": "operator-1",
                "LITELLMDB_IMAGE": "operator:test",
                "LITELLMDB_IDENTITY": "installation",
                "LITELLMDB_LIBRARY": str(library),
                "LITELLMDB_HISTORY": str(TOP),
            }
        )
        self.processes: list[OperatorProcess] = []
        for name in (OPERATOR_NAMESPACE, namespace):
            self.add_namespace(name)

    # Processes

    async def start(self, seam: Seam | None = None, **settings: object) -> OperatorProcess:
        """Start an operator."""
        process = OperatorProcess(self.api, self.jobs, self.settings.model_copy(update=settings), seam)
        self.processes.append(process)
        return await process.start()

    async def end(self) -> None:
        """Kill every operator, and end every Job."""
        for process in self.processes:
            await process.kill()
        for task in tuple(self.jobs.running.values()):
            task.cancel()

    # What people do

    def add_namespace(self, name: str) -> None:
        """Create a namespace."""
        self.api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def add_secret(self, name: str, data: Mapping[str, str], *, namespace: str | None = None) -> Body:
        """Create a Secret as somebody else, or give it other data."""
        meta = {"name": name, "namespace": namespace or self.namespace}
        place = self.api.get(SECRET, meta["namespace"], name)
        body = place or {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque"}
        return self.api.put(body | {"data": {key: _encoded(value) for key, value in data.items()}})

    def add_server(self, name: str = "shared", *, namespace: str | None = None, **external: object) -> Body:
        """Create a PostgresServer for the real server, with its admin's Secret; `external` is what differs."""
        namespace = namespace or self.namespace
        if self.api.get(SECRET, namespace, "admin") is None:
            data = {"username": self.admin.user, "password": self.admin.password}
            self.add_secret("admin", data, namespace=namespace)
        spec: Body = {
            "host": self.postgres.host,
            "port": self.postgres.port,
            "adminSecretRef": {"name": "admin"},
            "tls": {"mode": "disable"},
        }
        return self.add(SERVER.name, name, {"external": spec | external}, namespace=namespace)

    def add(self, kind: str, name: str, spec: Mapping[str, Any], *, namespace: str | None = None) -> Body:
        """Create a resource, or give it another spec."""
        meta = {"name": name, "namespace": namespace or self.namespace}
        plural = DATABASE if kind == DATABASE.name else SERVER
        found = self.api.get(plural, meta["namespace"], name)
        body = found or {"apiVersion": names.API_VERSION, "kind": kind, "metadata": meta}
        return self.api.put(body | {"spec": dict(spec)})

    def add_database(self, name: str = "gateway", *, version: str = OLD, **spec: object) -> Body:
        """Create a LiteLLMDatabase, or give it another spec."""
        asked = {"serverRef": {"name": "shared"}, "litellm": {"version": version}} | spec
        return self.add(DATABASE.name, name, asked)

    def annotate(self, name: str, **annotations: str) -> None:
        """Annotate a LiteLLMDatabase: `abandon="true"`."""
        body = self.database(name)
        noted = {f"{names.GROUP}/{key}": value for key, value in annotations.items()}
        body["metadata"]["annotations"] = (body["metadata"].get("annotations") or {}) | noted
        self.api.put(body)

    def delete_database(self, name: str = "gateway") -> None:
        """Delete a LiteLLMDatabase."""
        self.api.remove(DATABASE, self.namespace, name)

    # What people see

    def database(self, name: str = "gateway") -> Body:
        """Return a LiteLLMDatabase that is there."""
        found = self.api.get(DATABASE, self.namespace, name)
        assert found is not None
        return found

    def is_there(self, name: str = "gateway") -> bool:
        """Tell whether a LiteLLMDatabase is there."""
        return self.api.get(DATABASE, self.namespace, name) is not None

    def server(self, name: str = "shared") -> Body:
        """Return a PostgresServer that is there."""
        found = self.api.get(SERVER, self.namespace, name)
        assert found is not None
        return found

    def secret(self, name: str = "gateway-db") -> Mapping[str, str] | None:
        """Return the data of a Secret, or None."""
        body = self.api.get(SECRET, self.namespace, name)
        return None if body is None else secret_data(body)

    def is_ready(self, name: str = "gateway") -> bool:
        """Tell whether a LiteLLMDatabase says that it is Ready."""
        return self.is_there(name) and condition(self.database(name), "Ready")["status"] == "True"

    def events(self) -> list[str]:
        """Return reason and message of each Event."""
        return [f"{each['reason']}: {each['message']}" for each in self.api.all(EVENT)]

    def logs_in(self, name: str = "gateway-db") -> bool:
        """Tell whether the proxy can start from a Secret, by the URL for libpq in it, once there is a connection."""
        data = self.secret(name)
        if data is None:
            return False
        try:
            psycopg.connect(data["uri"].replace(_MOUNTED, str(self.postgres.ca))).close()
        except psycopg.OperationalError as error:
            return "too many connections" in str(error)
        return True

    def snapshot(self) -> Snapshot:
        """Return what server and namespace hold, with no name or uid of this run's."""
        replaced = {self.namespace: "NS", self.admin.user: "ADMIN"}
        for body in self.api.objects.values():
            name = str(body["metadata"]["name"]).replace(self.namespace, "NS")
            replaced[f'"{body["metadata"]["uid"]}\\'] = f'"uid of {name}\\'
        return {
            "postgres": take_snapshot(self.postgres, f"{self.namespace}_", replaced),
            "secrets": {
                each["metadata"]["name"]: sorted(each["data"])
                for each in self.api.all(SECRET, self.namespace)
                if each["metadata"]["name"] != "admin"
            },
            "jobs": len(self.api.all(JOB, self.namespace)),
            "resources": [each["metadata"]["name"] for each in self.api.all(DATABASE, self.namespace)],
        }

    def databases_made(self) -> int:
        """Return how often CREATE DATABASE was sent for this namespace, as the server's log has it."""
        return self.postgres.log.count(f'CREATE DATABASE "{self.namespace}_')

    def databases_dropped(self) -> int:
        """Return how often DROP DATABASE was."""
        return self.postgres.log.count(f'DROP DATABASE IF EXISTS "{self.namespace}_')

    def check_no_password_is_told(self, logged: str) -> None:
        """Fail where a password stands in a status, an Event, a Job, or what was logged."""
        told = "\n".join((logged, *self.api.told))
        for password in self.api.passwords | {self.admin.password}:
            assert password not in told, "a password was told"

    def _check_login(self, body: Body) -> None:
        if body["kind"] != DATABASE.name:
            return
        name = body["status"]["binding"]["name"]
        suspended = body["spec"].get("suspend")
        assert suspended or self.logs_in(name), f"Ready is said while Secret {name} does not log in"


def condition(body: Json, kind: str) -> Json:
    """Return a condition of a resource; one that is not there has nothing to say."""
    found = items(part(body, "status"), "conditions")
    unsaid: Json = {"status": None, "reason": None, "message": ""}
    return next((each for each in found if each["type"] == kind), unsaid)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
