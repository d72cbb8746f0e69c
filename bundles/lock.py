"""The lock: which bundles there are, out of which wheels, and with which digest."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundles.content import json_bytes

PATH = Path(__file__).with_name("lock.json")
FORMAT = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One file of a package index, by its hash; which index it comes from is pip's business."""

    project: str
    version: str
    filename: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBundle:
    """What makes one bundle."""

    version: str
    digest: str
    litellm: tuple[str, ...]
    """The LiteLLM releases that pin it, oldest first."""
    extras_wheel: Wheel
    litellm_wheel: Wheel
    """The oldest of these releases: the digest must not change when LiteLLM publishes another one."""


def read_lock(path: Path = PATH) -> tuple[LockedBundle, ...]:
    """Read the lock, oldest bundle first; one of another format is an error."""
    document: dict[str, Any] = json.loads(path.read_text())
    if document["format"] != FORMAT:
        raise ValueError(f"cannot read {path.name}: format {document['format']}, not {FORMAT}")
    return tuple(_read_bundle(version, facts) for version, facts in document["bundles"].items())


def _read_bundle(version: str, facts: dict[str, Any]) -> LockedBundle:
    return LockedBundle(
        version=version,
        digest=facts["digest"],
        litellm=tuple(facts["litellm"]),
        extras_wheel=_read_wheel(facts["extrasWheel"]),
        litellm_wheel=_read_wheel(facts["litellmWheel"]),
    )


def _read_wheel(facts: dict[str, str]) -> Wheel:
    wheel = Wheel(**facts)
    if not _SHA256.fullmatch(wheel.sha256):
        raise ValueError(f"cannot use {wheel.filename}: its sha256 is not 64 hexadecimal digits")
    return wheel


def write_lock(bundles: tuple[LockedBundle, ...], path: Path = PATH) -> None:
    """Write the lock, oldest bundle first."""
    in_order = sorted(bundles, key=lambda bundle: version_key(bundle.version))
    path.write_bytes(json_bytes({"format": FORMAT, "bundles": {bundle.version: _facts(bundle) for bundle in in_order}}))


def _facts(bundle: LockedBundle) -> dict[str, object]:
    return {
        "digest": bundle.digest,
        "litellm": list(bundle.litellm),
        "extrasWheel": _wheel_facts(bundle.extras_wheel),
        "litellmWheel": _wheel_facts(bundle.litellm_wheel),
    }


def _wheel_facts(wheel: Wheel) -> dict[str, str]:
    return {"project": wheel.project, "version": wheel.version, "filename": wheel.filename, "sha256": wheel.sha256}


def version_key(version: str) -> tuple[int, ...]:
    """Return what releases are ordered by; `0.4.102.post1` comes after `0.4.102`. Pre-releases are not locked."""
    return tuple(int(number) for number in re.findall(r"\d+", version))
