"""Command line: `python3 -m bundles build --to DIR`, `python3 -m bundles lock [LITELLM_VERSION ...]`."""

import argparse
import time
from pathlib import Path

from bundles.build import build_library
from bundles.lock import read_lock, write_lock
from bundles.renew import renew


def main() -> None:
    """Do what the command line asks for, and say what was done."""
    arguments = _parser().parse_args()
    begun = time.monotonic()
    if arguments.command == "build":
        bundles = read_lock()
        build_library(bundles, arguments.to)
    else:
        bundles = renew(read_lock(), arguments.litellm)
        write_lock(bundles)
    for bundle in bundles:
        print(f"{bundle.version}  {bundle.digest[:19]}  LiteLLM {', '.join(bundle.litellm)}")
    print(f"{arguments.command}: {len(bundles)} bundles in {time.monotonic() - begun:.1f} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m bundles", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build the library out of the lock")
    build.add_argument("--to", type=Path, required=True, metavar="DIR", help="the library's folder")
    lock = commands.add_parser("lock", help="renew the lock")
    lock.add_argument(
        "litellm", nargs="*", metavar="LITELLM_VERSION", help="a release whose bundle is wanted (default: the newest)"
    )
    return parser


if __name__ == "__main__":
    main()
