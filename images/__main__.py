"""The command line: python3 -m images operator | postgres | pause | all.

Writes build/images/NAME.tar, and gives it to the local cluster if that is up.
"""

import argparse
import json
import sys
from pathlib import Path

from cluster.errors import ClusterError
from cluster.identity import load
from cluster.images import digests, load_image, write_pause
from cluster.progress import step
from cluster.state import containerd_answers
from images.errors import ImageError
from images.inputs import fingerprint
from images.oci import Image, write_image
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
            _build(name)
    except (ImageError, ClusterError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _build(name: str) -> None:
    archive = FOLDER / f"{name}.tar"
    if name == PAUSE:
        write_pause(archive)  # the cluster has it since its start
        return
    recipe = RECIPES[name]()
    _write(archive, recipe)
    _give_to_cluster(archive, recipe.image)


def _write(archive: Path, recipe: Recipe) -> None:
    """Write the image unless it was written from the same inputs before."""
    try:
        inputs = fingerprint(
            ROOT,
            repr(recipe.image),
            *(layer.key(ROOT) for layer in recipe.layers),
            Path(__file__).with_name("oci.py"),
        )
    except FileNotFoundError as error:
        missing = Path(error.filename).relative_to(ROOT)
        raise ImageError(f"cannot build the image: {missing} is missing") from error
    record = archive.with_suffix(".json")
    if archive.exists() and _read(record).get("inputs") == inputs:
        return
    layers = [layer.path(ROOT) for layer in recipe.layers]
    with step(f"write {archive.name}"):
        written = write_image(archive, recipe.image, layers)
    record.write_text(json.dumps({"inputs": inputs, "digest": written.digest}) + "\n")
    print(f"  {recipe.image.name}: {written.size / MEBIBYTE:.0f} MiB uncompressed")


def _give_to_cluster(archive: Path, image: Image) -> None:
    identity = load(ROOT)
    if identity is None or not containerd_answers(identity):
        return
    digest = _read(archive.with_suffix(".json"))["digest"]
    if digests(identity).get(image.name) != digest:
        with step(f"load {archive.name} into the cluster"):
            load_image(identity, archive)


def _read(record: Path) -> dict[str, str]:
    try:
        return json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return {}


if __name__ == "__main__":
    sys.exit(main())
