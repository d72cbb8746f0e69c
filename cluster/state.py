"""What the cluster is like just now: which of its programs run, and whether its node is Ready."""

import math
import socket
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cluster import network
from cluster.api import Api
from cluster.certificates import NODE
from cluster.errors import ClusterError
from cluster.identity import Identity
from cluster.processes import Program, digest, is_alive, recall
from cluster.programs import dns_ready, foundation, upon_it


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What was seen."""

    network: bool
    running: dict[str, int]
    """Pids of the programs that run."""
    dead: tuple[str, ...]
    node_ready: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.network and not self.dead and self.node_ready


def look(identity: Identity) -> State:
    """Look at the cluster."""
    folder = identity.state / "processes"
    running: dict[str, int] = {}
    dead: list[str] = []
    for program in [*foundation(identity), *upon_it(identity)]:
        process = recall(folder, program.name)
        if process and is_alive(process):
            running[program.name] = process.pid
        else:
            dead.append(program.name)
    return State(
        network=network.exists(identity),
        running=running,
        dead=tuple(dead),
        node_ready=bool(running) and node_is_ready(identity),
    )


def is_current(identity: Identity, program: Program) -> bool:
    """Whether a program runs as it would be started today."""
    process = recall(identity.state / "processes", program.name)
    return process is not None and is_alive(process) and process.digest == digest(program)


def containerd_answers(identity: Identity) -> bool:
    """Whether containerd takes requests."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(identity.run / "containerd.sock")) == 0


def api_answers(identity: Identity) -> bool:
    """Whether the API server is ready."""
    try:
        status, _ = Api.as_admin(identity.run, str(identity.node)).request("GET", "/readyz")
    except OSError:
        return False
    return status == 200  # noqa: PLR2004 -- HTTP's own number


def node_is_ready(identity: Identity) -> bool:
    """Whether pods are started: the node is Ready, free of taints, and accounts exist."""
    api = Api.as_admin(identity.run, str(identity.node))
    try:
        node = api.get(f"/api/v1/nodes/{NODE}")
        account = api.get("/api/v1/namespaces/default/serviceaccounts/default")
    except (OSError, ClusterError):
        return False
    started = _kubelet_started(identity)
    return account is not None and node is not None and accepts_pods(node, since=started)


def _kubelet_started(identity: Identity) -> float:
    record = identity.state / "processes" / "kubelet.json"
    return record.stat().st_mtime if record.exists() else math.inf


def accepts_pods(node: dict[str, Any], *, since: float) -> bool:
    """Read the node's own word, said by the kubelet that runs since then.

    What an earlier kubelet said stays in the object for a while.
    """
    conditions = {entry["type"]: entry for entry in node["status"].get("conditions", [])}
    ready = conditions.get("Ready", {"status": "Unknown", "lastHeartbeatTime": "1970-01-01T00:00:00Z"})
    said = datetime.fromisoformat(ready["lastHeartbeatTime"]).timestamp()
    # Times in an object are whole seconds.
    return ready["status"] == "True" and said + 1 > since and not node["spec"].get("taints")


def dns_answers(identity: Identity) -> bool:
    """Whether CoreDNS knows the cluster's names."""
    try:
        with urllib.request.urlopen(dns_ready(identity), timeout=2) as response:  # noqa: S310 -- http, ours
            return bool(response.status == 200)  # noqa: PLR2004 -- HTTP's own number
    except OSError:
        return False
