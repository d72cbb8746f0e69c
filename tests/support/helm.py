"""Helm, as a person uses it: 3 unless LITELLMDB_TEST_HELM names another of our builds, as `make test-helm4` does."""

import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from cluster import binaries
from tests.support.kubectl import ROOT, Body

HELM: Final = os.environ.get("LITELLMDB_TEST_HELM", "helm")
"""Which build the tests use: helm, or helm4."""
_AT_MOST: Final = 300.0
"""Seconds for a command, those that wait for pods too."""


class HelmError(Exception):
    """Helm failed; the message is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helm:
    """Helm, for one cluster or for none."""

    program: str
    kubeconfig: Path | None = None

    def template(
        self, chart: str | Path, *arguments: str, name: str = "test", values: Body | None = None
    ) -> list[Body]:
        """Return what a chart renders to, in Helm's order; HelmError."""
        return bodies_of(self._with_values(values, "template", name, str(chart), *arguments))

    def install(self, name: str, chart: str | Path, *arguments: str, values: Body | None = None) -> str:
        """Install a release and return what Helm prints, NOTES too; HelmError."""
        return self._with_values(values, "install", name, str(chart), *arguments)

    def upgrade(self, name: str, chart: str | Path, *arguments: str, values: Body | None = None) -> str:
        """Upgrade a release and return what Helm prints, NOTES too; HelmError."""
        return self._with_values(values, "upgrade", name, str(chart), *arguments)

    def uninstall(self, name: str, *arguments: str) -> str:
        """Uninstall a release and return what Helm prints, what it kept too; HelmError."""
        return self.run("uninstall", name, *arguments)

    def lint(self, chart: str | Path, *arguments: str, values: Body | None = None) -> str:
        """Return what `helm lint --strict` says of a chart that it accepts; HelmError with its findings."""
        return self._with_values(values, "lint", "--strict", str(chart), *arguments)

    def test(self, name: str, *arguments: str) -> str:
        """Run a release's tests and return what Helm prints; HelmError."""
        return self.run("test", name, *arguments)

    def run(self, *arguments: str, at_most: float = _AT_MOST) -> str:
        """Return what a command prints; HelmError with its complaint."""
        done = subprocess.run(
            self._command(*arguments),
            # Without a kubeconfig of its own Helm would take the developer's.
            env=os.environ | {"KUBECONFIG": str(self.kubeconfig or os.devnull)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=at_most,
            cwd=ROOT,
        )
        if done.returncode:
            # lint tells its findings on stdout, everything else its failure on stderr.
            raise HelmError(f"helm {' '.join(arguments[:3])}: {(done.stdout + done.stderr).strip()}")
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return [self.program, *arguments]

    def _with_values(self, values: Body | None, *arguments: str) -> str:
        with _values_file(values) as given:
            return self.run(*arguments, *given)


def bodies_of(text: str) -> list[Body]:
    """Return the objects of a YAML stream; empty documents are none."""
    documents: list[Any] = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    return [cast("Body", each) for each in documents if each is not None]


def ensure_helm(folder: Path, kubeconfig: Path | None = None) -> Helm:
    """Return Helm, built first where the cache has none; ClusterError with the compiler's words."""
    binaries.build_missing(folder / "build.log", [HELM])
    return Helm(program=str(binaries.path_of(HELM)), kubeconfig=kubeconfig)


@contextmanager
def _values_file(values: Body | None) -> Generator[list[str]]:
    """Give the arguments that pass values, which may hold a secret and so are no arguments themselves."""
    if values is None:
        yield []
        return
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        yield ["--values", file.name]
