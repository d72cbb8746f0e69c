"""What starting and closing a run takes away, and from whom not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from litellm_database_operator.kube import kinds
from litellm_database_operator.kube.cluster import Cluster
from litellm_database_operator.kube.effects import undisturbed
from litellm_database_operator.kube.objects import Owner, database_labels
from litellm_database_operator.model.names import RoleName
from litellm_database_operator.model.secret import Password
from litellm_database_operator.planning.parse import parse_server
from litellm_database_operator.planning.steps import CloseMigration, Step
from litellm_database_operator.postgres.server import Server
from litellm_database_operator.reconcile.apply import Applier
from litellm_database_operator.settings import read_settings
from tests.support.fake_api import FakeApi
from tests.support.kube_samples import STEP
from tests.support.marked_server import Reached

SETTINGS = read_settings({"POD_NAMESPACE": "ops", "POD_NAME": "operator-1", "LITELLMDB_IMAGE": "operator:1"})
OWNER = Owner(kind=kinds.DATABASE.name, name="gateway", namespace="team-a", uid="u")
MIGRATOR = RoleName("team-a_gateway_migrator")
RUNS: dict[str, Any] = {}
HAS_ENDED: dict[str, Any] = {"conditions": [{"type": "Complete", "status": "True"}]}


class Locking(Server):
    """A server that only locks and unlocks logins."""

    def __init__(self) -> None:
        self.locked: list[RoleName] = []
        self.unlocked: list[RoleName] = []

    async def unlock_migrator(self, migrator: RoleName, password: Password, *, valid_until: datetime) -> None:
        """Take note of it."""
        del password, valid_until
        self.unlocked.append(migrator)

    async def lock_login(self, login: RoleName) -> None:
        """Take note of it."""
        self.locked.append(login)


def made(kind: str, api_version: str, name: str, **parts: Any) -> dict[str, Any]:
    """Return an object as the operator makes it for the database."""
    owner = {"kind": OWNER.kind, "name": OWNER.name, "uid": OWNER.uid, "controller": True}
    labels = database_labels(OWNER.name)
    meta = {"name": name, "namespace": OWNER.namespace, "labels": labels, "ownerReferences": [owner]}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}


async def apply(step: Step, api: FakeApi, gateway: Server) -> None:
    """Carry out a step on that server, in a cluster where the migrator's Secret has been made."""
    api.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWNER.namespace}})
    api.put(made("Secret", "v1", "gateway-migrator", type="Opaque", data={}))
    meta = {"name": "main", "namespace": "team-a", "uid": "s"}
    server = parse_server({"metadata": meta, "spec": {"embedded": {}}})
    connected = await Reached(api, gateway).connect(server)
    await Applier(Cluster(api), SETTINGS, undisturbed).apply([step], OWNER, connected)


@pytest.mark.parametrize(("status", "closed"), [(RUNS, False), (HAS_ENDED, True)])
async def test_a_run_that_began_since_the_look_keeps_its_login(status: dict[str, Any], *, closed: bool) -> None:
    api, gateway = FakeApi(), Locking()
    api.put(made("Job", "batch/v1", "gateway-migrate-1", status=status))
    await apply(CloseMigration(migrator=MIGRATOR), api, gateway)
    assert (api.get(kinds.SECRET, "team-a", "gateway-migrator") is None) is closed
    assert gateway.locked == [MIGRATOR] * closed


@pytest.mark.parametrize(("status", "started"), [(RUNS, False), (HAS_ENDED, True)])
async def test_a_run_that_began_since_the_look_keeps_its_password(status: dict[str, Any], *, started: bool) -> None:
    api, gateway = FakeApi(), Locking()
    api.put(made("Job", "batch/v1", "gateway-migrate-1", status=status))
    await apply(STEP, api, gateway)
    secret = api.get(kinds.SECRET, "team-a", "gateway-migrator")
    assert secret is not None
    assert bool(secret["data"]) is started
    assert gateway.unlocked == [STEP.binding.login] * started
    assert len(api.all(kinds.JOB, "team-a")) == 1 + started
