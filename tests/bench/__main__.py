"""Measures the figures: `python -m tests.bench [NAME…]`, all of them without a name.

Writes build/bench.json, where figures that were not measured this time stay as they are, and prints a table.
Figures that need the same surroundings are measured in the same ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.bench import provisioning, quiet
from tests.bench.figures import AIMS, Figure, table, this_machine
from tests.bench.hundred import Hundred
from tests.bench.image import image_compressed_mib, image_mib
from tests.bench.installing import install_seconds
from tests.bench.place import BenchError, place, versions
from tests.bench.progress import tell
from tests.bench.psql import newest_bundle
from tests.bench.single import Rounds
from tests.bench.upgrades import Upgrades
from tests.support.helm import HelmError
from tests.support.installation import install_operator
from tests.support.kubectl import ROOT, KubectlError, NotInTimeError

RESULT: Final = ROOT / "build/bench.json"
_SINGLE: Final = frozenset({"ready_seconds", "migration_ratio", "api_writes_first_ready"})
_UPGRADE: Final = frozenset({"plan_seconds", "noop_seconds", "upgrade_longest_stall_ms", "upgrade_failed_statements"})
_MEMORY: Final = "migrator_mib"
_IDLE: Final = frozenset({"api_writes_idle", "sql_idle_per_minute"})
_HUNDRED: Final = frozenset({"provisioning_ratio", "operator_rss_mib", "api_writes_restart"}) | _IDLE


def main() -> int:
    """Measure what the arguments name; 1 for something that hinders, with a sentence."""
    wanted = frozenset(sys.argv[1:]) or frozenset(AIMS)
    if unknown := wanted - AIMS.keys():
        told = f"There is no figure {', '.join(sorted(unknown))}: choose from {', '.join(AIMS)}"
        print(told, file=sys.stderr)  # noqa: T201
        return 2
    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        tell("install the operator")
        install_operator()
        about = this_machine().record() | versions() | {"at": now}
        for figure in _measure(wanted):
            write(RESULT, [figure], about)
            print(table([figure]), flush=True)  # noqa: T201
    except (BenchError, HelmError, KubectlError, NotInTimeError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _measure(wanted: Collection[str]) -> Iterator[Figure]:
    if "image_mib" in wanted:
        yield image_mib()
    if "image_compressed_mib" in wanted:
        yield image_compressed_mib()
    if "install_seconds" in wanted:
        yield install_seconds()
    if (_SINGLE | _UPGRADE | {_MEMORY}) & set(wanted):
        yield from _measure_migrations(wanted)
    if _HUNDRED & set(wanted):
        yield from _measure_hundred(wanted)


def _measure_migrations(wanted: Collection[str]) -> Iterator[Figure]:
    with newest_bundle() as psql, place(migrations=1) as here:
        rounds, upgrades = Rounds(here=here, psql=psql), Upgrades(here=here, psql=psql)
        for key in sorted(_SINGLE & set(wanted)):
            yield getattr(rounds, key)()
        for key in sorted(_UPGRADE & set(wanted)):
            yield getattr(upgrades, key)()
        if _MEMORY in wanted:
            yield upgrades.migrator_mib(rounds.migrator_mib())


def _measure_hundred(wanted: Collection[str]) -> Iterator[Figure]:
    """Measure in the order of the hundred's life: made, Ready, idle, looked at by a new operator."""
    with place(migrations=1) as here:
        hundred = Hundred(here=here)
        if "provisioning_ratio" in wanted:
            yield provisioning.provisioning_ratio(hundred)
        if "operator_rss_mib" in wanted:
            yield quiet.operator_rss_mib(hundred)
        if _IDLE & set(wanted):
            yield from (figure for figure in quiet.idle(hundred) if figure.key in wanted)
        if "api_writes_restart" in wanted:
            yield quiet.api_writes_restart(hundred)


def write(path: Path, measured: Collection[Figure], about: dict[str, Any]) -> None:
    """Write figures beside those that the file has already, each with the machine it was measured on."""
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    fresh = {figure.key: figure.record() | {"machine": about} for figure in measured}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(known | fresh, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
