"""Tries whether the migrator's verdict is true: `python -m tests.truth [--part] [TEXT…]`; docs/operations/truth.md.

Prints a line for each case, writes build/truth.json (with --part, build/truth-part.json), and ends with 1 unless all
agree. With a TEXT only cases in whose names it stands are tried, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path
from typing import Final

from bundles.build import build_library
from bundles.lock import read_lock
from tests.integration.migrator.place import TOP
from tests.support.postgres_server import PostgresServers
from tests.truth.bundle_files import BundleFiles, read_bundle
from tests.truth.cases import Case, everything, part
from tests.truth.psql import PsqlMissingError, find_psql
from tests.truth.trials import Result, carry_out
from tests.truth.workshop import Workshop

_AT_ONCE: Final = 2
"""Cases at a time, as many as a small machine has cores: each is mostly one busy process."""
_QUIET: Final = {"autovacuum": "off", "checkpoint_timeout": "1h", "max_wal_size": "8GB"}
"""Servers that live for minutes, and hold a hundred databases that nobody comes back to."""
_BEGUN: Final = time.monotonic()


def main(arguments: Sequence[str]) -> int:
    """Try what was asked for; 0 when all agree, 1 when not, 2 for something that hinders, with a sentence."""
    asked = _parser().parse_args(arguments)
    try:
        find_psql()
    except PsqlMissingError as error:
        _print(str(error))
        return 2
    bundles = _library(TOP / "build/truth-library")
    cases = [case for case in (part if asked.part else everything)(bundles) if _is_wanted(case, asked.text)]
    results = list(_try(cases, TOP / "build/truth-library"))
    if not asked.text:
        _write(TOP / "build" / ("truth-part.json" if asked.part else "truth.json"), results)
    return _conclude(results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("--part", action="store_true", help="a small part of every kind of case")
    parser.add_argument("text", nargs="*", help="only cases in whose names one of these stands")
    return parser


def _library(folder: Path) -> list[BundleFiles]:
    """Build the library of the lock, and read it with our own eyes; oldest bundle first."""
    build_library(read_lock(), folder)
    index = json.loads((folder / "index.json").read_bytes())
    return [read_bundle(folder, version) for version in index["bundles"]]


def _is_wanted(case: Case, texts: Sequence[str]) -> bool:
    return not texts or any(text in case.name for text in texts)


def _try(cases: Sequence[Case], library: Path) -> Iterator[Result]:
    with closing(PostgresServers()) as servers, ThreadPoolExecutor(_AT_ONCE) as pool:
        majors = sorted({case.server for case in cases})
        workshops = {major: Workshop(servers.start(major, settings=_QUIET), library) for major in majors}
        _print(f"{len(cases)} cases on PostgreSQL {', '.join(map(str, majors))}")
        trials = [pool.submit(carry_out, case, workshops[case.server]) for case in cases]
        for trial in as_completed(trials):
            if result := trial.result():
                _print(_line(result))
                yield result


def _line(result: Result) -> str:
    agreed = "agreed" if result.agreed else f"NOT AGREED: {result.why}"
    told = f"verdict: {result.verdict}; witness: {result.witness}"
    return f"PostgreSQL {result.server}  {result.name}  {told}  {result.seconds:.1f} s  {agreed}"


def _write(path: Path, results: Sequence[Result]) -> None:
    path.parent.mkdir(exist_ok=True)
    told = {
        "tried": len(results),
        "agreed": sum(result.agreed for result in results),
        "cases": [result.record() for result in sorted(results, key=lambda result: (result.name, result.server))],
    }
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def _conclude(results: Sequence[Result]) -> int:
    disagreed = [result for result in results if not result.agreed]
    for result in disagreed:
        _print(_line(result))
    _print(f"agreed {len(results) - len(disagreed)} / tried {len(results)}")
    return 0 if results and not disagreed else 1


def _print(line: str) -> None:
    print(f"{time.monotonic() - _BEGUN:6.1f} s  {line}", flush=True)  # noqa: T201 - a command line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
