"""Prisma's own client for LiteLLM's data model, in Node: how a proxy meets the published URL without a native engine.

LiteLLM's client is Prisma's for Python, whose query engine is a native download that cannot be had here; this one has
the same query compiler as WebAssembly, and Prisma's adapter for the driver. `make setup` installs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
_PROJECT: Final = ROOT / "tests/support/litellm_prisma"
_NODE: Final = ROOT / ".venv/bin/node"
_CLI: Final = ROOT / "engine/prisma-cli/node_modules/prisma/build/index.js"
_GENERATOR: Final = 'generator client {\n  provider = "prisma-client-js"\n  engineType = "client"\n  output = "."\n}'
_NO_ENGINES: Final = {
    "PRISMA_CLIENT_ENGINE_TYPE": "client",
    "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true",  # named, or generate would download what it does not start
    "PRISMA_HIDE_UPDATE_MESSAGE": "1",
    "CHECKPOINT_DISABLE": "1",
    "DATABASE_URL": "postgresql://nobody@localhost/none",
}


def generate_client(datamodel: str) -> Path:
    """Return the folder of the client for LiteLLM's schema.prisma; made once for each."""
    wanted = re.sub(r"generator client \{.*?\n\}", _GENERATOR, datamodel, count=1, flags=re.DOTALL)
    assert wanted != datamodel, "the data model names no generator"
    digest = hashlib.sha256(wanted.encode() + (_PROJECT / "package-lock.json").read_bytes()).hexdigest()
    folder = _PROJECT / "node_modules/.litellm" / digest[:16]
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schema.prisma").write_text(wanted)
        _run([str(_NODE), str(_CLI), "generate", f"--schema={folder}/schema.prisma"], _NO_ENGINES)
        (folder / "done").touch()
    return folder


def use_client(client: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what a proxy with this environment sees; `failed` is the driver's message where it could not connect."""
    return json.loads(_run([str(_NODE), "proxy.js", str(client)], environment, check=False))


def _run(command: list[str], environment: Mapping[str, str], *, check: bool = True) -> str:
    surroundings = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        command,
        env=surroundings | dict(environment),
        cwd=_PROJECT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    if done.returncode and (check or not done.stdout):
        raise RuntimeError(f"{Path(command[1]).name} failed: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return done.stdout
