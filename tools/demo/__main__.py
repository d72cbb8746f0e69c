"""The main job, shown: `make demo` has the cluster and the images ready, then runs this.

Everything goes the way a user goes, through kubectl; run again, it finds everything there and shows it again.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).resolve().parents[2]
KUBECTL: Final = (str(TOP / ".cluster/bin/kubectl"), "--kubeconfig", str(TOP / ".cluster/kubeconfig"))
NAMESPACE: Final = "team-a"
DATABASE: Final = "gateway"
SECRET: Final = "gateway-db"  # noqa: S105 - its name
READY_WITHIN: Final = 240.0
"""Seconds; the first start of PostgreSQL in it."""

_NEXT: Final = """
What to try next (KUBECONFIG=.cluster/kubeconfig, kubectl is at .cluster/bin/kubectl too):

  kubectl explain lldb.spec                                   the manual
  kubectl -n team-a describe lldb gateway                     conditions and Events
  kubectl -n team-a patch lldb gateway --type merge \\
    -p '{"spec":{"litellm":{"version":"1.108.0"}}}'           upgrade LiteLLM's schema
  kubectl -n team-a delete secret gateway-db                  it comes back within a round
  kubectl -n team-a delete lldb gateway                       Retain: the database stays, its logins are locked
  make cluster-down                                           leave nothing behind
"""


def main() -> None:
    """Install the operator, make one database, show it."""
    # The tests may have installed it by Helm, with CRDs of another day.
    _step("install the operator", "apply", "--server-side", "--force-conflicts", "-k", "manifests/local")
    _step("wait for it", "-n", "litellm-database-operator", "rollout", "status", "deployment", "--timeout=120s")
    if _kubectl(["-n", NAMESPACE, "get", "lldb", DATABASE, "--ignore-not-found"], quiet=True):
        print("\n== the database is there already, and is left as you have changed it", flush=True)
    else:
        _step("ask for a server and a database", "apply", "--server-side", "-f", "manifests/samples/embedded.yaml")
    _wait_until_ready()
    _show("the resources", "get", "pgs,lldb", "-A")
    _show("its status", "-n", NAMESPACE, "get", "lldb", DATABASE, "-o", "jsonpath-as-json={.status}")
    _show_keys()
    _ask_database()
    print(_NEXT)


def _step(title: str, *arguments: str) -> None:
    print(f"\n== {title}: kubectl {' '.join(arguments)}", flush=True)
    _kubectl(arguments)


def _show(title: str, *arguments: str) -> None:
    _step(title, *arguments)


def _kubectl(arguments: Sequence[str], *, quiet: bool = False, stdin: str | None = None) -> str:
    done = subprocess.run(
        [*KUBECTL, *arguments], cwd=TOP, check=False, text=True, input=stdin, stdout=subprocess.PIPE if quiet else None
    )
    if done.returncode:
        sys.exit(f"kubectl {' '.join(arguments)} failed")
    return done.stdout or ""


def _wait_until_ready() -> None:
    """Print each new word of the resource's own on the way to Ready."""
    begun, last = time.monotonic(), ""
    print(f"\n== wait for Ready, at most {READY_WITHIN:.0f} s", flush=True)
    while time.monotonic() - begun < READY_WITHIN:
        ready = _condition("Ready")
        told = f"{ready.get('status', '-')} {ready.get('reason', 'nobody has looked yet')}"
        if told != last:
            print(f"   {time.monotonic() - begun:6.1f} s  {told}", flush=True)
            last = told
        if ready.get("status") == "True":
            return
        _kubectl_wait_a_moment()
    _kubectl(["-n", NAMESPACE, "describe", "lldb,pgs"])
    sys.exit("the database did not become Ready in time")


def _kubectl_wait_a_moment() -> None:
    """Come back when Ready is True, or after a second to say what is going on."""
    what = ["-n", NAMESPACE, "wait", "--for=condition=Ready", f"lldb/{DATABASE}", "--timeout=1s"]
    subprocess.run([*KUBECTL, *what], cwd=TOP, check=False, capture_output=True)


def _condition(kind: str) -> dict[str, str]:
    found: dict[str, Any] = json.loads(_kubectl(["-n", NAMESPACE, "get", "lldb", DATABASE, "-o", "json"], quiet=True))
    conditions: list[dict[str, str]] = found.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), dict[str, str]())


def _show_keys() -> None:
    found: dict[str, Any] = json.loads(_kubectl(["-n", NAMESPACE, "get", "secret", SECRET, "-o", "json"], quiet=True))
    print(f"\n== the keys of Secret {SECRET} ({found['type']})", flush=True)
    print("   " + " ".join(sorted(found["data"])))


def _ask_database() -> None:
    """Run a query from a pod that knows nothing but the Secret, through its DATABASE_URL."""
    print("\n== a query through DATABASE_URL, from a pod that has only the Secret", flush=True)
    _kubectl(["-n", NAMESPACE, "delete", "pod", "ask", "--ignore-not-found"], quiet=True)
    _kubectl(["apply", "-f", "tools/demo/ask.yaml"], quiet=True)
    phase = "--for=jsonpath={.status.phase}=Succeeded"
    _kubectl(["-n", NAMESPACE, "wait", phase, "pod/ask", "--timeout=60s"], quiet=True)
    _kubectl(["-n", NAMESPACE, "logs", "ask"])
    _kubectl(["-n", NAMESPACE, "delete", "pod", "ask"], quiet=True)


if __name__ == "__main__":
    main()
