"""The lock: which bundles there are, out of which wheels, with which digest, and which releases have none."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundles.content import json_bytes

PATH = Path(__file__).with_name("lock.json")
FORMAT = 2
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One file of a package index, by its hash; which index it comes from is pip's business."""

    project: str
    version: str
    filename: str
    sha256: str

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"cannot use {self.filename}: its sha256 is not 64 hexadecimal digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBundle:
    """What makes one bundle."""

    version: str
    digest: str
    litellm: tuple[str, ...]
    """The LiteLLM releases that pin it, oldest first."""
    extras_wheel: Wheel
    litellm_wheel: Wheel
    """The oldest release whose views are those of the oldest pinning one: most bundles share it."""
    gaps: tuple[str, ...] = ()
    """What its schema.prisma names and its own files do not make, in the migrator's words; a person wrote it here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A LiteLLM release with a range in place of a pin, of which it is known what its day gave it."""

    release: str
    requires: str
    bundle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A LiteLLM release that has no bundle here."""

    release: str
    requires: str
    why: str
    """NotServed: the index lacks the pinned bundle. Range: more than one would do. NoPin: it asks for none."""
    nearest: str
    """The release closest to it that has a bundle, one without gaps."""
    choices: tuple[str, ...]
    """Bundles that would do: those within a range."""

    def facts(self) -> Mapping[str, object]:
        """Return what lock and library say of it."""
        return {"requires": self.requires, "why": self.why, "nearest": self.nearest, "choices": self.choices}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All that is locked: bundles by version, the others by release, oldest first. Every release stands once."""

    bundles: tuple[LockedBundle, ...]
    resolved: tuple[Resolved, ...] = ()
    refused: tuple[Refused, ...] = ()

    def __post_init__(self) -> None:
        releases = self.releases()
        if twice := {release for release in releases if releases.count(release) > 1}:
            raise ValueError(f"cannot lock: {', '.join(sorted(twice))} would stand twice")

    def releases(self) -> list[str]:
        """Return every LiteLLM release that is known, those that are refused included."""
        pinning = [release for bundle in self.bundles for release in bundle.litellm]
        return [*pinning, *(each.release for each in self.resolved), *(each.release for each in self.refused)]


def read_lock(path: Path = PATH) -> Lock:
    """Read the lock; one of another format is an error."""
    document: dict[str, Any] = json.loads(path.read_text())
    if document["format"] != FORMAT:
        raise ValueError(f"cannot read {path.name}: format {document['format']}, not {FORMAT}")
    return Lock(
        bundles=tuple(_read_bundle(version, facts) for version, facts in document["bundles"].items()),
        resolved=tuple(Resolved(release=release, **facts) for release, facts in document["resolved"].items()),
        refused=tuple(_read_refused(release, facts) for release, facts in document["refused"].items()),
    )


def _read_bundle(version: str, facts: dict[str, Any]) -> LockedBundle:
    return LockedBundle(
        version=version,
        digest=facts["digest"],
        litellm=tuple(facts["litellm"]),
        extras_wheel=Wheel(**facts["extrasWheel"]),
        litellm_wheel=Wheel(**facts["litellmWheel"]),
        gaps=tuple(facts["gaps"]),
    )


def _read_refused(release: str, facts: dict[str, Any]) -> Refused:
    choices = tuple(facts["choices"])
    return Refused(
        release=release, requires=facts["requires"], why=facts["why"], nearest=facts["nearest"], choices=choices
    )


def write_lock(lock: Lock, path: Path = PATH) -> None:
    """Write the lock."""
    document = {
        "format": FORMAT,
        "bundles": {bundle.version: _facts(bundle) for bundle in lock.bundles},
        "resolved": {each.release: {"requires": each.requires, "bundle": each.bundle} for each in lock.resolved},
        "refused": {each.release: each.facts() for each in lock.refused},
    }
    path.write_bytes(json_bytes(document))


def _facts(bundle: LockedBundle) -> Mapping[str, object]:
    return {
        "digest": bundle.digest,
        "litellm": bundle.litellm,
        "gaps": bundle.gaps,
        "extrasWheel": _wheel_facts(bundle.extras_wheel),
        "litellmWheel": _wheel_facts(bundle.litellm_wheel),
    }


def _wheel_facts(wheel: Wheel) -> Mapping[str, str]:
    return {"project": wheel.project, "version": wheel.version, "filename": wheel.filename, "sha256": wheel.sha256}


def version_key(version: str) -> tuple[int, ...]:
    """Return what releases are ordered by; `0.4.102.post1` comes after `0.4.102`. Pre-releases are not locked."""
    return tuple(int(number) for number in re.findall(r"\d+", version))
