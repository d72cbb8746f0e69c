"""Migration Jobs of the bench's own: the operator starts one only where there is something to do, and once.

Each is a copy of the Job that the operator made for the database, with another target or mode. Its login is no role
of the operator's, which would be closed at the next look.
"""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from litellm_database_operator.model.report import Report, parse
from tests.bench.place import BenchError, Place
from tests.support.kubectl import Body
from tests.support.postgres_server import Login

_WITHIN: Final = 180.0
_OWN_LABEL: Final = {"litellmdb.dev/bench": "own"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A container that ran the migrator to its end."""

    container: str
    report: Report


@dataclass(slots=True, kw_only=True)
class OwnJobs:
    """Makes Jobs for one database."""

    here: Place
    resource: str
    database: str
    owner: str
    _login: Login | None = None
    _made: int = 0

    def run(self, **environment: str) -> Ended:
        """Run a Job with some variables changed, and return how it ended; BenchError when it failed."""
        self._made += 1
        name = f"{self.resource}-own-{self._made}"
        self.here.kubectl.apply(*self._secret(), self._job(name, environment))
        self.here.kubectl.wait_for("job", name, _has_ended, within=_WITHIN)
        (pod,) = self.here.kubectl.list_all("pod", f"job-name={name}")
        return how_it_ended(pod)

    def _job(self, name: str, environment: dict[str, str]) -> Body:
        job = self._operators_job()
        spec = copy.deepcopy(job["spec"]["template"]["spec"])
        for variable in spec["containers"][0]["env"]:
            variable["value"] = environment.get(variable["name"], variable.get("value", ""))
        for volume in spec["volumes"]:
            if volume["name"] == "credentials":
                volume["secret"]["secretName"] = f"{self.resource}-own"
        template = {"metadata": {"labels": _OWN_LABEL}, "spec": spec}
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "labels": _OWN_LABEL},
            "spec": {"backoffLimit": 0, "template": template},
        }

    def _operators_job(self) -> Body:
        jobs = self.here.kubectl.list_all("job", f"litellmdb.dev/database={self.resource}")
        if not jobs:
            raise BenchError(f"the operator left no Job of {self.resource} to copy")
        return jobs[-1]

    def _secret(self) -> tuple[Body, ...]:
        """Return the Secret that a migrator mounts, with a login that acts as the owner as its own does."""
        if self._login is not None:
            return ()
        self._login = Login(user=f"{self.resource}_own", password=secrets.token_urlsafe(16))
        names = {
            "login": sql.Identifier(self._login.user),
            "password": sql.Literal(self._login.password),
            "owner": sql.Identifier(self.owner),
            "database": sql.Identifier(self.database),
        }
        with self.here.postgres.connect() as session:
            for text in (
                "CREATE ROLE {login} LOGIN PASSWORD {password} IN ROLE {owner}",
                "ALTER ROLE {login} SET role = {owner}",
                "GRANT CONNECT ON DATABASE {database} TO {login}",
            ):
                session.execute(sql.SQL(text).format(**names))
        return (self._mounted(self._login),)

    def _mounted(self, login: Login) -> Body:
        data: dict[str, Any] = {
            "host": self.here.host,
            "port": str(self.here.postgres.port),
            "database": self.database,
            "schema": "public",
            "username": login.user,
            "password": login.password,
            "app": self.owner.removesuffix("_owner") + "_app",
            "tls": "disable",
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{self.resource}-own"},
            "stringData": data,
        }


def how_it_ended(pod: Body) -> Ended:
    """Read what a pod's migrator left; BenchError when it failed."""
    (status,) = pod["status"]["containerStatuses"]
    report = parse(status["state"]["terminated"].get("message", ""))
    if report.failure is not None:
        raise BenchError(f"a migrator failed: {report.failure.message}")
    return Ended(container=str(status["containerID"]).partition("://")[2], report=report)


def _has_ended(job: Body) -> bool:
    status = job.get("status", {})
    return bool(status.get("succeeded") or status.get("failed"))
