"""Takes the content of a bundle out of the wheel that holds most of it."""

from zipfile import ZipFile

from bundles.content import Content, Index, View
from bundles.lock import Wheel
from bundles.pip import download
from bundles.upstream import read_indexes

_EXTRAS = "litellm_proxy_extras/"
_INDEXES = f"{_EXTRAS}request_log_indexes.py"
_MIGRATIONS = f"{_EXTRAS}migrations/"


class NoMigrationsError(ValueError):
    """A bundle that would call every database complete."""


def read_content(extras: Wheel, *, views: tuple[View, ...]) -> Content:
    """Read a bundle from its wheel of `litellm-proxy-extras`; NoMigrationsError when it holds none."""
    with ZipFile(download(extras)) as wheel:
        return Content(
            datamodel=wheel.read(f"{_EXTRAS}schema.prisma"),
            migrations=_read_migrations(wheel, extras),
            indexes=_read_indexes(wheel),
            views=views,
        )


def _read_migrations(wheel: ZipFile, extras: Wheel) -> dict[str, bytes]:
    paths = [path for path in wheel.namelist() if path.startswith(_MIGRATIONS) and path.endswith("/migration.sql")]
    if not paths:
        raise NoMigrationsError(f"cannot make a bundle of {extras.project} {extras.version}: it holds no migration")
    return {path.removeprefix(_MIGRATIONS).removesuffix("/migration.sql"): wheel.read(path) for path in paths}


def _read_indexes(wheel: ZipFile) -> tuple[Index, ...]:
    """Return none for a release from before LiteLLM had such indexes."""
    if _INDEXES not in wheel.namelist():
        return ()
    return read_indexes(wheel.read(_INDEXES).decode())
