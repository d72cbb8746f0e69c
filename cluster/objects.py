"""What a fresh cluster holds: a StorageClass with volumes, and the Service of its DNS. Pure."""

from pathlib import Path
from typing import Any

from cluster.certificates import NODE
from cluster.identity import Identity

STORAGE_CLASS = "local"
VOLUMES = 20
VOLUME_CAPACITY = "100Gi"
VOLUMES_PATH = "/api/v1/persistentvolumes"


def objects(identity: Identity) -> dict[str, dict[str, Any]]:
    """Every object, by its path at the API server."""
    system = "/api/v1/namespaces/kube-system/services/kube-dns"
    slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns"
    classes = f"/apis/storage.k8s.io/v1/storageclasses/{STORAGE_CLASS}"
    volumes = {
        f"{VOLUMES_PATH}/{name}": persistent_volume(name, folder) for name, folder in volume_folders(identity).items()
    }
    return {
        classes: STORAGE,
        system: dns_service(str(identity.dns)),
        slices: dns_endpoints(str(identity.node)),
        **volumes,
    }


def volume_folders(identity: Identity) -> dict[str, Path]:
    """Where each volume's files are."""
    names = [f"local-{number:02}" for number in range(1, VOLUMES + 1)]
    return {name: identity.run / "volumes" / name for name in names}


STORAGE: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": STORAGE_CLASS,
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def persistent_volume(name: str, folder: Path) -> dict[str, Any]:
    """A folder of this machine.

    Of kind `local`, because a hostPath gets no fsGroup: a server that is not root could not write.
    The capacity is a number to bind by, nothing holds a pod to it.
    """
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": STORAGE_CLASS,
            "capacity": {"storage": VOLUME_CAPACITY},
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": "Filesystem",
            # Freed by volumes.py, which empties it first.
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


def dns_service(address: str) -> dict[str, Any]:
    """The address that every pod asks; without a selector, for CoreDNS is no pod here."""
    ports = [
        {"name": name, "port": 53, "protocol": protocol, "targetPort": 53}
        for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {"clusterIP": address, "ports": ports},
    }


def dns_endpoints(address: str) -> dict[str, Any]:
    """Where CoreDNS listens."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        ],
    }
