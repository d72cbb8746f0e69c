"""Takes the content of a bundle out of the two wheels that hold it."""

from pathlib import Path
from zipfile import ZipFile

from bundles.content import Content, Index
from bundles.upstream import read_indexes, read_views

_EXTRAS = "litellm_proxy_extras/"
_INDEXES = f"{_EXTRAS}request_log_indexes.py"
_MIGRATIONS = f"{_EXTRAS}migrations/"
_VIEWS = "litellm/proxy/db/create_views.py"


def read_content(*, extras: Path, litellm: Path) -> Content:
    """Read a bundle from the wheels of `litellm-proxy-extras` and of the `litellm` that pins it."""
    with ZipFile(extras) as wheel:
        return Content(
            datamodel=wheel.read(f"{_EXTRAS}schema.prisma"),
            migrations=_read_migrations(wheel),
            indexes=_read_indexes(wheel),
            views=read_views(_read_member(litellm, _VIEWS)),
        )


def _read_migrations(wheel: ZipFile) -> dict[str, bytes]:
    paths = [path for path in wheel.namelist() if path.startswith(_MIGRATIONS) and path.endswith("/migration.sql")]
    if not paths:
        raise ValueError(f"cannot read {wheel.filename}: it holds no migration")
    return {path.removeprefix(_MIGRATIONS).removesuffix("/migration.sql"): wheel.read(path) for path in paths}


def _read_indexes(wheel: ZipFile) -> tuple[Index, ...]:
    """Return none for a release from before LiteLLM had such indexes."""
    if _INDEXES not in wheel.namelist():
        return ()
    return read_indexes(wheel.read(_INDEXES).decode())


def _read_member(path: Path, member: str) -> str:
    with ZipFile(path) as wheel:
        return wheel.read(member).decode()
