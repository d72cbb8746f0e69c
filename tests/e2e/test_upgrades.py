"""An upgrade, as a person goes through it with kubectl: what it would do, what it waits for, and how it ends."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import pytest

from tests.e2e.conftest import READY_WITHIN, NewNamespace
from tests.support.kubectl import Body, Kubectl, condition, has_reason, is_ready
from tests.support.resources import NEW, database
from tests.support.server_pod import ServerPod

_WITH_SPEC_PATH: Final = "1.81.15"
"""Its schema has a column that a later release drops."""
_LOSS: Final = 'DROP COLUMN "spec_path" of "LiteLLM_MCPServerTable"'
_INSERT: Final = """INSERT INTO "LiteLLM_MCPServerTable" (server_id, spec_path) VALUES ('mcp', '/openapi.json')"""
_NOTE: Final = """INSERT INTO "LiteLLM_Config" (param_name, param_value) VALUES ('note', '"kept"')"""
_LOCK: Final = 'LOCK TABLE "LiteLLM_VerificationToken" IN ACCESS SHARE MODE'
_BLOCKER: Final = "nightly-report"
_TWO_DAYS_AGO: Final = """
    UPDATE litellm_operator.migration_runs
    SET started_at = started_at - interval '2 days', finished_at = finished_at - interval '2 days'
"""
_DAMAGE: Final = 'ALTER TABLE public."LiteLLM_UserTable" DROP COLUMN user_alias'
_MEND: Final = 'ALTER TABLE public."LiteLLM_UserTable" ADD COLUMN user_alias TEXT'
_PLANNED_FILE: Final = re.compile(r"^\| (\d{14}_\S+):", re.MULTILINE)

_COMMANDS: Final = re.compile(r"kubectl (-n \S+ (?:logs \S+\b|patch .*'))")
"""As a person copies them out of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A namespace with several databases on the shared server, each for one test."""

    kubectl: Kubectl
    server: ServerPod

    def ask(self, name: str, **spec: Any) -> None:
        """Ask for a database, or for something else of it."""
        self.kubectl.apply(database(name, server=self.server.name, of=self.server.namespace, **spec))

    def change(self, name: str, **spec: Any) -> None:
        """Change some fields."""
        self.kubectl.patch("lldb", name, {"spec": spec})

    def ready(self, name: str) -> Body:
        """Return a resource when it is Ready as it is asked for now."""
        return self.kubectl.wait_for("lldb", name, is_ready, within=READY_WITHIN)

    def message(self, name: str, reason: str) -> str:
        """Return Ready's message as soon as it gives that reason; it is Stalled then."""
        body = self.kubectl.wait_for("lldb", name, has_reason(reason), within=READY_WITHIN)
        assert condition(body, "Stalled")["status"] == "True"
        return condition(body, "Ready")["message"]

    def enter(self, name: str) -> psycopg.Connection:
        """Open a session as the proxy does."""
        return self.server.enter(self.kubectl.secret(f"{name}-db"))

    def own(self, name: str) -> psycopg.Connection:
        """Open a session as the server's owner."""
        return self.server.connect(f"{self.kubectl.namespace}_{name}")


@pytest.fixture(scope="module")
def team(any_namespace: NewNamespace, shared: ServerPod) -> Team:
    """Give the databases, all Ready, those of the release with the column having a row in it."""
    team = Team(kubectl=any_namespace(), server=shared)
    for name in ("asked", "waiting"):
        team.ask(name, version=_WITH_SPEC_PATH)
    for name in ("foreign", "blocked", "damaged"):
        team.ask(name)
    team.ask("upstream", migration={"engine": "PrismaCLI"})
    for name in ("asked", "waiting"):
        team.ready(name)
        with team.enter(name) as session:
            session.execute(_INSERT)
    for name in ("foreign", "blocked", "damaged", "upstream"):
        team.ready(name)
    return team


@pytest.fixture
def lock(team: Team) -> Iterator[psycopg.Connection]:
    """Give a session that holds a lock which the upgrade needs, until it is closed."""
    with team.own("blocked") as session:
        session.autocommit = False
        session.execute(f"SET application_name = '{_BLOCKER}'".encode())
        session.execute(_LOCK)
        yield session


def test_preview_tells_what_an_upgrade_would_do_and_one_patch_brings_version_and_approval(team: Team) -> None:
    team.change("asked", migration={"preview": {"version": NEW}})
    told = team.kubectl.wait_for("lldb", "asked", _is_previewed, within=READY_WITHIN)
    preview = told["status"]["schema"]["preview"]
    assert (preview["litellm"], preview["state"], preview["plan"]["losesTotal"]) == (NEW, "Behind", 1)
    assert preview["plan"]["loses"][0].startswith(_LOSS)
    assert f"LOSES ROWS: {_LOSS}" in team.kubectl.run("logs", f"job/{preview['job']}")
    assert is_ready(told), "nothing was changed"
    assert told["status"]["schema"]["litellm"] == _WITH_SPEC_PATH
    approval = {"preview": None, "approvedPlan": preview["plan"]["digest"]}
    team.change("asked", litellm={"version": NEW}, migration=approval)
    assert team.ready("asked")["status"]["schema"]["litellm"] == NEW
    assert "AwaitingApproval" not in team.kubectl.describe("lldb", "asked")


