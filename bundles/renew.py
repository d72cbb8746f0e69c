"""Renews the lock: which bundle does a LiteLLM release pin, and which other releases pin the same."""

from collections.abc import Iterable, Iterator

from bundles.lock import LockedBundle, version_key
from bundles.pip import EXTRAS, LITELLM, download, fetch_release, fetch_versions
from bundles.wheels import read_content


class NoBundleError(Exception):
    """A LiteLLM release for which there can be no bundle."""


def renew(locked: tuple[LockedBundle, ...], wanted: Iterable[str]) -> tuple[LockedBundle, ...]:
    """Return the lock with a bundle for each wanted LiteLLM release added, and the releases of the others renewed.

    Without a wish the newest release is wanted whose bundle the index serves.
    """
    releases, served = fetch_versions(LITELLM), set(fetch_versions(EXTRAS))
    seeds = [*(bundle.litellm[0] for bundle in locked), *(wanted or [_newest_with_bundle(releases, served)])]
    return tuple({bundle.version: bundle for bundle in (_lock(seed, releases) for seed in seeds)}.values())


def _newest_with_bundle(releases: list[str], served: set[str]) -> str:
    return next(release for release in reversed(releases) if fetch_release(LITELLM, release).extras in served)


def _lock(seed: str, releases: list[str]) -> LockedBundle:
    version = fetch_release(LITELLM, seed).extras
    if version is None:
        raise NoBundleError(f"cannot lock LiteLLM {seed}: it pins no exact release of {EXTRAS}")
    pinning = releases_with(version, around=releases.index(seed), releases=releases)
    extras_wheel = fetch_release(EXTRAS, version).wheel
    litellm_wheel = fetch_release(LITELLM, pinning[0]).wheel
    content = read_content(extras=download(extras_wheel), litellm=download(litellm_wheel))
    return LockedBundle(
        version=version,
        digest=content.digest(),
        litellm=tuple(pinning),
        extras_wheel=extras_wheel,
        litellm_wheel=litellm_wheel,
    )


def releases_with(extras: str, *, around: int, releases: list[str]) -> list[str]:
    """Return the neighbours that pin the same: a pin only moves forward, so not all 500 releases are asked."""

    def run(candidates: list[str]) -> Iterator[str]:
        for release in candidates:
            if fetch_release(LITELLM, release).extras != extras:
                return
            yield release

    return sorted({*run(releases[around::-1]), *run(releases[around:])}, key=version_key)
