"""Writes a file so that nobody ever reads half of it."""

import os
import threading
from pathlib import Path


def place(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there; one that is already as it should be is not touched."""
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.write_bytes(data)
    fresh.replace(path)
