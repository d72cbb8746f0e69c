"""A PostgreSQL in a pod that speaks TLS, and whose certificate is checked: ServerPod with an authority of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.authority import Authority
from tests.support.kubectl import Body
from tests.support.server_pod import ServerPod

_MOUNTED: Final = "/certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServerPod(ServerPod):
    """It has `folder` for the files of its authority."""

    folder: Path

    def start(self) -> None:
        """Sign a certificate for its Service, and start it."""
        authority = Authority(self.folder / "authority")
        made = authority.sign("server", names=f"DNS:postgres.{self.namespace}.svc")
        self.kubectl.apply(
            secret("certificate", {"tls.crt": made.cert.read_text(), "tls.key": made.key.read_text()}),
            secret("shared-ca", {"ca.crt": authority.cert.read_text()}),
        )
        ServerPod.start(self)

    def _pod(self) -> Body:
        pod = ServerPod._pod(self)  # noqa: SLF001 - super() has no place in a class with slots
        (container,) = pod["spec"]["containers"]
        files = {"ssl": "on", "ssl_cert_file": f"{_MOUNTED}/tls.crt", "ssl_key_file": f"{_MOUNTED}/tls.key"}
        container["args"] += [word for name, value in files.items() for word in ("-c", f"{name}={value}")]
        container["volumeMounts"].append({"name": "certificate", "mountPath": _MOUNTED, "readOnly": True})
        # 0440, as PostgreSQL takes a key of root's that its own group may read.
        source = {"secretName": "certificate", "defaultMode": 0o440}
        pod["spec"]["volumes"].append({"name": "certificate", "secret": source})
        return pod

    def _server(self) -> Body:
        server = ServerPod._server(self)  # noqa: SLF001 - likewise
        server["spec"]["external"]["tls"] = {"caSecretRef": {"name": "shared-ca"}}
        return server


def secret(name: str, text: dict[str, str]) -> Body:
    """Build a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": text}
