"""Bundles: what one release of litellm-proxy-extras ships, and the library of them in the image.

Read by the operator (which target is meant, is the ledger complete?) and by the migrator (what to apply).
The files are written by `python3 -m bundles build`; docs/spec/bundle.md gives their shapes.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NewType

Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits."""
BundleVersion = NewType("BundleVersion", str)
_BASELINE_DIFF: Final = "_baseline_diff"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All bundles of the image, by version."""

    bundles: tuple[Bundle, ...]

    def by_bundle(self, version: str) -> Bundle | None:
        """Return the bundle of that version, or None."""
        return next((bundle for bundle in self.bundles if bundle.version == version), None)

    def by_litellm(self, version: str) -> Bundle | None:
        """Return the bundle that a LiteLLM release pins, or None: by package metadata, never by arithmetic."""
        return next((bundle for bundle in self.bundles if version in bundle.litellm), None)

    def nearest_litellm(self, version: str) -> str:
        """Return the known LiteLLM release closest to an unknown one, for the message that refuses it."""
        known = sorted((release for bundle in self.bundles for release in bundle.litellm), key=_numbers)
        older = [release for release in known if _numbers(release) <= _numbers(version)]
        newer = [release for release in known if _numbers(release) > _numbers(version)]
        return min((*older[-1:], *newer[:1]), key=lambda release: _distance(release, version))


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
    """Read the library that lies in `folder`; a missing or malformed one is an error of the image, and raises."""
    index: dict[str, object] = json.loads((folder / "index.json").read_text())
    return Library(bundles=tuple(_read_bundle(folder / version) for version in index))


def _read_bundle(folder: Path) -> Bundle:
    facts = json.loads((folder / "bundle.json").read_text())
    return Bundle(
        version=BundleVersion(facts["version"]),
        digest=Digest(facts["digest"]),
        litellm=tuple(facts["litellm"]),
        migrations=tuple(sorted(path.name for path in (folder / "migrations").iterdir() if path.is_dir())),
        views=tuple(view["name"] for view in json.loads((folder / "views.json").read_text())),
    )
