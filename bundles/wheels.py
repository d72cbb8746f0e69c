"""Takes the content of a bundle out of the wheel that holds most of it."""

from zipfile import ZipFile

from bundles.content import Content, Index, View
from bundles.lock import Wheel
from bundles.pip import download
from bundles.upstream import UnknownSourceError, read_hand_built_indexes, read_indexes

_EXTRAS = "litellm_proxy_extras/"
_INDEXES = f"{_EXTRAS}request_log_indexes.py"
_SOURCE = f"{_EXTRAS}utils.py"
_MIGRATIONS = f"{_EXTRAS}migrations/"


class NoMigrationsError(ValueError):
    """A bundle that would call every database complete."""


def read_content(extras: Wheel, *, views: tuple[View, ...]) -> Content:
    """Read a bundle from its wheel of `litellm-proxy-extras`; NoMigrationsError when it holds none."""
    with ZipFile(download(extras)) as wheel:
        datamodel = wheel.read(f"{_EXTRAS}schema.prisma")
        return Content(
            datamodel=datamodel,
            migrations=_read_migrations(wheel, extras),
            indexes=_read_indexes(wheel, datamodel.decode()),
            views=views,
        )


def _read_migrations(wheel: ZipFile, extras: Wheel) -> dict[str, bytes]:
    paths = [path for path in wheel.namelist() if path.startswith(_MIGRATIONS) and path.endswith("/migration.sql")]
    if not paths:
        raise NoMigrationsError(f"cannot make a bundle of {extras.project} {extras.version}: it holds no migration")
    return {path.removeprefix(_MIGRATIONS).removesuffix("/migration.sql"): wheel.read(path) for path in paths}


def _read_indexes(wheel: ZipFile, datamodel: str) -> tuple[Index, ...]:
    """Return none for a release from before LiteLLM had such indexes; one with both kinds of lists is refused."""
    indexes = read_indexes(_text(wheel, _INDEXES)) if _INDEXES in wheel.namelist() else ()
    by_hand = read_hand_built_indexes(_text(wheel, _SOURCE), datamodel)
    if indexes and by_hand:
        raise UnknownSourceError("cannot read the indexes: two lists name some")
    return indexes or by_hand


def _text(wheel: ZipFile, path: str) -> str:
    return wheel.read(path).decode()
