"""The configuration files of the cluster's programs, as text. Pure.

JSON wherever the reader takes YAML: it is a part of it, and needs no library to write.
"""

import base64
import json
from pathlib import Path

from cluster.identity import Identity

PAUSE_IMAGE = "localhost/pause:local"
DNS_READY_PORT = 8181


def files(identity: Identity, cni_folder: Path, snapshotter: str) -> dict[Path, str]:
    """Every configuration file and what it holds."""
    run = identity.run
    users = ("admin", "controller-manager", "scheduler", "proxy", "kubelet")
    return {
        **{run / "config" / f"{user}.kubeconfig": kubeconfig(identity, user) for user in users},
        run / "config" / "audit-policy.json": _dump(AUDIT_POLICY),
        run / "config" / "kubelet.json": _dump(kubelet(identity)),
        run / "config" / "containerd.toml": containerd(run, cni_folder, snapshotter),
        run / "config" / "cni" / "10-bridge.conflist": _dump(bridge(identity)),
        run / "config" / "Corefile": corefile(run),
        run / "kubeconfig": kubeconfig(identity, "admin"),
    }


def kubeconfig(identity: Identity, user: str) -> str:
    """Let a user of pki/ speak to the API server; holds the keys, so that it can be moved."""

    def encoded(name: str) -> str:
        return base64.b64encode((identity.run / "pki" / name).read_bytes()).decode()

    server = {"server": identity.api, "certificate-authority-data": encoded("ca.crt")}
    keys = {
        "client-certificate-data": encoded(f"{user}.crt"),
        "client-key-data": encoded(f"{user}.key"),
    }
    return _dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": server}],
            "users": [{"name": user, "user": keys}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
            "current-context": "local",
        }
    )


# Who wrote what, without contents: enough to count writes, and no Secret's data on disk.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Metadata",
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
        },
        {"level": "None"},
    ],
}


def kubelet(identity: Identity) -> dict[str, object]:
    """https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/."""
    run = identity.run
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(run / "pki" / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(run / "pki" / "kubelet.crt"),
        "tlsPrivateKeyFile": str(run / "pki" / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{run}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{identity.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        # A negative score needs a capability that root in a container often lacks.
        "oomScoreAdj": 0,
        "clusterDomain": "cluster.local",
        "clusterDNS": [str(identity.dns)],
        "resolvConf": "",
        "podLogsDir": str(run / "pod-logs"),
        "volumePluginDir": str(run / "volume-plugins"),
        "maxPods": 250,
        # 0 stands for no limit.
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "kubeAPIQPS": 500,
        "kubeAPIBurst": 1000,
        "syncFrequency": "10s",
        "serializeImagePulls": False,
        # This machine's disk is its owner's: only memory is defended.
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }


def containerd(run: Path, cni_folder: Path, snapshotter: str) -> str:
    """https://github.com/containerd/containerd/blob/release/1.6/docs/cri/config.md."""
    return f"""\
version = 2
root = "{run}/containerd/root"
state = "{run}/containerd/state"

[grpc]
  address = "{run}/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Root in a container may often not lower a process's score.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "{snapshotter}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{cni_folder}"
  conf_dir = "{run}/config/cni"
"""


def bridge(identity: Identity) -> dict[str, object]:
    """How a pod gets its address. https://www.cni.dev/plugins/current/main/bridge/."""
    addresses = {
        "type": "host-local",
        "dataDir": str(identity.run / "cni"),
        "ranges": [[{"subnet": str(identity.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        # A pod that speaks to its own Service comes back in where it went out.
        "hairpinMode": True,
        "ipam": addresses,
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    # The name is part of paths outside our folder: containerd keeps results in /var/lib/cni.
    return {"cniVersion": "0.4.0", "name": identity.name, "plugins": [plugin, portmap]}


def corefile(run: Path) -> str:
    """Names of the cluster are answered; all others do not exist, at once, instead of timing out."""
    return f"""\
.:53 {{
    errors
    ready :{DNS_READY_PORT}
    cache 5
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {run}/config/admin.kubeconfig
        pods insecure
        ttl 5
    }}
    template ANY ANY . {{
        rcode NXDOMAIN
    }}
}}
"""


def write(contents: dict[Path, str]) -> None:
    """Write the files; they hold keys, so they are root's alone."""
    for path, text in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)


def _dump(content: object) -> str:
    return json.dumps(content, indent=2) + "\n"
