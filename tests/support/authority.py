"""A certificate authority for one test session, made with openssl; postgres_server.py calls it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A key and its certificate, as files."""

    key: Path
    cert: Path


class Authority:
    """Signs server certificates; `cert` is what a client must trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        folder.chmod(0o755)  # a server under another account reads its certificate here
        self._folder = folder
        self._own = Certificate(key=folder / "ca.key", cert=folder / "ca.crt")
        _request(self._own, subject=folder.name, more=("-addext", "keyUsage=critical,keyCertSign"))

    @property
    def cert(self) -> Path:
        """The authority's own certificate."""
        return self._own.cert

    def sign(self, name: str, *, names: str = "IP:127.0.0.1,DNS:localhost") -> Certificate:
        """Make a key and a certificate for `names`, written as openssl's subjectAltName."""
        made = Certificate(key=self._folder / f"{name}.key", cert=self._folder / f"{name}.crt")
        _request(
            made,
            subject=name,
            more=(
                *("-CA", self._own.cert, "-CAkey", self._own.key),
                *("-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE"),
            ),
        )
        return made


def _request(made: Certificate, *, subject: str, more: tuple[str | Path, ...]) -> None:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    files = ("-keyout", made.key, "-out", made.cert)
    command = ("openssl", "req", "-x509", "-days", "2", "-subj", f"/CN={subject}", *curve, *files, *more)
    subprocess.run(command, check=True, capture_output=True)
