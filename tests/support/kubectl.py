"""kubectl, as a person uses it: what the end-to-end tests see of the cluster they see through this.

Whoever waits follows a watch, with a deadline: nothing here sleeps.
"""

import base64
import codecs
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

Body = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[2]
_AT_MOST: Final = 90.0
"""Seconds for a command that does not wait for anything."""
_CHUNK: Final = 1 << 16


class KubectlError(Exception):
    """kubectl failed; the message is what it said."""


class NotInTimeError(AssertionError):
    """What was waited for did not come; the message shows the last that was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """kubectl for one namespace, or for none."""

    program: str
    kubeconfig: Path
    namespace: str = "default"

    def within(self, namespace: str) -> "Kubectl":
        """Return the same for another namespace."""
        return replace(self, namespace=namespace)

    def run(self, *arguments: str, given: str | None = None, at_most: float = _AT_MOST) -> str:
        """Return what a command prints; KubectlError with its complaint."""
        done = subprocess.run(
            self._command(*arguments),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=at_most,
            cwd=ROOT,
        )
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments[:4])}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *bodies: Body) -> None:
        """Apply bodies, each in the namespace that it names, or in ours."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies)})
        self.run("apply", "--server-side", "--filename=-", given=text)

    def patch(self, kind: str, name: str, change: Body) -> None:
        """Merge a change into an object."""
        self.run("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}")

    def get(self, kind: str, name: str) -> Body | None:
        """Return an object, or None."""
        text = self.run("get", kind, name, "--ignore-not-found", "--output=json")
        return json.loads(text) if text else None

    def there(self, kind: str, name: str) -> Body:
        """Return an object that is there."""
        return json.loads(self.run("get", kind, name, "--output=json"))

    def list_all(self, kind: str, selector: str = "") -> list[Body]:
        """Return the objects of a kind, by label."""
        return json.loads(self.run("get", kind, f"--selector={selector}", "--output=json"))["items"]

    def secret(self, name: str) -> dict[str, str]:
        """Return what a Secret holds."""
        data: dict[str, str] = self.there("secret", name)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def delete(self, kind: str, name: str, *arguments: str, wait: bool = True) -> None:
        """Delete an object, and wait until it is gone unless told otherwise."""
        self.run("delete", kind, name, f"--wait={str(wait).lower()}", *arguments)

    def wait_gone(self, kind: str, name: str, *, within: float) -> None:
        """Return when there is no such object; NotInTimeError."""
        try:
            self.run("wait", "--for=delete", f"{kind}/{name}", f"--timeout={within:.0f}s", at_most=within + 30)
        except KubectlError as error:
            raise NotInTimeError(f"{kind}/{name} is still there: {error}\n{self.describe(kind, name)}") from error

    def wait_for(self, kind: str, name: str, so: Callable[[Body], bool], *, within: float) -> Body:
        """Return an object as soon as it is so; NotInTimeError with its description."""
        for body in self.watch(kind, f"--field-selector=metadata.name={name}", within=within):
            if so(body):
                return body
        raise NotInTimeError(f"{kind}/{name} did not come to that in {within:.0f} s:\n{self.describe(kind, name)}")

    def watch(self, kind: str, *arguments: str, within: float) -> Iterator[Body]:
        """Yield objects as they are and as they change, until the time is over."""
        with self._started("get", kind, "--watch", "--output=json", *arguments, within=within) as process:
            yield from _objects(process)

    def follow_logs(self, whose: str, *, within: float) -> Iterator[str]:
        """Yield the lines of a pod's or a Job's log as they come, until the time is over."""
        with self._started("logs", "--follow", whose, within=within) as process:
            assert process.stdout is not None
            for line in process.stdout:
                yield line.decode(errors="replace")

    def describe(self, kind: str, name: str = "") -> str:
        """Return what a person reads."""
        return self.run("describe", kind, *([name] if name else []))

    @contextmanager
    def _started(self, *arguments: str, within: float) -> Generator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(self._command(*arguments), stdout=subprocess.PIPE, cwd=ROOT)
        timer = threading.Timer(within, process.kill)
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()
            process.kill()
            process.communicate()

    def _command(self, *arguments: str) -> list[str]:
        return [self.program, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]


def _objects(process: subprocess.Popen[bytes]) -> Iterator[Body]:
    """Take one JSON object after the other out of a stream."""
    assert process.stdout is not None
    decoder, letters, text = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")(), ""
    while chunk := os.read(process.stdout.fileno(), _CHUNK):
        text += letters.decode(chunk)
        while text := text.lstrip():
            try:
                body, end = decoder.raw_decode(text)
            except ValueError:
                break
            yield body
            text = text[end:]


def local_kubectl() -> Kubectl:
    """Return kubectl for the local cluster, or for the one that LITELLMDB_TEST_KUBECONFIG names."""
    return Kubectl(program=_local_program(), kubeconfig=_local_kubeconfig())


def _local_kubeconfig() -> Path:
    found = Path(os.environ.get("LITELLMDB_TEST_KUBECONFIG", ROOT / ".cluster/kubeconfig"))
    assert found.exists(), f"{found} is not there: make cluster, or name another one by LITELLMDB_TEST_KUBECONFIG"
    return found


def _local_program() -> str:
    own = ROOT / ".cluster/bin/kubectl"
    found = str(own) if own.exists() else shutil.which("kubectl")
    assert found, "kubectl is needed: install it, or make cluster"
    return found


def condition(body: Body, kind: str) -> Body:
    """Return a condition, empty where there is none yet."""
    found: list[Body] = body.get("status", {}).get("conditions", [])
    none: Body = {}
    return next((each for each in found if each["type"] == kind), none)


def is_ready(body: Body) -> bool:
    """Tell whether a resource is Ready as it is asked for now."""
    ready = condition(body, "Ready")
    return ready.get("status") == "True" and ready["observedGeneration"] == body["metadata"]["generation"]


def has_reason(reason: str, kind: str = "Ready") -> Callable[[Body], bool]:
    """Tell whether a condition, Ready unless told otherwise, gives that reason."""
    return lambda body: condition(body, kind).get("reason") == reason
