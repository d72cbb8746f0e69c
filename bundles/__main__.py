"""Command line: `python3 -m bundles build --to DIR`, `python3 -m bundles lock`."""

import argparse
import time
from pathlib import Path

from bundles.build import build_library
from bundles.lock import Lock, read_lock, write_lock
from bundles.renew import renew


def main() -> None:
    """Do what the command line asks for, and say what was done."""
    arguments = _parser().parse_args()
    begun = time.monotonic()
    if arguments.command == "build":
        lock = read_lock()
        build_library(lock, arguments.to)
    else:
        lock = renew()
        write_lock(lock)
    _say(lock)
    print(f"{arguments.command}: {len(lock.bundles)} bundles in {time.monotonic() - begun:.1f} s")


def _say(lock: Lock) -> None:
    for bundle in lock.bundles:
        print(f"{bundle.version}  {bundle.digest[:19]}  LiteLLM {', '.join(bundle.litellm) or '-'}")
    for resolved in lock.resolved:
        print(f"LiteLLM {resolved.release} asks for {resolved.requires}: bundle {resolved.bundle}")
    for refused in lock.refused:
        print(f"LiteLLM {refused.release} asks for {refused.requires or 'nothing'}: refused, {refused.why}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m bundles", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build the library out of the lock")
    build.add_argument("--to", type=Path, required=True, metavar="DIR", help="the library's folder")
    commands.add_parser("lock", help="renew the lock, for every stable release of LiteLLM")
    return parser


if __name__ == "__main__":
    main()
