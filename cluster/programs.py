"""The cluster's programs and their command lines, in the order in which they are started. Pure."""

import sys
from pathlib import Path

from cluster.certificates import NODE
from cluster.configuration import DNS_READY_PORT
from cluster.identity import Identity
from cluster.processes import Program

# One binary that goes by these names.
KUBERNETES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)
# Clients limit themselves to a few requests a second unless told otherwise.
UNHURRIED = ("--kube-api-qps=500", "--kube-api-burst=1000")


def foundation(identity: Identity) -> list[Program]:
    """What the others speak to: they are started when these answer."""
    return [_etcd(identity.run), _apiserver(identity), _containerd(identity.run)]


def upon_it(identity: Identity) -> list[Program]:
    """Everything that is a client of the API server."""
    run = identity.run
    return [
        _controller_manager(identity),
        _program(
            run,
            "kube-scheduler",
            f"--kubeconfig={run}/config/scheduler.kubeconfig",
            "--leader-elect=false",
            *UNHURRIED,
        ),
        _proxy(identity),
        _kubelet(identity),
        _program(run, "coredns", f"-conf={run}/config/Corefile", reads=("config/Corefile",)),
        _volumes(identity),
    ]


def _program(run: Path, name: str, *flags: str, reads: tuple[str, ...] = ()) -> Program:
    return Program(
        name=name,
        command=(str(run / "bin" / name), *flags),
        reads=tuple(run / path for path in reads),
    )


def _etcd(run: Path) -> Program:
    # Nothing here must survive a power cut, and waiting for the disk is most of a write's time.
    return _program(
        run,
        "etcd",
        "--name=local",
        f"--data-dir={run}/etcd",
        "--unsafe-no-fsync",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=local=http://127.0.0.1:2380",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=10m",
        "--log-level=warn",
    )


def _apiserver(identity: Identity) -> Program:
    run, pki = identity.run, identity.run / "pki"
    return _program(
        run,
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--advertise-address={identity.node}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={identity.services}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/kubelet-client.crt",
        f"--kubelet-client-key={pki}/kubelet-client.key",
        # The node's name is known to no DNS.
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-account.pub",
        f"--service-account-signing-key-file={pki}/service-account.key",
        f"--audit-policy-file={run}/config/audit-policy.json",
        f"--audit-log-path={run}/audit.log",
        "--audit-log-maxsize=1000",
        "--audit-log-maxbackup=1",
        # Else a stop waits for every watch to end.
        "--shutdown-delay-duration=0s",
        "--profiling=false",
        reads=("config/audit-policy.json", "pki/apiserver.crt", "pki/ca.crt"),
    )


def _containerd(run: Path) -> Program:
    config = "config/containerd.toml"
    return Program(
        name="containerd",
        command=("containerd", f"--config={run}/{config}", "--log-level=warn"),
        reads=(run / config,),
    )


def _controller_manager(identity: Identity) -> Program:
    run, pki = identity.run, identity.run / "pki"
    return _program(
        run,
        "kube-controller-manager",
        f"--kubeconfig={run}/config/controller-manager.kubeconfig",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={pki}/service-account.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        f"--service-cluster-ip-range={identity.services}",
        f"--flex-volume-plugin-dir={run}/volume-plugins",
        *UNHURRIED,
    )


def _proxy(identity: Identity) -> Program:
    run = identity.run
    return _program(
        run,
        "kube-proxy",
        f"--kubeconfig={run}/config/proxy.kubeconfig",
        f"--hostname-override={NODE}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={identity.pods}",
        # A Service must be reachable as soon as its first pod is.
        "--iptables-min-sync-period=100ms",
        # These settings belong to the whole machine.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
        "--oom-score-adj=0",
    )


def _kubelet(identity: Identity) -> Program:
    run = identity.run
    return _program(
        run,
        "kubelet",
        f"--config={run}/config/kubelet.json",
        f"--kubeconfig={run}/config/kubelet.kubeconfig",
        f"--hostname-override={NODE}",
        f"--node-ip={identity.node}",
        f"--root-dir={run}/kubelet",
        f"--cert-dir={run}/pki",
        reads=("config/kubelet.json",),
    )


def _volumes(identity: Identity) -> Program:
    return Program(
        name="volumes",
        # The working directory is not the checkout.
        command=(
            "env",
            f"PYTHONPATH={identity.root}",
            *(sys.executable, "-m", "cluster.volumes"),
            *(str(identity.run), str(identity.node)),
        ),
        reads=(Path(__file__).with_name("volumes.py"), Path(__file__).with_name("api.py")),
    )


def dns_ready(identity: Identity) -> str:
    """Where CoreDNS says that it knows the cluster's names."""
    return f"http://{identity.node}:{DNS_READY_PORT}/ready"
