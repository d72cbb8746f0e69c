"""What each of our images is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from images import content, debian, postgres
from images.content import HOME
from images.layers import Layer, of_entries, of_folder
from images.oci import Image
from images.wheels import REQUIREMENTS, ROOT

FOLDER = Path(__file__).parent
OPERATOR_BASE = ("python3", "ca-certificates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An image and its layers, the seldom changing first."""

    image: Image
    layers: tuple[Layer, ...]


def operator() -> Recipe:
    """One image for controller and migrator; the Dockerfile says the same."""
    return Recipe(
        image=Image(
            name="localhost/litellm-database-operator:dev",
            entrypoint=("python3", "-m", "litellm_database_operator"),
            user="65532:65532",
            working_dir=HOME,
            environment=(
                f"PATH={HOME}/bin:/usr/local/bin:/usr/bin:/bin",
                f"PYTHONPATH={HOME}/operator:{HOME}/site-packages",
                "PYTHONDONTWRITEBYTECODE=1",
                "PYTHONUNBUFFERED=1",
                "LANG=C.UTF-8",
                # Any uid: there may be no entry in /etc/passwd to look a home up in.
                "HOME=/tmp",
            ),
        ),
        layers=(_debian("Debian with Python", OPERATOR_BASE), *_operator_layers()),
    )


def postgresql() -> Recipe:
    """PostgreSQL 16 under the official image's name and contract."""
    return Recipe(
        image=postgres.IMAGE,
        layers=(
            _debian("Debian for PostgreSQL", postgres.PACKAGES, postgres.HOOKS),
            Layer(
                title="PostgreSQL 16",
                inputs=(FOLDER / "postgres", FOLDER / "postgres.py"),
                make=of_entries(postgres.entries),
            ),
        ),
    )


RECIPES: dict[str, Callable[[], Recipe]] = {"operator": operator, "postgres": postgresql}


def _debian(title: str, packages: tuple[str, ...], hooks: tuple[str, ...] = ()) -> Layer:
    return Layer(
        title=title,
        inputs=(FOLDER / "debian.py", *packages, *hooks),
        make=lambda target: debian.make(target, packages, hooks),
    )


def _operator_layers() -> tuple[Layer, ...]:
    this = FOLDER / "content.py"
    return (
        Layer(
            title="packages of Python and Node",
            inputs=(this, REQUIREMENTS, *content.NPM_FILES),
            make=of_folder(content.add_dependencies),
        ),
        Layer(
            title="bundles",
            inputs=(this, ROOT / "bundles"),
            make=of_folder(content.add_bundles),
        ),
        Layer(
            title="the operator itself",
            inputs=(this, *_own_sources()),
            make=of_folder(content.add_application),
        ),
    )


def _own_sources() -> tuple[Path, ...]:
    names = ("operator", "engine", "schema.prisma", "migrations", "LICENSE", "NOTICE")
    return tuple(ROOT / name for name in names)
