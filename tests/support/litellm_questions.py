"""Run by the Python that has LiteLLM: its own code is asked one question, the answer is one line of JSON.

Nothing of LiteLLM's is replaced but what cannot be had here, Prisma's query engine: where LiteLLM holds its client,
it is given a connection that was opened with the published `uri`. tests/support/litellm_release.py starts this.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

REPORTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "global_spend_logs": {"api_key": None},
    "global_spend": {},
    "global_spend_keys": {"limit": 5},
    "global_spend_per_team": {},
    "global_spend_models": {"limit": 5},
    "global_view_all_end_users": {},
    "global_get_all_tag_names": {},
}
"""Functions of spend_management_endpoints.py, and what they are called with: those that read views, and joins."""


class Connection:
    """What LiteLLM's raw queries go through: Prisma's two methods for them, with the same `$1`."""

    engine_generation = 0
    """Nobody replaces our engine; 1.108 asks."""

    def __init__(self, session: psycopg.AsyncConnection[Any]) -> None:
        self._session = session
        self.executed: list[str] = []

    async def query_raw(self, query: str, *values: Any) -> Sequence[Mapping[str, Any]]:
        """Return the rows of a query."""
        cursor = psycopg.AsyncRawCursor(self._session, row_factory=dict_row)
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()

    async def execute_raw(self, query: str, *values: Any) -> int:
        """Execute a statement, and note its first words."""
        self.executed.append(" ".join(query.split()[:3]))
        cursor = psycopg.AsyncRawCursor(self._session, row_factory=dict_row)
        await cursor.execute(query.encode(), values)
        return cursor.rowcount


async def _connected(work: Callable[[Any, Connection], Awaitable[Any]]) -> Any:
    """Do something with LiteLLM's own PrismaClient, which has this connection in place of an engine."""
    utils = importlib.import_module("litellm.proxy.utils")
    async with await psycopg.AsyncConnection.connect(
        os.environ["uri"],  # noqa: SIM112 - Service Binding's name
        autocommit=True,
    ) as session:
        connection = Connection(session)
        client = object.__new__(utils.PrismaClient)
        client.db = connection
        return await work(client, connection)


def _serve_with(client: Any) -> Any:
    server: Any = importlib.import_module("litellm.proxy.proxy_server")
    server.prisma_client = client
    return server


async def _views(client: Any, connection: Connection) -> Any:
    await client.check_view_exists()
    return connection.executed


async def _readiness(client: Any, _: Connection) -> Any:
    """Ask the route of the kubelet's probe, of the whole application; nothing of its start has run."""
    app = _serve_with(client).app
    httpx = importlib.import_module("httpx")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://proxy") as probe:
        answer = await probe.get("/health/readiness")
    return [answer.status_code, answer.json()["status"], answer.json()["db"], await client.health_check()]


async def _reports(client: Any, _: Connection) -> Any:
    _serve_with(client)
    endpoints = importlib.import_module("litellm.proxy.spend_tracking.spend_management_endpoints")
    return {name: _size(await _call(getattr(endpoints, name), given)) for name, given in REPORTS.items()}


async def _call(report: Callable[..., Awaitable[Any]], given: Mapping[str, Any]) -> Any:
    """Call what FastAPI would, as the proxy's administrator."""
    types = importlib.import_module("litellm.proxy._types")
    if "user_api_key_dict" in inspect.signature(report).parameters:
        who = types.UserAPIKeyAuth(user_role=types.LitellmUserRoles.PROXY_ADMIN)
        return await report(**given, user_api_key_dict=who)
    return await report(**given)


def _size(answer: list[Any] | dict[str, Any]) -> int:
    """Count the rows, which some reports put into a dictionary."""
    lists: list[list[Any]] = (
        [answer] if isinstance(answer, list) else [each for each in answer.values() if isinstance(each, list)]
    )
    return max(map(len, lists), default=1)


def _migrator() -> Any:
    """Run the entry that the charts' Job runs, as far as the proxy goes the same way at its start."""
    cli = importlib.import_module("litellm.proxy.proxy_cli")
    cli.run_server(["--skip_server_startup"], standalone_mode=False)
    return _told(os.environ["DATABASE_URL"])


def _url() -> Any:
    """Run what the components of the newer chart run before they start."""
    settings = importlib.import_module("litellm.proxy.db.db_url_settings")
    settings.DatabaseURLSettings.from_env().apply_to_env()
    return _told(os.environ["DATABASE_URL"])


def _replica() -> Any:
    """Have it make the URL of a read replica, of which the environment names the host only."""
    settings = importlib.import_module("litellm.proxy.db.db_url_settings")
    settings.DatabaseURLSettings.from_env().apply_to_env()
    return _told(os.environ["DATABASE_URL_READ_REPLICA"])


def _url_from_parts() -> Any:
    """Run what makes a URL where there is none."""
    utils = importlib.import_module("litellm.proxy.utils")
    return _told(utils.construct_database_url_from_env_vars())


def _pooler() -> Any:
    """Have it plan the PgBouncer that it can run beside itself: how it reads the TLS of a URL."""
    pgbouncer = importlib.import_module("litellm.proxy.db.pgbouncer")
    settings = pgbouncer.PgBouncerSettings()
    plan = pgbouncer.plan_pgbouncer(os.environ["DATABASE_URL"], settings, Path("/run/pgbouncer"), None)
    return [*plan.ini.splitlines(), plan.ca_source]


def _told(url: str) -> str:
    """Return the URL with a word in place of its password, which no test may print."""
    return url.replace(os.environ["DATABASE_PASSWORD"], "PASSWORD")


ASYNCHRONOUS: Final = {"views": _views, "readiness": _readiness, "reports": _reports}
SYNCHRONOUS: Final = {
    "migrator": _migrator,
    "url": _url,
    "url from parts": _url_from_parts,
    "pooler": _pooler,
    "replica": _replica,
}


def _answer(question: str) -> Any:
    if work := ASYNCHRONOUS.get(question):
        return asyncio.run(_connected(work))
    return SYNCHRONOUS[question]()


if __name__ == "__main__":
    answers = {question: _answer(question) for question in sys.argv[1:]}
    print(f"\n{json.dumps(answers, default=str)}")  # noqa: T201 - how it answers
