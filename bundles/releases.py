"""Sorts LiteLLM's releases by what they ask for: a bundle, a range of them, one that nobody serves. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bundles.lock import Refused, Resolved, version_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """What becomes of each release; each stands in one of these, oldest first."""

    pinning: Mapping[str, tuple[str, ...]]
    """The releases that pin it, by bundle."""
    resolved: tuple[Resolved, ...]
    refused: tuple[Refused, ...]

    def bundles(self) -> list[str]:
        """Return all bundles that somebody can be given, oldest first."""
        chosen = {choice for each in self.refused for choice in each.choices}
        return sorted({*self.pinning, *(each.bundle for each in self.resolved), *chosen}, key=version_key)

    def bringing(self, bundle: str) -> str:
        """Return the oldest release that a database may get this bundle with: it makes the views."""
        ranged = (each.release for each in self.resolved if each.bundle == bundle)
        choosing = (each.release for each in self.refused if bundle in each.choices)
        return min((*self.pinning.get(bundle, ()), *ranged, *choosing), key=version_key)


def pinned(requires: str) -> str | None:
    """Return the one version that would do, or None for a range and for nothing."""
    return requires.removeprefix("==") if requires.startswith("==") else None


def is_range(requires: str) -> bool:
    """Tell whether more than one version would do."""
    return bool(requires) and pinned(requires) is None


def sort_releases(
    asked: Mapping[str, str],
    served: Collection[str],
    got: Mapping[str, Sequence[str]],
    *,
    incomplete: Collection[str] = (),
) -> Sorted:
    """Sort releases by what they ask for.

    `asked` has the requirement by release, `served` the bundles of the index, and `got` what fresh installs of each
    release with a range got on its day: of one answer it is known, of two it is not. No release with an `incomplete`
    bundle is ever the nearest.
    """
    pins = {release: pin for release, requires in asked.items() if (pin := pinned(requires)) is not None}
    pinning = {release: pin for release, pin in pins.items() if pin in served}
    known = {release: answers[0] for release, answers in got.items() if len(answers) == 1}
    usable = pinning | known
    sound = {release for release, bundle in usable.items() if bundle not in incomplete}
    return Sorted(
        pinning={bundle: _releases(pinning, bundle) for bundle in sorted({*pinning.values()}, key=version_key)},
        resolved=tuple(
            Resolved(release=release, requires=asked[release], bundle=known[release]) for release in _in_order(known)
        ),
        refused=tuple(
            Refused(
                release=release,
                requires=asked[release],
                why=_why(asked[release]),
                nearest=nearest(release, sound),
                choices=tuple(got.get(release, ())),
            )
            for release in _in_order({*asked} - {*usable})
        ),
    )


def _releases(pinning: Mapping[str, str], bundle: str) -> tuple[str, ...]:
    return tuple(_in_order(release for release, pin in pinning.items() if pin == bundle))


def _why(requires: str) -> str:
    if not requires:
        return "NoPin"
    return "Range" if is_range(requires) else "NotServed"


def nearest(release: str, usable: Collection[str]) -> str:
    """Return the newest usable release before this one, or else the oldest after it."""
    in_order = _in_order(usable)
    before = [each for each in in_order if version_key(each) < version_key(release)]
    return before[-1] if before else in_order[0]


def _in_order(releases: Iterable[str]) -> list[str]:
    return sorted(releases, key=version_key)
