"""The Job controller and the kubelet of a fake cluster: a Job gets a pod, the pod runs a migrator, its word is kept.

Two migrators: `migrate_at_once` writes by plain SQL what a run leaves in a database, in milliseconds; `RealMigrator`
is the product's own process, with the Job's environment and the mounted Secret, on this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from litellm_database_operator.kube.kinds import JOB, POD, SECRET, Body
from litellm_database_operator.kube.secrets import secret_data
from litellm_database_operator.model.bundle import Bundle, ledger_fingerprint, read_library
from litellm_database_operator.model.reasons import Reason
from litellm_database_operator.model.report import Failure, Outcome, Report, dump
from tests.support.fake_api import FakeApi

_TOP: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a container was given."""

    environment: Mapping[str, str]
    files: Mapping[str, str]
    """The mounted Secret."""
    library: Path

    @property
    def bundle(self) -> Bundle:
        """The bundle that is asked for."""
        found = read_library(self.library).by_bundle(self.environment["LITELLMDB_BUNDLE"])
        assert found is not None
        return found

    def connect(self) -> psycopg.Connection:
        """Log in as the migrator does."""
        files = self.files
        return psycopg.connect(
            make_conninfo(
                host=files["host"],
                port=files["port"],
                dbname=files["database"],
                user=files["username"],
                password=files["password"],
            ),
            autocommit=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a container left."""

    exit_code: int
    message: str
    """The termination message."""


Migrator = Callable[[Run], Awaitable[Ended]]


class FakeJobs:
    """Runs the Jobs of a fake cluster."""

    def __init__(self, api: FakeApi, library: Path, migrator: Migrator) -> None:
        self.api = api
        self.library = library
        self.migrator = migrator
        self.held = False
        """While set, no Job gets to run."""
        self.started: list[str] = []
        """Name of each Job that ran."""
        self.waiting: dict[str, Body] = {}
        """Those that no node has taken yet: it takes them when all else is quiet, the same way in every run."""
        self.running: dict[str, asyncio.Task[None]] = {}
        api.watchers.append(self._saw)

    async def finish(self) -> None:
        """Let those run that wait, and wait until none runs."""
        while self.running or (self.waiting and not self.held):
            while self.waiting and not self.held:
                self._start(self.waiting.pop(next(iter(self.waiting))))
            await asyncio.gather(*self.running.values(), return_exceptions=True)

    def end(self, job: Body, *, message: str = "", exit_code: int = 1, reason: str | None = None) -> None:
        """End a Job that was held, as the container's last word, or as the Job controller, has it."""
        self.waiting.pop(str(job["metadata"]["uid"]), None)
        self._leave(job, Ended(exit_code=exit_code, message=message), reason)

    def _saw(self, event: str, plural: str, body: Body) -> None:
        if plural != JOB.plural:
            return
        uid = str(body["metadata"]["uid"])
        if event == "DELETED":
            self.waiting.pop(uid, None)
            if task := self.running.pop(uid, None):
                task.cancel()
        if event == "ADDED":
            self.started.append(body["metadata"]["name"])
            self.waiting[uid] = body

    def _start(self, job: Body) -> None:
        uid = str(job["metadata"]["uid"])
        task = asyncio.get_running_loop().create_task(self._run(job))
        self.running[uid] = task
        task.add_done_callback(lambda done: self._forget(uid, done))

    def _forget(self, uid: str, done: asyncio.Task[None]) -> None:
        if self.running.get(uid) is done:
            del self.running[uid]

    async def _run(self, job: Body) -> None:
        files = self._mounted(job)
        if files is None:
            return  # the kubelet waits for the Secret, and the Job's deadline for both
        container = job["spec"]["template"]["spec"]["containers"][0]
        environment = {each["name"]: each["value"] for each in container["env"]}
        ended = await self.migrator(Run(environment=environment, files=files, library=self.library))
        self._leave(job, ended, None)

    def _mounted(self, job: Body) -> Mapping[str, str] | None:
        volumes = job["spec"]["template"]["spec"]["volumes"]
        (name,) = [each["secret"]["secretName"] for each in volumes if "secret" in each]
        secret = self.api.get(SECRET, job["metadata"]["namespace"], name)
        return None if secret is None else secret_data(secret)

    def _leave(self, job: Body, ended: Ended, reason: str | None) -> None:
        meta = job["metadata"]
        if (there := self.api.get(JOB, meta["namespace"], meta["name"])) is None:
            return
        self.api.put(self._pod(job, ended))
        kind = "Complete" if ended.exit_code == 0 else "Failed"
        condition = {"type": kind, "status": "True"} | ({"reason": reason} if reason else {})
        self.api.put(there | {"status": {"conditions": [condition]}})

    def _pod(self, job: Body, ended: Ended) -> Body:
        meta = job["metadata"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
        terminated = {"exitCode": ended.exit_code, "message": ended.message}
        return {
            "apiVersion": "v1",
            "kind": POD.name,
            "metadata": {
                "name": f"{meta['name']}-pod",
                "namespace": meta["namespace"],
                "labels": meta["labels"],
                "ownerReferences": [owner],
            },
            "status": {"containerStatuses": [{"name": "migrator", "state": {"terminated": terminated}}]},
        }


async def migrate_at_once(run: Run) -> Ended:
    """Leave what a run leaves: ledger, views, a verified run in the history, a report."""
    return await asyncio.to_thread(_migrate, run)


def _migrate(run: Run) -> Ended:
    bundle = run.bundle
    try:
        with run.connect() as session, session.transaction():
            applied = _write_all(session, run, bundle)
    except psycopg.Error as error:
        return no_database(run, error)
    return Ended(exit_code=0, message=dump(_report(bundle, applied, None)))


def no_database(run: Run, error: psycopg.Error) -> Ended:
    """Leave what a run leaves that got no further at its database: the real one tries until its deadline."""
    failure = Failure(reason=Reason.SERVER_UNREACHABLE, message="cannot go on", server_message=type(error).__name__)
    return Ended(exit_code=1, message=dump(_report(run.bundle, 0, failure)))


def _write_all(session: psycopg.Connection, run: Run, bundle: Bundle) -> int:
    names = {
        "schema": sql.Identifier(run.files["schema"]),
        "ledger": sql.Identifier(run.files["schema"], "_prisma_migrations"),
        "app": sql.Identifier(run.files["app"]),
    }
    session.execute(sql.SQL(_LEDGER).format(**names))
    session.execute(sql.SQL("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {ledger} FROM {app}").format(**names))
    rows = session.execute(sql.SQL("SELECT migration_name FROM {ledger}").format(**names)).fetchall()
    pending = [name for name in bundle.migrations if (name,) not in rows]
    for name in pending:
        session.execute(sql.SQL(_APPLY).format(**names), {"name": name})
        table = sql.Identifier(run.files["schema"], f"LiteLLM_{name}")
        session.execute(sql.SQL("CREATE TABLE {} (id integer)").format(table))
    for view in bundle.views:
        place = sql.Identifier(run.files["schema"], view)
        session.execute(sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT 1 AS one").format(place))
    values = {"job": run.environment["LITELLMDB_JOB"], "bundle": bundle.version, "digest": bundle.digest}
    session.execute(_HISTORY, values | {"total": len(bundle.migrations), "applied": len(pending)})
    return len(pending)


def _report(bundle: Bundle, applied: int, failure: Failure | None) -> Report:
    done = Outcome.MIGRATED if applied else Outcome.NOTHING_TO_DO
    return Report(
        outcome=Outcome.FAILED if failure else done,
        bundle=bundle.version,
        digest=bundle.digest,
        applied=applied,
        total=len(bundle.migrations),
        ledger=ledger_fingerprint(() if failure else bundle.migrations),
        seconds=0.1,
        failure=failure,
    )


class RealMigrator:
    """The product's own process."""

    async def __call__(self, run: Run) -> Ended:
        """Run it to its end, outside of any event loop's way."""
        return await asyncio.to_thread(self._run, run)

    def _run(self, run: Run) -> Ended:
        with tempfile.TemporaryDirectory(prefix="job-") as name:
            folder = Path(name)
            for file, text in run.files.items():
                (folder / file).write_text(text)
            report = folder / "termination-log"
            environment = dict(run.environment) | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "LITELLMDB_LIBRARY": str(run.library),
                "LITELLMDB_ENGINE": str(_TOP / "engine/main.js"),
                "LITELLMDB_CREDENTIALS": str(folder),
                "LITELLMDB_REPORT": str(report),
            }
            command = [sys.executable, "-m", "litellm_database_operator.migrator"]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/", check=False)
            told = report.read_text()
            assert run.files["password"] not in done.stdout + done.stderr + told
            return Ended(exit_code=done.returncode, message=told)


def write_library(folder: Path, bundles: Mapping[str, tuple[str, ...]]) -> Path:
    """Write a library for `migrate_at_once`: by LiteLLM's release, the names of the bundle's migrations."""
    folder.mkdir(parents=True, exist_ok=True)
    digests = {release: f"sha256:{release:0>64}" for release in bundles}
    for release, migrations in bundles.items():
        facts: dict[str, Any] = {
            "version": release,
            "digest": digests[release],
            "litellm": [release],
            "migrations": [{"name": name} for name in migrations],
            "views": [{"name": "LiteLLM_View"}],
            "gaps": [],
        }
        (folder / f"{release}.json").write_text(json.dumps(facts))
    known = {release: {"digest": digest, "litellm": [release]} for release, digest in digests.items()}
    (folder / "index.json").write_text(json.dumps({"format": 2, "bundles": known, "resolved": {}, "refused": {}}))
    return folder


_LEDGER: Final = """
    CREATE TABLE IF NOT EXISTS {ledger} (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL,
        finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
        started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)
"""
_APPLY: Final = """
    INSERT INTO {ledger} (id, checksum, finished_at, migration_name, applied_steps_count)
    VALUES (gen_random_uuid()::text, 'none', clock_timestamp(), %(name)s, 1)
"""
_HISTORY: Final = """
    INSERT INTO litellm_operator.migration_runs
        (job, bundle, digest, ledger_before, outcome, total, applied, verified, operator_version, finished_at)
    VALUES (%(job)s, %(bundle)s, %(digest)s, '', 'Migrated', %(total)s, %(applied)s, true, 'test', now())
"""
