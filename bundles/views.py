"""The views of a release of LiteLLM: a few kilobytes out of a wheel of many megabytes, so they are kept."""

from zipfile import ZipFile

from bundles.content import View
from bundles.files import place
from bundles.lock import Wheel
from bundles.pip import cache_folder, download
from bundles.upstream import read_views

_MEMBER = "litellm/proxy/db/create_views.py"


def views_of(wheel: Wheel) -> tuple[View, ...]:
    """Return the views that a starting proxy of this release would make, in LiteLLM's order.

    What is kept between runs is the source, by the wheel's hash: how it is read may change.
    """
    kept = cache_folder() / "views" / f"{wheel.sha256}.py"
    if not kept.is_file():
        place(kept, _source(wheel))
    return read_views(kept.read_text())


def _source(wheel: Wheel) -> bytes:
    path = download(wheel)
    with ZipFile(path) as opened:
        source = opened.read(_MEMBER)
    path.unlink()  # what was wanted of its megabytes is kept
    return source
