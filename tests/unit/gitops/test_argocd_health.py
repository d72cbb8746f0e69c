"""manifests/gitops/argocd/health/: the script in a Lua as narrow as Argo CD's, and the files that it is copied into.

What the operator really writes is fed to it in tests/integration/gitops; these are the shapes, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
import yaml
from lupa import lua51

from tests.support.argocd_health import FOLDER, GROUP, KINDS, SCRIPT, argocd_health, installing_files

Body = dict[str, Any]

GENERATION: Final = 3


def resource(
    *, seen: int | None = GENERATION, spec: Mapping[str, Any] | None = None, reason: str = "Reason", **said: str
) -> Body:
    """Build a resource whose conditions are `said`, in that order; `seen` is its observedGeneration."""
    conditions = [
        {"type": kind, "status": status, "reason": reason, "message": f"message of {kind}"}
        for kind, status in said.items()
    ]
    status: Body = {} if seen is None else {"observedGeneration": seen}
    return {
        "metadata": {"name": "gateway", "generation": GENERATION},
        "spec": dict(spec or {}),
        "status": status | ({"conditions": conditions} if conditions else {}),
    }


@pytest.mark.parametrize(
    ("body", "health"),
    [
        pytest.param({"metadata": {"generation": 1}}, "Progressing", id="no spec, no status"),
        pytest.param(resource(seen=None), "Progressing", id="an empty status"),
        pytest.param(resource(seen=-1), "Progressing", id="the CRD's default"),
        pytest.param(resource(), "Progressing", id="no conditions"),
        pytest.param(resource(seen=GENERATION - 1, Ready="True"), "Progressing", id="Ready of an older generation"),
        pytest.param(resource(seen=None, Ready="True"), "Progressing", id="Ready of nobody knows which generation"),
        pytest.param(
            resource(seen=GENERATION - 1, Ready="False", Reconciling="False", Stalled="True"),
            "Progressing",
            id="Stalled of an older generation",
        ),
        pytest.param(resource(Healthy="True"), "Progressing", id="no Ready yet"),
        pytest.param(resource(Ready="Unknown", Reconciling="True", Stalled="False"), "Progressing", id="first sight"),
        pytest.param(resource(Ready="Unknown"), "Progressing", id="Unknown alone"),
        pytest.param(resource(Ready="False", Reconciling="True", Stalled="False"), "Progressing", id="a lasting fault"),
        pytest.param(resource(Ready="True", Reconciling="True"), "Progressing", id="Ready, and at work"),
        pytest.param(resource(Ready="True", Reconciling="False", Stalled="False"), "Healthy", id="Ready"),
        pytest.param(
            resource(Ready="True", Reconciling="False", Stalled="False", Healthy="False"),
            "Healthy",
            id="Ready, its connections all in use",
        ),
        pytest.param(resource(Ready="False", Reconciling="False", Stalled="True"), "Degraded", id="Stalled"),
        pytest.param(resource(Reconciling="True", Ready="False", Stalled="True"), "Degraded", id="both: the worse"),
        pytest.param(resource(Ready="False"), "Degraded", id="not Ready alone"),
        pytest.param(
            resource(reason="AwaitingApproval", Ready="False", Reconciling="False", Stalled="True"),
            "Suspended",
            id="a plan waits",
        ),
        pytest.param(
            resource(reason="AwaitingApproval", seen=GENERATION - 1, Ready="False", Stalled="True"),
            "Progressing",
            id="a plan waited, and was approved a moment ago",
        ),
        pytest.param(resource(spec={"suspend": True}, Ready="True"), "Suspended", id="suspended"),
        pytest.param(resource(spec={"suspend": True}, seen=-1), "Suspended", id="suspended and unseen"),
        pytest.param(resource(spec={"suspend": False}, Ready="True"), "Healthy", id="resumed"),
    ],
)
def test_each_shape_has_its_health(body: Body, health: str) -> None:
    assert argocd_health(body).status == health


def test_a_deletion_is_argo_cds_own_verdict() -> None:
    body = resource(Ready="True")
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert argocd_health(body).status == "Progressing"


def test_the_message_is_that_of_the_condition_which_decides() -> None:
    body = resource(reason="MigrationFailed", Ready="False", Reconciling="False", Stalled="True")
    assert argocd_health(body).message == "MigrationFailed: message of Stalled"


@pytest.mark.parametrize(
    "beyond",
    ["string.len('x')", "('x'):len()", "math.floor(1)", "io.open('x')", "os.getenv('HOME')", "os.execute('true')"],
)
def test_the_lua_of_these_tests_has_no_more_than_argo_cds(beyond: str) -> None:
    with pytest.raises(lua51.LuaError):
        argocd_health(resource(Ready="True"), script=f"local _ = {beyond}\n{SCRIPT}")


@pytest.mark.parametrize("name", sorted(installing_files()))
def test_what_installs_the_script_is_made_of_it(name: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-test-data"):
        (FOLDER / name).write_text(installing_files()[name])
    assert (FOLDER / name).read_text() == installing_files()[name]


def test_each_way_to_install_holds_the_whole_script_for_each_kind() -> None:
    files = {name: yaml.safe_load(text) for name, text in installing_files().items()}
    keys = {f"resource.customizations.health.{GROUP}_{kind}": SCRIPT for kind in KINDS}
    assert files["argocd-cm.yaml"]["data"] == keys
    assert files["helm-values.yaml"]["configs"]["cm"] == keys
    checks = files["argocd-operator.yaml"]["spec"]["resourceHealthChecks"]
    assert checks == [{"group": GROUP, "kind": kind, "check": SCRIPT} for kind in KINDS]
