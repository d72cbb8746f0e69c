"""Starts the cluster, or mends what is missing of it.

Each step looks first and does nothing where nothing is to be done: a first start, a half-started
cluster and one whose processes were killed all go the same way.
"""

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from cluster import binaries, certificates, cgroups, configuration, images, mounts, network, objects, tools
from cluster.api import Api
from cluster.errors import ClusterError
from cluster.identity import Identity, choose, load, store
from cluster.processes import Program, note, recall, start, stop
from cluster.programs import KUBERNETES, foundation, upon_it
from cluster.progress import step
from cluster.state import api_answers, containerd_answers, dns_answers, is_current, node_is_ready
from cluster.stop import sweep
from cluster.waiting import wait_until


def build(root: Path, wanted: Iterable[str]) -> None:
    """Build those programs that the cache lacks, and start nothing. Raises ClusterError as `up`."""
    tools.prepare(needs_go=bool(binaries.missing(wanted)))
    log = root / "build" / "cluster.log"
    log.parent.mkdir(exist_ok=True)
    binaries.build_missing(log, wanted)


def up(root: Path) -> Identity:
    """Bring the cluster of a checkout up. Raises ClusterError, with every obstacle at once."""
    begun = time.monotonic()
    tools.prepare(needs_go=bool(binaries.missing()))
    identity = _identity(root)
    binaries.build_missing(identity.state / "build.log")
    _link_programs(identity)
    _lay_network(identity)
    _configure(identity)
    _start_foundation(identity)
    _start_rest(identity)
    images.load_new(identity)
    print(f"The cluster is up ({time.monotonic() - begun:.1f} s).")
    kubeconfig, programs = (shlex.quote(str(identity.state / name)) for name in ("kubeconfig", "bin"))
    print(f"  export KUBECONFIG={kubeconfig} PATH={programs}:$PATH")
    return identity


def _identity(root: Path) -> Identity:
    identity = load(root)
    if identity is None:
        # What a copied folder says of processes is said of another cluster's.
        shutil.rmtree(root / ".cluster", ignore_errors=True)
        identity = choose(root, network.routed_networks())
        store(identity)
    return identity


def _link_programs(identity: Identity) -> None:
    """Give the programs their names."""
    (identity.state / "bin").mkdir(exist_ok=True)
    for name in KUBERNETES:
        _symlink(identity.state / "bin" / name, binaries.path_of("kubernetes"))
    _symlink(identity.state / "bin" / "coredns", binaries.path_of("coredns"))


def _symlink(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _lay_network(identity: Identity) -> None:
    if not network.exists(identity):
        # What still runs does so in a namespace that is lost.
        sweep(identity)
        with step(f"network {identity.block}"):
            mounts.bind(identity.state, identity.run)
            network.ensure(identity)
    else:
        network.ensure(identity)


def _configure(identity: Identity) -> None:
    if not (identity.state / "kubeconfig").exists():
        with step("certificates and configuration"):
            _write_configuration(identity)
    else:
        _write_configuration(identity)


def _write_configuration(identity: Identity) -> None:
    certificates.ensure(identity)
    cni = tools.cni_folder()
    if cni is None:
        raise ClusterError("cannot find the network plugins of containernetworking-plugins")
    configuration.write(configuration.files(identity, cni, images.snapshotter(identity)))
    for folder in [*objects.volume_folders(identity).values(), identity.state / "logs"]:
        folder.mkdir(parents=True, exist_ok=True)


def _start_foundation(identity: Identity) -> None:
    with _starting(identity, foundation(identity)) as ended:
        wait_until("containerd answers", lambda: containerd_answers(identity), unless=ended)
        wait_until("the API server is ready", lambda: api_answers(identity), unless=ended)
        images.load_pause(identity)


def _start_rest(identity: Identity) -> None:
    with _starting(identity, upon_it(identity)) as ended:
        api = Api.as_admin(identity.run, str(identity.node))
        for path, content in objects.objects(identity).items():
            api.apply(path, content)
        wait_until("the node is Ready", lambda: node_is_ready(identity), unless=ended)
        wait_until("DNS answers", lambda: dns_answers(identity), unless=ended)


@contextmanager
def _starting(identity: Identity, programs: list[Program]) -> Generator[Callable[[], str | None]]:
    """Start those that do not run as they should; what is waited for them counts as their time.

    Gives a question: which of them has ended meanwhile, and with what words?
    """
    due = [program for program in programs if not is_current(identity, program)]
    if not due:
        yield lambda: None
        return
    with step("start " + ", ".join(program.name for program in due)):
        started = {program.name: _start(identity, program) for program in due}
        yield lambda: _ended(identity, started)


def _start(identity: Identity, program: Program) -> subprocess.Popen[bytes]:
    folder = identity.state / "processes"
    if outdated := recall(folder, program.name):
        stop(outdated)
    process = start(
        program,
        entering=network.enter(identity),
        cgroup_procs=cgroups.create(identity.name),
        log=identity.state / "logs" / f"{program.name}.log",
    )
    note(folder, program, process.pid)
    return process


def _ended(identity: Identity, started: dict[str, subprocess.Popen[bytes]]) -> str | None:
    for name, process in started.items():
        if process.poll() is not None:
            log = identity.state / "logs" / f"{name}.log"
            return f"{name} ended, its last words are: {_last_words(log)} (see {log})"
    return None


def _last_words(log: Path) -> str:
    """Find the line that tells most: the last that speaks of a fault, else the last."""
    lines = log.read_text(errors="replace").splitlines() or ["none"]
    telling = [line for line in lines if re.search("panic|fatal|failed|error", line, re.IGNORECASE)]
    return (telling or lines)[-1].strip()[:300]
