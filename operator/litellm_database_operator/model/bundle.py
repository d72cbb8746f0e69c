"""Bundles: what one release of litellm-proxy-extras ships, and the library of them in the image.

Read by the operator (which target is meant, is the ledger complete?) and by the migrator (what to apply).
The files are written by `python3 -m bundles build`; docs/spec/bundle.md gives their shapes.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NewType

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits."""
BundleVersion = NewType("BundleVersion", str)
_BASELINE_DIFF: Final = "_baseline_diff"
_FORMAT: Final = 2


class LibraryError(Exception):
    """The library in the image is not one that this operator can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A LiteLLM release that asks for a range, of which it is known what a fresh install got on its day."""

    release: str
    requires: str
    """The range, as package metadata has it."""
    bundle: BundleVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One bundle, as far as the operator needs to know it."""

    version: BundleVersion
    digest: Digest
    litellm: tuple[str, ...]
    """The LiteLLM releases that pin it, oldest first."""
    migrations: tuple[str, ...]
    """Names in the order in which they are applied."""
    views: tuple[str, ...]
    gaps: tuple[str, ...] = ()
    """What its schema.prisma names and no file of it makes: with one, no database of it is ever complete."""
    resolution: Resolution | None = None
    """Why it is this one, where the release that was asked for names a range."""


class Why(StrEnum):
    """Why a LiteLLM release has no bundle."""

    NOT_SERVED = "NotServed"
    """It pins a bundle that the package index does not serve."""
    RANGE = "Range"
    """It names a range, and nobody knows what a fresh install got on its day."""
    NO_PIN = "NoPin"
    """It asks for no bundle at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A LiteLLM release that is known, and has no bundle."""

    release: str
    requires: str
    why: Why
    nearest: str
    """The LiteLLM release closest to it that has one without gaps."""
    choices: tuple[BundleVersion, ...]
    """Bundles that would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All bundles of the image, by version."""

    bundles: tuple[Bundle, ...]
    resolutions: tuple[Resolution, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def by_bundle(self, version: str) -> Bundle | None:
        """Return the bundle of that version, or None."""
        return next((bundle for bundle in self.bundles if bundle.version == version), None)

    def by_litellm(self, version: str) -> Bundle | None:
        """Return the bundle that a LiteLLM release pins or got, or None: by package metadata, never by arithmetic."""
        pinned = next((bundle for bundle in self.bundles if version in bundle.litellm), None)
        return pinned or self._resolved(version)

    def _resolved(self, version: str) -> Bundle | None:
        resolution = next((each for each in self.resolutions if each.release == version), None)
        bundle = resolution and self.by_bundle(resolution.bundle)
        return replace(bundle, resolution=resolution) if bundle else None

    def refusal(self, version: str) -> Refusal | None:
        """Return why a LiteLLM release has no bundle; None for one that has, and for one never heard of."""
        return next((each for each in self.refusals if each.release == version), None)

    def nearest_litellm(self, version: str) -> str:
        """Return the LiteLLM release closest to another one that would do, for the message that refuses that one."""
        whole = self._without_gaps()
        pinning = (release for bundle in whole.values() for release in bundle.litellm)
        return _nearest(version, (*pinning, *(each.release for each in self.resolutions if each.bundle in whole)))

    def nearest_bundle(self, version: str) -> str:
        """Return the version of the bundle closest to another one that would do."""
        return _nearest(version, self._without_gaps())

    def without_gaps(self, versions: Iterable[BundleVersion]) -> tuple[BundleVersion, ...]:
        """Return those of the bundles that would do."""
        whole = self._without_gaps()
        return tuple(version for version in versions if version in whole)

    def _without_gaps(self) -> Mapping[BundleVersion, Bundle]:
        return {bundle.version: bundle for bundle in self.bundles if not bundle.gaps}


def _nearest(version: str, known: Iterable[str]) -> str:
    in_order = sorted(known, key=_numbers)
    older = [each for each in in_order if _numbers(each) <= _numbers(version)]
    newer = [each for each in in_order if _numbers(each) > _numbers(version)]
    return min((*older[-1:], *newer[:1]), key=lambda each: _distance(each, version))


def _numbers(version: str) -> tuple[int, ...]:
    digits = ("".join(filter(str.isdigit, part)) for part in version.split("."))
    return tuple(int(part or 0) for part in digits)


def _distance(one: str, other: str) -> tuple[int, ...]:
    pairs = zip(_numbers(one), _numbers(other), strict=False)
    return tuple(abs(left - right) for left, right in pairs)


def names_ahead(known: Sequence[str], finished: Iterable[str]) -> tuple[str, ...]:
    """Return applied migrations that are unknown to a bundle and newer than all of its own: the database is ahead.

    Unknown ones that are older say nothing, as LiteLLM rewrites its history; nor do the baseline diffs that
    LiteLLM's own migrator leaves, named after the moment.
    """
    newest = max((name.encode() for name in known), default=b"")
    unknown = set(finished) - set(known)
    ahead = (name for name in unknown if name.encode() > newest and not name.endswith(_BASELINE_DIFF))
    return tuple(sorted(ahead, key=str.encode))


def ledger_fingerprint(finished: Iterable[str]) -> str:
    """Return a short name for a ledger's finished migrations; equal sets, equal names."""
    return hashlib.sha256("\n".join(sorted(finished)).encode()).hexdigest()[:16]


def read_library(folder: Path) -> Library:
    """Read the library that lies in `folder`; LibraryError, or what reading raises, is an error of the image."""
    index = json.loads((folder / "index.json").read_bytes())
    if index.get("format") != _FORMAT:
        raise LibraryError(f"cannot read the library: its format is not {_FORMAT}")
    return Library(
        bundles=tuple(_read_bundle(folder / f"{version}.json") for version in index["bundles"]),
        resolutions=tuple(Resolution(release=release, **facts) for release, facts in index["resolved"].items()),
        refusals=tuple(_read_refusal(release, facts) for release, facts in index["refused"].items()),
    )


def _read_refusal(release: str, facts: Mapping[str, Any]) -> Refusal:
    return Refusal(
        release=release,
        requires=facts["requires"],
        why=Why(facts["why"]),
        nearest=facts["nearest"],
        choices=tuple(map(BundleVersion, facts["choices"])),
    )


def _read_bundle(file: Path) -> Bundle:
    facts = json.loads(file.read_bytes())
    migrations = sorted((each["name"] for each in facts["migrations"]), key=str.encode)
    if not migrations:
        raise LibraryError(f"cannot use bundle {facts['version']}: it has no migrations")
    return Bundle(
        version=BundleVersion(facts["version"]),
        digest=Digest(facts["digest"]),
        litellm=tuple(facts["litellm"]),
        # bundles share nearly all of their names
        migrations=tuple(map(sys.intern, migrations)),
        views=tuple(sys.intern(view["name"]) for view in facts["views"]),
        gaps=tuple(facts["gaps"]),
    )
