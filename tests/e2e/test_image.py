"""What lies in the operator's image."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, Final

from bundles.build import build_library
from bundles.lock import read_lock
from tests.support.kubectl import ROOT

ARCHIVE: Final = ROOT / "build/images/operator.tar"
LIBRARY: Final = "opt/litellm-database-operator/bundles/"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _read(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    member = archive.extractfile(name)
    assert member is not None, f"{name} is not in the archive"
    return json.loads(member.read())


def _library_in_image() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(ARCHIVE) as archive:
        manifest = _read(archive, _blob(_read(archive, "index.json")["manifests"][0]["digest"]))
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=archive.extractfile(_blob(layer["digest"]))) as files:
                for member in files:
                    name = member.name.removeprefix("./")
                    if member.isfile() and name.startswith(LIBRARY) and (data := files.extractfile(member)):
                        found[name.removeprefix(LIBRARY)] = data.read()
    return found


def test_the_image_holds_the_locked_library_and_nothing_else(tmp_path: Path) -> None:
    build_library(read_lock(), tmp_path)
    built = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert _library_in_image() == built
