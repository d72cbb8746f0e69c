"""The cluster's network namespace, and the one cable between it and this machine.

Everything runs in there: its rules never meet this machine's, and nothing gets out.
"""

import json
import os
from ipaddress import IPv4Network
from pathlib import Path

from cluster.commands import run, succeeds
from cluster.identity import Identity
from cluster.mounts import mount_points

BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def namespace(identity: Identity) -> Path:
    """The file that holds the namespace while no process does."""
    return identity.run / "netns"


def enter(identity: Identity) -> list[str]:
    """Begin a command with these words to run it in the cluster's network.

    `ip netns exec` would also mount a /sys without cgroups, which the kubelet cannot live with.
    """
    return ["nsenter", f"--net={namespace(identity)}"]


def routed_networks() -> list[IPv4Network]:
    """Networks that this machine has routes to, the default route aside."""
    routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]")
    return [network for route in routes if (network := _network(route.get("dst", "")))]


def exists(identity: Identity) -> bool:
    """Whether the namespace stands, and so the mount that its file lies in."""
    return namespace(identity) in mount_points()


def ensure(identity: Identity) -> None:
    """Make what is missing of the namespace, the cable and the routes."""
    if not exists(identity):
        namespace(identity).touch()
        run(["unshare", f"--net={namespace(identity)}", "true"])
    if not succeeds(["ip", "link", "show", identity.name]):
        peer = ["peer", "name", "eth0", "netns", str(namespace(identity))]
        run(["ip", "link", "add", identity.name, "type", "veth", *peer])
    run(["ip", "-batch", "-"], stdin=_outside(identity))
    run([*enter(identity), "ip", "-batch", "-"], stdin=_inside(identity))
    _allow_forwarding(identity)


def remove(identity: Identity) -> None:
    """Take the cable away, and its routes with it; the namespace goes with its mount."""
    if succeeds(["ip", "link", "show", identity.name]):
        run(["ip", "link", "delete", identity.name])


def _outside(identity: Identity) -> str:
    return f"""\
address replace {identity.host}/{identity.link.prefixlen} dev {identity.name}
link set {identity.name} up
route replace {identity.pods} via {identity.node} dev {identity.name}
route replace {identity.services} via {identity.node} dev {identity.name}
"""


def _inside(identity: Identity) -> str:
    # Services' addresses exist in kube-proxy's rules only, but a packet needs a route to meet them.
    return f"""\
link set lo up
address replace {identity.node}/{identity.link.prefixlen} dev eth0
link set eth0 up
route replace {identity.services} dev eth0
"""


def _allow_forwarding(identity: Identity) -> None:
    # Traffic between two pods passes the bridge; without this it would pass by kube-proxy's rules.
    if not BRIDGE_FILTER.exists():
        run(["modprobe", "br_netfilter"])
    settings = f"echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > {BRIDGE_FILTER}"
    run([*enter(identity), "sh", "-ec", settings])


def _network(destination: str) -> IPv4Network | None:
    """Parse a route's destination; None for `default`."""
    if not destination or destination == "default":
        return None
    return IPv4Network(destination, strict=False)


def run_inside(identity: Identity, command: list[str]) -> None:
    """Become a command in the cluster's network; does not return."""
    words = [*enter(identity), *command]
    os.execvp(words[0], words)  # noqa: S606 -- no shell is wanted
