"""The cluster's certificates: one authority, one certificate for each who speaks to another."""

from dataclasses import dataclass
from pathlib import Path

from cluster.commands import run
from cluster.identity import Identity

DAYS = "3650"
NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Who it is for, in Kubernetes' words: a user (CN) and his group (O)."""

    name: str
    user: str
    group: str = ""
    alternative_names: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The subject as openssl wants it."""
        return (f"/O={self.group}" if self.group else "") + f"/CN={self.user}"


def certificates(identity: Identity) -> list[Certificate]:
    """List all certificates but the authority's own.

    https://kubernetes.io/docs/setup/best-practices/certificates/
    """
    service = tuple(
        f"DNS:kubernetes{suffix}" for suffix in ("", ".default", ".default.svc", ".default.svc.cluster.local")
    )
    addresses = tuple(f"IP:{ip}" for ip in (identity.services[1], identity.node, "127.0.0.1"))
    return [
        Certificate(name="apiserver", user="kube-apiserver", alternative_names=service + addresses),
        Certificate(
            name="kubelet",
            user=f"system:node:{NODE}",
            group="system:nodes",
            alternative_names=(f"DNS:{NODE}", f"IP:{identity.node}"),
        ),
        Certificate(name="kubelet-client", user="apiserver", group="system:masters"),
        Certificate(name="admin", user="admin", group="system:masters"),
        Certificate(name="controller-manager", user="system:kube-controller-manager"),
        Certificate(name="scheduler", user="system:kube-scheduler"),
        Certificate(name="proxy", user="system:kube-proxy"),
    ]


def ensure(identity: Identity) -> None:
    """Make what is missing. Each key is written before its certificate, so a pair is whole."""
    folder = identity.run / "pki"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    _make_authority(folder)
    _make_service_account_keys(folder / "service-account.key", folder / "service-account.pub")
    for certificate in certificates(identity):
        _make(folder, certificate)


def _make_authority(folder: Path) -> None:
    if not (folder / "ca.crt").exists():
        run([*_request(folder, "ca"), "-subj", "/CN=local-cluster"])


def _make_service_account_keys(private: Path, public: Path) -> None:
    if not public.exists():
        curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        run(["openssl", "genpkey", *curve, "-out", str(private)])
        run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)])


def _make(folder: Path, certificate: Certificate) -> None:
    if (folder / f"{certificate.name}.crt").exists():
        return
    authority = ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key")]
    extensions = ["-addext", "basicConstraints=critical,CA:FALSE"]
    if certificate.alternative_names:
        names = ",".join(certificate.alternative_names)
        extensions += ["-addext", f"subjectAltName={names}"]
    request = _request(folder, certificate.name)
    run([*request, "-subj", certificate.subject, *authority, *extensions])


def _request(folder: Path, name: str) -> list[str]:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    return ["openssl", "req", "-x509", *key, "-days", DAYS, *files]
