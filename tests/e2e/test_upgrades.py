"""An upgrade as a person makes one: looked at, stopped where rows would be lost, approved by the command shown."""

import subprocess

from tests.e2e.conftest import READY_WITHIN
from tests.support.kubectl import Body, Kubectl, condition, has_reason, is_ready
from tests.support.resources import NEW, database
from tests.support.server_pod import ServerPod

_LOST = 'DROP COLUMN "spec_path" of "LiteLLM_MCPServerTable": rows exist'
_GIVE = 'ALTER TABLE public."LiteLLM_MCPServerTable" ADD COLUMN spec_path TEXT'
_FILL = """INSERT INTO public."LiteLLM_MCPServerTable" (server_id, url, spec_path) VALUES ('s', 'u', 'p')"""


def test_an_upgrade_is_looked_at_stopped_and_approved(kubectl: Kubectl, shared: ServerPod) -> None:
    kubectl.apply(database("gateway", server=shared.name, of=shared.namespace))
    kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    with shared.connect(f"{kubectl.namespace}_gateway") as owner:
        owner.execute(_GIVE)
        owner.execute(_FILL)
    previewed = _preview(kubectl)
    preview = previewed["status"]["schema"]["preview"]
    assert (preview["litellm"], preview["state"], preview["plan"]["loses"]) == (NEW, "Behind", [_LOST])
    assert condition(previewed, "Ready")["status"] == "True"
    assert f"LOSES ROWS: {_LOST}" in kubectl.run("logs", f"job/{preview['job']}")
    kubectl.patch("lldb", "gateway", {"spec": {"litellm": {"version": NEW}}})
    waits = kubectl.wait_for("lldb", "gateway", has_reason("AwaitingApproval"), within=READY_WITHIN)
    schema, message = waits["status"]["schema"], str(condition(waits, "Ready")["message"])
    assert schema["plan"] == preview["plan"], "the same database, the same plan"
    with shared.enter(kubectl.secret("gateway-db")) as proxy:
        assert proxy.execute('SELECT count(*) FROM "LiteLLM_MCPServerTable"').fetchone() == (1,), "it serves on"
    _type(kubectl, message.rpartition("To let it pass: ")[2])
    done = kubectl.wait_for("lldb", "gateway", is_ready, within=READY_WITHIN)
    assert (done["status"]["schema"]["litellm"], done["status"]["schema"]["state"]) == (NEW, "Current")
    assert "plan" not in done["status"]["schema"]


def _preview(kubectl: Kubectl) -> Body:
    """Ask what the newer release would do, and return what is told once it is planned."""
    kubectl.patch("lldb", "gateway", {"spec": {"migration": {"preview": {"version": NEW}}}})

    def planned(body: Body) -> bool:
        return "plan" in body["status"].get("schema", {}).get("preview", {})

    return kubectl.wait_for("lldb", "gateway", planned, within=READY_WITHIN)


def _type(kubectl: Kubectl, command: str) -> None:
    """Run a command that status shows, as it stands there, in a shell."""
    program, _, arguments = command.partition(" ")
    assert program == "kubectl"
    typed = f'"$0" --kubeconfig="$1" {arguments}'
    subprocess.run(["/bin/sh", "-c", typed, kubectl.program, str(kubectl.kubeconfig)], check=True)
