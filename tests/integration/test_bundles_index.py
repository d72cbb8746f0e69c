"""pip against an index of our own: what is asked of it, what it may answer, and what is not believed."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import pytest

from bundles.lock import Wheel
from bundles.pip import (
    EXTRAS,
    LITELLM,
    Release,
    cache_folder,
    download,
    fetch_newest,
    fetch_release,
    fetch_versions,
    own_pip,
)

CAME = datetime(2026, 3, 18, 1, 18, 40, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class File:
    """A wheel, as small as can be."""

    project: str
    version: str
    uploaded: datetime
    requires: str = ""

    @property
    def name(self) -> str:
        """Name it as a wheel is named."""
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def data(self) -> bytes:
        """Make it, the same every time."""
        folder = f"{self.project.replace('-', '_')}-{self.version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {self.project}\nVersion: {self.version}\n"
        members = {
            f"{folder}/METADATA": metadata + (f"Requires-Dist: {self.requires}\n" if self.requires else ""),
            f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        members[f"{folder}/RECORD"] = "".join(f"{name},,\n" for name in members)
        written = BytesIO()
        with zipfile.ZipFile(written, "w") as wheel:
            for name, text in members.items():
                wheel.writestr(zipfile.ZipInfo(name), text)
        return written.getvalue()

    def facts(self) -> dict[str, Any]:
        """Return what an index says of it, as PEP 700 has it."""
        return {
            "filename": self.name,
            "url": f"/files/{self.name}",
            "hashes": {"sha256": hashlib.sha256(self.data).hexdigest()},
            "size": len(self.data),
            "upload-time": self.uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


FILES = (
    File(project=LITELLM, version="1.0.0", uploaded=CAME - timedelta(days=900)),
    File(project=EXTRAS, version="0.4.56", uploaded=CAME - timedelta(days=3)),
    File(project=EXTRAS, version="0.4.57", uploaded=CAME - timedelta(hours=1)),
    File(project=EXTRAS, version="0.4.58", uploaded=CAME + timedelta(hours=20)),
    File(project=EXTRAS, version="0.4.100", uploaded=CAME + timedelta(days=90)),
    File(project=LITELLM, version="1.82.3", uploaded=CAME - timedelta(days=2), requires=f"{EXTRAS}==0.4.56"),
    File(project=LITELLM, version="1.82.4", uploaded=CAME, requires=f"{EXTRAS}<0.5.0,>=0.4.57"),
    File(project=LITELLM, version="1.82.10", uploaded=CAME + timedelta(days=9)),
    File(project=LITELLM, version="1.83.0rc1", uploaded=CAME + timedelta(days=9)),
)


class Index(BaseHTTPRequestHandler):
    """Serves FILES by the simple repository API of PEP 691."""

    def do_GET(self) -> None:
        """Send a project's page, or a file."""
        kind, name = self.path.strip("/").split("/")
        found = [file for file in FILES if name in {file.project, file.name}]
        self.send_response(200 if found else 404)
        if kind == "files":
            self._send(found[0].data, "application/octet-stream")
        else:
            page: dict[str, Any] = {"meta": {"api-version": "1.1"}, "name": name}
            page |= {"versions": [file.version for file in found], "files": [file.facts() for file in found]}
            self._send(json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json")

    def _send(self, data: bytes, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
        """Say nothing."""


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the index for pip, with caches of its own."""
    new_pip = own_pip()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache_folder().mkdir()
    (cache_folder() / new_pip.parent.name).symlink_to(new_pip.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        yield
        server.shutdown()
        thread.join()


def test_stable_releases_come_oldest_first() -> None:
    assert fetch_versions(LITELLM) == ["1.0.0", "1.82.3", "1.82.4", "1.82.10"]


@pytest.mark.parametrize(
    ("version", "asks"),
    [
        pytest.param("1.82.3", "==0.4.56", id="a pin"),
        pytest.param("1.82.4", ">=0.4.57,<0.5.0", id="a range"),
        pytest.param("1.82.10", "", id="nothing"),
    ],
)
def test_a_release_is_known_by_its_wheels_hash_and_what_it_asks_for(version: str, asks: str) -> None:
    (file,) = [file for file in FILES if (file.project, file.version) == (LITELLM, version)]
    sha256 = hashlib.sha256(file.data).hexdigest()
    wheel = Wheel(project=LITELLM, version=version, filename=file.name, sha256=sha256)
    assert fetch_release(LITELLM, version) == Release(wheel=wheel, extras=asks)
    assert download(wheel).read_bytes() == file.data


def test_a_file_with_another_hash_than_the_locked_one_does_not_come() -> None:
    wheel = replace(fetch_release(EXTRAS, "0.4.57").wheel, sha256="0" * 64)
    with pytest.raises(CalledProcessError):
        download(wheel)
    assert not (cache_folder() / "wheels" / wheel.filename).exists()


def test_a_cached_file_that_was_changed_is_fetched_again() -> None:
    wheel = fetch_release(EXTRAS, "0.4.57").wheel
    before = download(wheel).read_bytes()
    download(wheel).write_bytes(b"changed")
    assert download(wheel).read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "before", "newest"),
    [
        pytest.param(f"{EXTRAS}>=0.4.56,<0.5.0", CAME, "0.4.57", id="when the release came"),
        pytest.param(f"{EXTRAS}>=0.4.56,<0.5.0", CAME + timedelta(days=1), "0.4.58", id="a day later"),
        pytest.param(f"{EXTRAS}>=0.4.56,<0.5.0", CAME + timedelta(days=200), "0.4.100", id="by number, not by letter"),
        pytest.param(f"{LITELLM}<=1.82.4", CAME - timedelta(seconds=1), "1.82.3", id="before the release came"),
        pytest.param(f"{LITELLM}<=1.82.4", CAME + timedelta(seconds=1), "1.82.4", id="just after"),
        pytest.param(f"{LITELLM}<=1.82.4", CAME + timedelta(days=200), "1.82.4", id="long after"),
    ],
)
def test_the_past_is_asked_for(asked: str, before: datetime, newest: str) -> None:
    assert fetch_newest(asked, before=before) == newest


def test_an_index_that_has_nothing_or_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CalledProcessError):
        fetch_newest(EXTRAS, before=CAME - timedelta(days=9))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(CalledProcessError):
        fetch_newest(EXTRAS, before=CAME)
