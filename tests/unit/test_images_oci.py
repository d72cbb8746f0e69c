"""An image is the same bytes for the same content, and says of every file who owns it."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from images import oci

IMAGE = oci.Image(name="localhost/sample:1", entrypoint=("/run",), user="65532:65532")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/program").write_text("#!/bin/sh\n")
    (folder / "sub/program").chmod(0o700)
    (folder / "text").write_text("a text")
    (folder / "text").chmod(0o600)
    (folder / "link").symlink_to("sub/program")
    return folder


def _layer(source: Path, target: Path) -> Path:
    oci.write_layer(target, oci.tree(source, "opt/sample"))
    return target


def _members(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar.getmembers()}


def _blob(image: tarfile.TarFile, digest: str) -> bytes:
    return _read(image, "blobs/sha256/" + digest.removeprefix("sha256:"))


def _read(image: tarfile.TarFile, name: str) -> bytes:
    content = image.extractfile(name)
    assert content is not None
    return content.read()


def test_everybody_may_read_and_only_programs_run(source: Path, tmp_path: Path) -> None:
    members = _members(_layer(source, tmp_path / "layer.tar"))
    modes = {name.removeprefix("opt/sample"): member.mode for name, member in members.items()}
    expected = {"": 0o755, "/link": 0o777, "/sub": 0o755, "/sub/program": 0o755, "/text": 0o644}
    assert modes == expected
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}
    assert members["opt/sample/link"].linkname == "sub/program"


def test_files_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Not in the file system's, which differs from machine to machine."""
    names = [str(number) for number in range(20, 10, -1)]
    for name in names:
        (tmp_path / name).touch()
    written = [entry.name for entry in oci.tree(tmp_path, "opt")]
    assert written == ["opt", *(f"opt/{name}" for name in sorted(names))]


def test_the_same_content_is_the_same_image(source: Path, tmp_path: Path) -> None:
    first = _layer(source, tmp_path / "first.tar")
    (source / "text").touch()
    second = _layer(source, tmp_path / "second.tar")
    assert first.read_bytes() == second.read_bytes()
    digests = {oci.write_image(tmp_path / "image.tar", IMAGE, [path]).digest for path in (first, second)}
    assert len(digests) == 1


def test_other_content_is_another_image(source: Path, tmp_path: Path) -> None:
    first = oci.write_image(tmp_path / "a.tar", IMAGE, [_layer(source, tmp_path / "1.tar")])
    (source / "text").write_text("another")
    second = oci.write_image(tmp_path / "b.tar", IMAGE, [_layer(source, tmp_path / "2.tar")])
    assert first.digest != second.digest


def test_index_manifest_config_and_layer_lead_to_each_other(source: Path, tmp_path: Path) -> None:
    layer = _layer(source, tmp_path / "layer.tar")
    written = oci.write_image(tmp_path / "image.tar", IMAGE, [layer])
    with tarfile.open(tmp_path / "image.tar") as image:
        index: dict[str, Any] = json.loads(_read(image, "index.json"))
        (entry,) = index["manifests"]
        assert entry["annotations"]["io.containerd.image.name"] == "localhost/sample:1"
        assert entry["digest"] == written.digest
        manifest = json.loads(_blob(image, entry["digest"]))
        assert _blob(image, manifest["layers"][0]["digest"]) == layer.read_bytes()
        config = json.loads(_blob(image, manifest["config"]["digest"]))
    assert config["config"]["User"] == "65532:65532"
    digest = hashlib.sha256(layer.read_bytes()).hexdigest()
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}"]
    assert written.size == layer.stat().st_size


def test_an_owner_and_sticky_bits_are_kept(tmp_path: Path) -> None:
    entry = oci.folder("run/postgresql", mode=0o3777, uid=999, gid=999)
    oci.write_layer(tmp_path / "layer.tar", [entry])
    member = _members(tmp_path / "layer.tar")["run/postgresql"]
    assert (member.mode, member.uid, member.gid) == (0o3777, 999, 999)
