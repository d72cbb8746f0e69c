"""Renews the lock: every stable release of LiteLLM, and the bundle that it brings."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from bundles.content import View
from bundles.lock import Lock, LockedBundle, Wheel, read_lock, version_key
from bundles.moments import fetch_got
from bundles.pip import EXTRAS, LITELLM, PARALLEL, fetch_release, fetch_versions
from bundles.releases import Sorted, is_range, sort_releases
from bundles.views import views_of
from bundles.wheels import read_content

_Answer = TypeVar("_Answer")
OLDEST = "1.80.0"
"""The oldest release of LiteLLM whose bundle is held."""


def renew() -> Lock:
    """Return the lock for what the index has now; answers about what is published never change and are cached.

    Gaps are kept as the lock has them: only a database shows them, see docs/operations/truth.md.
    """
    releases = [release for release in fetch_versions(LITELLM) if version_key(release) >= version_key(OLDEST)]
    asked = _at_once(_requires, releases)
    now = datetime.now(UTC)
    ranged = [release for release in releases if is_range(asked[release])]
    got = _at_once(lambda release: fetch_got(release, asked[release], now=now), ranged)
    gaps = {bundle.version: bundle.gaps for bundle in read_lock().bundles if bundle.gaps}
    return lock_all(sort_releases(asked, fetch_versions(EXTRAS), got, incomplete=gaps), gaps)


def lock_all(releases: Sorted, gaps: Mapping[str, tuple[str, ...]]) -> Lock:
    """Fetch what makes each bundle, and lock it; `gaps` are by bundle, for those that have some."""
    versions = releases.bundles()
    bringing = {version: fetch_release(LITELLM, releases.bringing(version)).wheel for version in versions}
    views = _at_once(lambda version: views_of(bringing[version]), versions)
    extras = _at_once(lambda version: fetch_release(EXTRAS, version).wheel, versions)
    return Lock(
        bundles=tuple(
            replace(
                _lock(version, releases, extras[version], oldest_with(views[version], views, bringing)),
                gaps=gaps.get(version, ()),
            )
            for version in versions
        ),
        resolved=releases.resolved,
        refused=releases.refused,
    )


def oldest_with(views: tuple[View, ...], all_views: dict[str, tuple[View, ...]], bringing: dict[str, Wheel]) -> Wheel:
    """Return the wheel of the oldest release with just these views: then few of these big wheels are ever needed."""
    same = (bringing[version] for version, others in all_views.items() if others == views)
    return min(same, key=lambda wheel: version_key(wheel.version))


def _lock(version: str, releases: Sorted, extras: Wheel, litellm: Wheel) -> LockedBundle:
    return LockedBundle(
        version=version,
        digest=read_content(extras, views=views_of(litellm)).digest(),
        litellm=releases.pinning.get(version, ()),
        extras_wheel=extras,
        litellm_wheel=litellm,
    )


def _requires(release: str) -> str:
    return fetch_release(LITELLM, release).extras


def _at_once(ask: Callable[[str], _Answer], names: Iterable[str]) -> dict[str, _Answer]:
    """Return the answer for each name."""
    in_order = list(names)
    with ThreadPoolExecutor(PARALLEL) as threads:
        return dict(zip(in_order, threads.map(ask, in_order), strict=True))
