"""How figures are judged and written down."""

import gzip
import io
import json
import secrets
import tarfile
from pathlib import Path

import pytest

from tests.bench.__main__ import write
from tests.bench.figures import AIMS, Figure, spread, table
from tests.bench.image import GZIP_LEVEL, compressed_sizes, layer_sizes


@pytest.mark.parametrize(
    ("key", "value", "met"),
    [
        pytest.param("provisioning_ratio", 0.5, True, id="as fast as promised"),
        pytest.param("provisioning_ratio", 0.49, False, id="slower than promised"),
        pytest.param("api_writes_first_ready", 8, True, id="as many writes as allowed"),
        pytest.param("api_writes_idle", 1, False, id="one write where none is allowed"),
        pytest.param("migration_ratio", 1.81, False, id="longer than promised"),
        pytest.param("sql_idle_per_minute", 1e6, True, id="nothing is promised"),
    ],
)
def test_a_figure_says_whether_its_aim_is_met(key: str, value: float, met: bool) -> None:  # noqa: FBT001
    assert Figure(key=key, value=value, how="").record()["met"] is met


def test_a_record_has_what_a_reader_needs() -> None:
    record = Figure(key="image_mib", value=400.9, how="layers").record()
    assert record == {"value": 400.9, "unit": "MiB", "aim": "<= 450", "met": True, "how": "layers"}


def test_a_missed_aim_stands_out_in_the_table() -> None:
    text = table([Figure(key="api_writes_idle", value=3, how="patch litellmdatabases/status 3")])
    assert "MISSED" in text
    assert "patch litellmdatabases/status 3" in text


def test_a_figure_without_an_aim_has_no_verdict() -> None:
    text = table([Figure(key="ready_seconds", value=2.7, how="")])
    assert "met" not in text
    assert "MISSED" not in text


def test_a_spread_shows_the_worst_too() -> None:
    assert spread([3.0, 1.0, 2.0]) == "median 2.00 of 3 (1.00 to 3.00)"


def test_figures_of_an_earlier_run_stay(tmp_path: Path) -> None:
    file = tmp_path / "build/bench.json"
    write(file, [Figure(key="image_mib", value=401, how="then")], {"load": 1})
    write(file, [Figure(key="ready_seconds", value=2.7, how="now")], {"load": 2})
    found = json.loads(file.read_text())
    assert (found["image_mib"]["value"], found["image_mib"]["machine"]) == (401, {"load": 1})
    assert (found["ready_seconds"]["value"], found["ready_seconds"]["machine"]) == (2.7, {"load": 2})


def test_layers_are_weighed_as_a_node_and_as_a_registry_has_them(tmp_path: Path) -> None:
    layers = {"sha256:a": b"a" * 100_000, "sha256:b": secrets.token_bytes(50_000)}
    archive = _image(tmp_path / "image.tar", layers)
    assert layer_sizes(archive) == [100_000, 50_000]
    small, dense = compressed_sizes(archive)
    assert small == len(gzip.compress(layers["sha256:a"], GZIP_LEVEL, mtime=0))
    assert 50_000 <= dense < 50_100


def _image(path: Path, layers: dict[str, bytes]) -> Path:
    kind = "application/vnd.oci.image.layer.v1.tar"
    listed = [{"mediaType": kind, "digest": digest, "size": len(layer)} for digest, layer in layers.items()]
    blobs = {_blob(digest): layer for digest, layer in layers.items()}
    blobs[_blob("sha256:manifest")] = json.dumps({"layers": listed}).encode()
    blobs["index.json"] = json.dumps({"manifests": [{"digest": "sha256:manifest"}]}).encode()
    with tarfile.open(path, "w") as archive:
        for name, content in blobs.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def test_every_promised_figure_has_an_aim() -> None:
    assert set(AIMS) == {
        "provisioning_ratio",
        "api_writes_first_ready",
        "api_writes_idle",
        "api_writes_restart",
        "sql_idle_per_minute",
        "migration_ratio",
        "noop_seconds",
        "plan_seconds",
        "migrator_mib",
        "upgrade_longest_stall_ms",
        "upgrade_failed_statements",
        "ready_seconds",
        "operator_rss_mib",
        "image_mib",
        "image_compressed_mib",
        "install_seconds",
    }
