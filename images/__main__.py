"""The command line: python3 -m images operator | postgres | pause | all.

Writes build/images/NAME.tar, and gives it to the local cluster if that is up.
"""

import argparse
import json
import sys
from pathlib import Path

from cluster import binaries
from cluster.errors import ClusterError
from cluster.identity import load
from cluster.images import load_new, write_pause
from cluster.progress import step
from cluster.state import containerd_answers
from cluster.tools import prepare
from images import oci
from images.errors import ImageError
from images.inputs import fingerprint
from images.oci import write_image
from images.recipes import RECIPES, Recipe
from images.wheels import ROOT

FOLDER = ROOT / "build" / "images"
PAUSE = "pause"
MEBIBYTE = 1 << 20


def main() -> int:
    """Do what the arguments say; 1 for a failure that was explained."""
    parser = argparse.ArgumentParser(prog="python3 -m images", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*RECIPES, PAUSE, "all"])
    wanted = parser.parse_args().names
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        for name in [*RECIPES, PAUSE] if "all" in wanted else wanted:
            _write_pause() if name == PAUSE else _write(name)
        identity = load(ROOT)
        if identity is not None and containerd_answers(identity):
            load_new(identity)
    except (ImageError, ClusterError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _write_pause() -> None:
    """Write the image that the cluster makes for itself when it starts."""
    prepare(needs_go="pause" in binaries.missing())
    binaries.build_missing(FOLDER / "pause.log", ["pause"])
    write_pause(FOLDER / f"{PAUSE}.tar")


def _write(name: str) -> None:
    """Write an image unless it was written from the same inputs before."""
    recipe = RECIPES[name]()
    inputs = _inputs(recipe)
    archive, record = FOLDER / f"{name}.tar", FOLDER / f"{name}.json"
    if archive.exists() and _read(record).get("inputs") == inputs:
        return
    prepare(needs_go=False)
    layers = [layer.path(ROOT) for layer in recipe.layers]
    with step(f"write {archive.relative_to(ROOT)}"):
        written = write_image(archive, recipe.image, layers)
    content = {"image": recipe.image.name, "digest": written.digest, "inputs": inputs}
    record.write_text(json.dumps(content) + "\n")
    print(f"  {recipe.image.name}: {written.size / MEBIBYTE:.0f} MiB uncompressed")


def _inputs(recipe: Recipe) -> str:
    """Hash all that an image is made from. Raises ImageError for a source that is missing."""
    try:
        keys = [layer.key(ROOT) for layer in recipe.layers]
        return fingerprint(ROOT, repr(recipe.image), *keys, Path(oci.__file__))
    except FileNotFoundError as error:
        missing = Path(error.filename).relative_to(ROOT)
        raise ImageError(f"cannot build the image: {missing} is missing") from error


def _read(record: Path) -> dict[str, str]:
    try:
        return json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return {}


if __name__ == "__main__":
    sys.exit(main())
