"""A real kube-apiserver and etcd for tests, without a node: objects are stored, nothing runs."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support.kubernetes_program import kubernetes_program
from tests.support.ports import reserve_port

TOKEN = "administrator-of-a-test"
_START_SECONDS = 60.0
_ROOT = Path(__file__).resolve().parents[3]


class ApiServer:
    """A running API server; `close` ends it and its etcd."""

    def __init__(self, folder: Path) -> None:
        """Start in a folder of its own, on ports that the kernel gives."""
        self.folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._etcd_port, self._peer_port, self.port = (reserve_port() for _ in range(3))
        _make_keys(folder)
        self._start_etcd()
        self.start()
        self.kubeconfig = self._write_kubeconfig()

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the API server, at first or after `kill`."""
        self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder}/pki",
            f"--token-auth-file={self.folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder}/service-account.key",
            f"--service-account-signing-key-file={self.folder}/service-account.key",
            "--shutdown-delay-duration=0s",
        )
        _wait_until(self._is_ready, what="the API server")

    def start_controllers(self, *controllers: str) -> None:
        """Start some of the controller manager's loops beside it."""
        port = reserve_port()
        self._run(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={','.join(controllers)}",
            f"--secure-port={port}",
            f"--cert-dir={self.folder}/pki",
            "--leader-elect=false",
            f"--service-account-private-key-file={self.folder}/service-account.key",
        )

    def kill(self) -> None:
        """End the API server at once, and leave etcd."""
        process = self._processes.pop("kube-apiserver")
        process.kill()
        process.wait()

    def close(self) -> None:
        """End everything at once, the newest first: nothing of it is kept."""
        for name in reversed(tuple(self._processes)):
            process = self._processes.pop(name)
            process.kill()
            process.wait()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl; CalledProcessError when it fails."""
        result = subprocess.run(
            [kubernetes_program(), "kubectl", f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
            timeout=_START_SECONDS,
        )
        return result.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return what `kubectl get -o json` says."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, *bodies: dict[str, Any]) -> None:
        """Create or change objects."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(items))

    def install_crds(self) -> None:
        """Install our kinds, and wait until they are served."""
        self.kubectl("apply", "--server-side", "-k", str(_ROOT / "crds"))
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")

    def wait_for(self, ask: Callable[[], str], fits: Callable[[str], bool]) -> str:
        """Ask until the answer fits, and return it; TimeoutError."""
        answer = ""

        def fitting() -> bool:
            nonlocal answer
            answer = ask()
            return fits(answer)

        _wait_until(fitting, what="the answer")
        return answer

    def _start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        self._run(
            "etcd",
            f"--data-dir={self.folder}/etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=error",
        )

    def _run(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen([kubernetes_program(), name, *arguments], stdout=log, stderr=log)

    def _is_ready(self) -> bool:
        process = self._processes["kube-apiserver"]
        if process.poll() is not None:
            words = (self.folder / "kube-apiserver.log").read_text().splitlines()[-3:]
            raise RuntimeError(f"the API server ended with {process.returncode}: {words}")
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(request, context=context, timeout=2) as answer:  # noqa: S310
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _write_kubeconfig(self) -> Path:
        path = self.folder / "kubeconfig"
        cluster = {"server": self.url, "insecure-skip-tls-verify": True}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(config))
        return path


def _make_keys(folder: Path) -> None:
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    command: Sequence[str] = ["openssl", "genrsa", "-out", str(folder / "service-account.key"), "2048"]
    subprocess.run(command, check=True, capture_output=True)


def _wait_until(question: Any, *, what: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while not question():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} is not ready after {_START_SECONDS} s")
        time.sleep(0.05)