def test_what_would_lose_rows_waits_for_a_person_who_finds_what_to_do(team: Team) -> None:
    team.change("waiting", litellm={"version": NEW})
    team.kubectl.run("wait", "lldb/waiting", "--for=condition=Stalled", f"--timeout={READY_WITHIN:.0f}s", at_most=150)
    message = team.message("waiting", "AwaitingApproval")
    assert _LOSS in message
    assert message in team.kubectl.describe("lldb", "waiting")
    schema = team.kubectl.there("lldb", "waiting")["status"]["schema"]
    assert schema["applied"] + schema["pending"] == schema["total"]
    assert (schema["plan"]["losesTotal"], schema["plan"]["breaks"]) == (1, True)
    logs, approve = _COMMANDS.findall(message)
    whole = team.kubectl.run(*shlex.split(logs))
    assert len(_PLANNED_FILE.findall(whole)) == schema["pending"]
    with team.enter("waiting") as session:
        session.execute(_NOTE)
    team.kubectl.run(*shlex.split(approve))
    upgraded = team.ready("waiting")["status"]["schema"]
    assert (upgraded["litellm"], upgraded["pending"]) == (NEW, 0)


def test_tables_of_another_application_stop_an_upgrade_until_they_are_moved(team: Team) -> None:
    with team.own("foreign") as session:
        session.execute("CREATE TABLE public.orders (id int)")
    team.change("foreign", litellm={"version": NEW})
    assert '"orders"' in team.message("foreign", "ForeignTables")
    with team.own("foreign") as session:
        session.execute("CREATE SCHEMA shop")
        session.execute("ALTER TABLE public.orders SET SCHEMA shop")
    # It is looked at again by itself, within a minute; a retry is sooner.
    team.kubectl.run("annotate", "lldb", "foreign", "litellmdb.dev/retry=moved")
    assert team.ready("foreign")["status"]["schema"]["litellm"] == NEW


def test_blocked_upgrade_shows_how_far_it_is_and_who_blocks_it(team: Team, lock: psycopg.Connection) -> None:
    team.change("blocked", litellm={"version": NEW})
    told = team.kubectl.wait_for("lldb", "blocked", _is_running, within=READY_WITHIN)
    running, total = told["status"]["schema"]["running"], told["status"]["schema"]["total"]
    assert (running["total"], running["number"] > told["status"]["schema"]["applied"]) == (total, True)
    assert running["migration"] == told["status"]["schema"]["next"]
    pods = team.kubectl.watch("pod", "--selector=litellmdb.dev/database=blocked", within=READY_WITHIN)
    pod = next(pod for pod in pods if pod["status"]["phase"] == "Running")
    lines = team.kubectl.follow_logs(pod["metadata"]["name"], within=READY_WITHIN)
    assert any(_BLOCKER in line for line in lines)
    lock.close()
    assert team.ready("blocked")["status"]["schema"]["pending"] == 0


def test_upstreams_own_way_leads_to_the_same_under_the_same_hardening(team: Team) -> None:
    team.change("upstream", litellm={"version": NEW})
    schema = team.ready("upstream")["status"]["schema"]
    assert (schema["state"], schema["applied"], schema["litellm"]) == ("Current", schema["total"], NEW)
    (pod,) = team.kubectl.list_all("pod", "litellmdb.dev/database=upstream")
    (container,) = pod["spec"]["containers"]
    assert {"name": "LITELLMDB_MIGRATION_ENGINE", "value": "PrismaCLI"} in container["env"]
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_what_was_removed_by_hand_is_found_by_a_proof_and_said_with_table_and_column(team: Team) -> None:
    with team.own("damaged") as session:
        session.execute(_DAMAGE)
        session.execute(_TWO_DAYS_AGO)
    # It is looked at by itself within a minute; any change is sooner.
    team.change("damaged", migration={"deadline": 600})
    assert "LiteLLM_UserTable.user_alias" in team.message("damaged", "SchemaIncomplete")
    assert team.kubectl.there("lldb", "damaged")["status"]["schema"]["state"] == "Drifted"
    with team.own("damaged") as session:
        session.execute(_MEND)
    team.kubectl.run("annotate", "lldb", "damaged", "litellmdb.dev/retry=mended")
    assert team.ready("damaged")["status"]["schema"]["state"] == "Current"


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        pytest.param(
            "unknown", "1.75.0", "never heard of it; the nearest release that would do is 1.80.0", id="unknown"
        ),
        pytest.param("unserved", "1.109.0", "the nearest release that would do is 1.108", id="not served"),
        pytest.param("ranged", "1.82.4", "is incomplete in itself: 0.4.57, 0.4.58", id="a range"),
    ],
)
def test_release_without_a_bundle_is_refused_with_what_would_do(team: Team, name: str, version: str, told: str) -> None:
    team.ask(name, version=version)
    message = team.message(name, "UnknownVersion")
    assert version in message
    assert told in message


def _is_previewed(body: Body) -> bool:
    return "plan" in body["status"]["schema"].get("preview", {})


def _is_running(body: Body) -> bool:
    return "running" in body["status"]["schema"]
