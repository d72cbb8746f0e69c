"""What is tried: chosen out of the library's versions by rule, the same at every run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeVar

from tests.support.postgres_server import MAJORS
from tests.truth.bundle_files import BundleFiles
from tests.truth.tampering import TAMPERINGS, Tampering

_Thing = TypeVar("_Thing")
_PAIRS: Final = 30
_KILLS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FromEmpty:
    """A bundle, and an empty database."""

    server: int
    version: str
    awkward: bool = False
    """In a schema whose name has to be quoted."""

    @property
    def name(self) -> str:
        """The case in words."""
        return f"{self.version} from empty" + (", in a schema with quotes and spaces" if self.awkward else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """A database that the migrator brought to `old`, and then to `new`."""

    server: int
    old: str
    new: str

    @property
    def name(self) -> str:
        """The case in words."""
        return f"{self.old} to {self.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A migrator that is killed at a file, and a second one that comes after it."""

    server: int
    version: str
    migration: str
    committed: bool
    """Whether the server still commits the file, though nobody waits for its answer any more."""

    @property
    def name(self) -> str:
        """The case in words."""
        return f"{self.version} killed {'after' if self.committed else 'before'} {self.migration} was committed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tamper:
    """A complete database, something of which is taken away."""

    server: int
    version: str
    tampering: Tampering

    @property
    def name(self) -> str:
        """The case in words."""
        return f"{self.version} without {self.tampering.name}"


Case = FromEmpty | Upgrade | Kill | Tamper


def everything(bundles: Sequence[BundleFiles]) -> list[Case]:
    """Return all cases; `bundles` is the whole library, oldest first."""
    versions, newest = [bundle.version for bundle in bundles], bundles[-1]
    return [
        *_from_empty(versions),
        *_upgrades(versions, _PAIRS),
        *_tamperings(versions),
        *_kills(newest, home(versions, newest.version), _KILLS),
    ]


def part(bundles: Sequence[BundleFiles]) -> list[Case]:
    """Return a small part of every kind: for every change of the code, not only for a release."""
    versions, newest = [bundle.version for bundle in bundles], bundles[-1]
    few = spread(versions, 6)
    return [
        *(FromEmpty(server=home(few, version), version=version) for version in few),
        *_upgrades(few, 6),
        *(Tamper(server=16, version=newest.version, tampering=tampering) for tampering in TAMPERINGS),
        *_kills(newest, 18, 3),
    ]


def home(versions: Sequence[str], version: str) -> int:
    """Return the major on which a bundle is tried: one after the other takes its turn."""
    return MAJORS[versions.index(version) % len(MAJORS)]


def spread(things: Sequence[_Thing], count: int) -> list[_Thing]:
    """Return so many of a sequence, evenly spread, its last and where there is room its first among them."""
    if count >= len(things):
        return list(things)
    if count <= 1:
        return list(things[len(things) - count :])
    return [things[round(number * (len(things) - 1) / (count - 1))] for number in range(count)]


def _from_empty(versions: Sequence[str]) -> Iterator[FromEmpty]:
    """Every bundle, on the majors in turn; the newest on each of them, and in an awkward schema."""
    newest = versions[-1]
    for version in versions:
        yield FromEmpty(server=home(versions, version), version=version)
    for major in MAJORS:
        if major != home(versions, newest):
            yield FromEmpty(server=major, version=newest)
    yield FromEmpty(server=home(versions, newest), version=newest, awkward=True)


def _upgrades(versions: Sequence[str], count: int) -> Iterator[Upgrade]:
    """So many pairs: a third to the next bundle, a third to the newest, the rest over any distance; all evenly spread.

    Each on the major where the older bundle was tried from empty: what it left there is where the upgrade begins.
    """
    for old, new in _pairs(len(versions), count):
        yield Upgrade(server=home(versions, versions[old]), old=versions[old], new=versions[new])


def _pairs(length: int, count: int) -> list[tuple[int, int]]:
    newest = length - 1
    to_next = [(old, old + 1) for old in range(newest)]
    to_newest = [(old, newest) for old in range(newest - 1)]
    chosen = dict.fromkeys(spread(to_next, count // 3) + spread(to_newest, count // 3))
    others = [pair for pair in combinations(range(length), 2) if pair not in chosen]
    return sorted([*chosen, *spread(others, count - len(chosen))])


def _tamperings(versions: Sequence[str]) -> Iterator[Tamper]:
    """Take away each thing: from the newest bundle on every major, and from the oldest and the middle one."""
    newest, old, middle = versions[-1], versions[0], versions[len(versions) // 2]
    places = [(newest, major) for major in MAJORS]
    places += [(version, home(versions, version)) for version in dict.fromkeys([old, middle]) if version != newest]
    for version, major in places:
        for tampering in TAMPERINGS:
            yield Tamper(server=major, version=version, tampering=tampering)


def _kills(bundle: BundleFiles, server: int, count: int) -> Iterator[Kill]:
    """Kill at so many files: a quarter of them such that run outside of a transaction, all evenly spread."""
    alone = spread([file.name for file in bundle.files if file.runs_alone], count // 4 or 1)
    others = [file.name for file in bundle.files if file.name not in alone]
    for migration in sorted([*alone, *spread(others, count - len(alone))], key=str.encode):
        for committed in (False, True):
            yield Kill(server=server, version=bundle.version, migration=migration, committed=committed)
