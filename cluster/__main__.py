"""The command line: python3 -m cluster build [NAME...] | up | down | status | load IMAGE.tar... | shell -- COMMAND."""

import argparse
import fcntl
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cluster import binaries, images, network
from cluster.errors import ClusterError
from cluster.identity import Identity, load
from cluster.progress import step
from cluster.start import build, up
from cluster.state import look
from cluster.stop import down

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Do what the arguments say; 1 for a failure that was explained."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments)
    except (ClusterError, PermissionError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "build":
            with _lock():
                build(ROOT, arguments.programs or binaries.CLUSTER)
        case "up":
            with _lock():
                up(ROOT)
        case "down":
            with _lock():
                down(ROOT)
        case "load":
            _load(_existing(), arguments.archives)
        case "shell":
            network.run_inside(_existing(), arguments.words or ["bash"])
        case _:
            return _status()
    return 0


def _load(identity: Identity, archives: list[Path]) -> None:
    for archive in archives:
        with step(f"load {archive.name}"):
            images.load_image(identity, archive)


def _status() -> int:
    identity = load(ROOT)
    if identity is None:
        print("There is no cluster: start it with `python3 -m cluster up`.")
        return 1
    state = look(identity)
    print(f"network {identity.block}: {'there' if state.network else 'missing'}")
    for name, pid in state.running.items():
        print(f"{name}: running, pid {pid}")
    for name in state.dead:
        print(f"{name}: not running")
    print(f"node: {'Ready' if state.node_ready else 'not Ready'}")
    if not state.is_whole:
        print("`python3 -m cluster up` mends it.")
    return 0 if state.is_whole else 1


def _existing() -> Identity:
    identity = load(ROOT)
    if identity is None:
        raise ClusterError("there is no cluster: start it with `python3 -m cluster up`")
    return identity


@contextmanager
def _lock() -> Generator[None]:
    """One start or stop at a time in a checkout. The lock is on a folder that outlives `down`."""
    handle = os.open(Path(__file__).parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another command is starting or stopping this cluster: waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build programs, and start nothing")
    building.add_argument("programs", nargs="*", metavar="NAME", help=", ".join(binaries.PROGRAMS))
    commands.add_parser("up", help="start the cluster, or mend it")
    commands.add_parser("down", help="leave nothing of it")
    commands.add_parser("status", help="say what runs; ends with 0 if all does")
    loading = commands.add_parser("load", help="give images to it")
    loading.add_argument("archives", nargs="+", type=Path)
    shell = commands.add_parser("shell", help="run a command in its network")
    shell.add_argument("words", nargs="*", metavar="COMMAND")
    return parser


if __name__ == "__main__":
    sys.exit(main())
