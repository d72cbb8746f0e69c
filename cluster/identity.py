"""Which cluster belongs to this checkout: its name and its addresses, both taken from the path.

Two checkouts beside each other get two names and two blocks of addresses, and so two clusters
that share nothing. Pure, apart from `store` and `load`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from cluster.errors import ClusterError

# Shared address space (RFC 6598): hosts seldom have routes into it, unlike 10/8 and 172.16/12.
SPACE = IPv4Network("100.64.0.0/10")
BLOCK_PREFIX = 20
RECORD = "cluster.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One cluster."""

    root: Path
    """The checkout that it belongs to."""
    name: str
    """Of its network interface, its cgroup and its link below /run."""
    block: IPv4Network
    """All its addresses: pods in the first half, Services in the next quarter, then the link."""

    @property
    def state(self) -> Path:
        """The folder that holds everything."""
        return self.root / ".cluster"

    @property
    def run(self) -> Path:
        """The same folder, mounted at a short path: a socket's has room for 107 bytes only.

        Not a symbolic link: the kubelet would not find its own mounts again by such a path.
        """
        return Path("/run") / self.name

    @property
    def pods(self) -> IPv4Network:
        """Addresses of pods."""
        return next(self.block.subnets(prefixlen_diff=1))

    @property
    def services(self) -> IPv4Network:
        """Addresses of Services."""
        return list(self.block.subnets(prefixlen_diff=2))[2]

    @property
    def link(self) -> IPv4Network:
        """The two addresses between this machine and the cluster."""
        last_quarter = list(self.block.subnets(prefixlen_diff=2))[3]
        return next(last_quarter.subnets(new_prefix=30))

    @property
    def host(self) -> IPv4Address:
        """This machine, seen from the cluster."""
        return self.link[1]

    @property
    def node(self) -> IPv4Address:
        """The cluster's node, seen from this machine."""
        return self.link[2]

    @property
    def api(self) -> str:
        """Where the API server answers."""
        return f"https://{self.node}:6443"

    @property
    def dns(self) -> IPv4Address:
        """The Service kube-dns."""
        return self.services[10]


def cluster_name(root: Path) -> str:
    """Name the cluster of a checkout; short enough for a network interface (15 bytes)."""
    return "lldb-" + hashlib.sha256(str(root).encode()).hexdigest()[:8]


def candidate_blocks(name: str) -> Iterator[IPv4Network]:
    """Every block of addresses, beginning at one that follows from the name."""
    blocks = list(SPACE.subnets(new_prefix=BLOCK_PREFIX))
    first = int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(blocks)
    yield from blocks[first:] + blocks[:first]


def choose(root: Path, routed: Iterable[IPv4Network]) -> Identity:
    """Give a checkout its identity, in a block that no route of this machine touches.

    Raises ClusterError when all blocks are taken.
    """
    taken = list(routed)
    name = cluster_name(root)
    for block in candidate_blocks(name):
        if not any(block.overlaps(network) for network in taken):
            return Identity(root=root, name=name, block=block)
    raise ClusterError(f"cannot find addresses for the cluster: all of {SPACE} is routed")


def load(root: Path) -> Identity | None:
    """Read what an earlier start chose for this checkout; None if there was none.

    A folder that was copied together with its checkout names the original's cluster, which must
    not be touched: that counts as none.
    """
    try:
        record = json.loads((root / ".cluster" / RECORD).read_text())
    except FileNotFoundError:
        return None
    original = Path(record["root"])
    if original != root and (original / ".cluster" / RECORD).exists():
        return None
    return Identity(root=root, name=record["name"], block=IPv4Network(record["block"]))


def store(identity: Identity) -> None:
    """Keep the identity: certificates and objects hold its addresses."""
    identity.state.mkdir(exist_ok=True)
    record = {
        "root": str(identity.root),
        "name": identity.name,
        "block": str(identity.block),
    }
    (identity.state / RECORD).write_text(json.dumps(record, indent=2) + "\n")
