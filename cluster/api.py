"""The few requests that starting a cluster needs, to its API server; so that a start needs no library."""

import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cluster.errors import ClusterError

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
MANAGER = "local-cluster"


@dataclass(frozen=True, slots=True)
class Api:
    """Where an API server is, and who asks it."""

    host: str
    port: int
    tls: ssl.SSLContext

    @classmethod
    def as_admin(cls, run: Path, host: str, port: int = 6443) -> Self:
        """Speak as the cluster's administrator, with the certificates in `run`/pki."""
        pki = run / "pki"
        tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return cls(host, port, tls)

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Send one request. Raises OSError while nobody answers."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=10, context=self.tls)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": content_type})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """Read an object, None if there is none. Raises ClusterError for other answers."""
        status, body = self.request("GET", path)
        if status == http.client.NOT_FOUND:
            return None
        return json.loads(_expect_success(status, body))

    def apply(self, path: str, content: dict[str, Any]) -> None:
        """Make an object what `content` says (server-side apply)."""
        query = f"?fieldManager={MANAGER}&force=true"
        _expect_success(*self.request("PATCH", path + query, content, APPLY))

    def merge(self, path: str, patch: dict[str, Any]) -> None:
        """Change some fields; None takes one away."""
        _expect_success(*self.request("PATCH", path, patch, MERGE))

    def watch(self, path: str, *, seconds: int) -> Iterator[dict[str, Any]]:
        """Give what exists and then what changes, until `seconds` are over."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=seconds + 30, context=self.tls)
        try:
            connection.request("GET", f"{path}?watch=true&timeoutSeconds={seconds}")
            for line in connection.getresponse():
                yield json.loads(line)
        finally:
            connection.close()


def _expect_success(status: int, body: bytes) -> bytes:
    if status >= http.client.BAD_REQUEST:
        text = body.decode(errors="replace")[:300]
        raise ClusterError(f"cannot do that: the API server answers {status}: {text}")
    return body
