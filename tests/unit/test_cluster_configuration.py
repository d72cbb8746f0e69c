"""What the cluster's programs are told, and the objects a fresh cluster holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster import configuration, objects, programs, volumes
from cluster.identity import Identity, choose
from cluster.state import accepts_pods

NODE_TIME = "2026-01-02T03:04:05Z"
NODE_EPOCH = 1767323045.0


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return choose(tmp_path, [])


def test_all_state_lies_in_the_clusters_folder(identity: Identity) -> None:
    commands = [*programs.foundation(identity), *programs.upon_it(identity)]
    paths = [
        word.rpartition("=")[2]
        for program in commands
        for word in program.command[1:]
        if word.rpartition("=")[2].startswith("/")
    ]
    elsewhere = [path for path in paths if not path.startswith(str(identity.run))]
    # The interpreter of our own program, and where it finds it.
    assert all(str(identity.root) in path or "python" in path for path in elsewhere)


def test_two_checkouts_share_no_word_of_their_configuration(tmp_path: Path) -> None:
    one, other = (choose(tmp_path / name, []) for name in ("one", "other"))
    first = configuration.containerd(one.run, Path("/cni"), "overlayfs")
    assert one.name in first
    assert other.name not in first
    assert configuration.bridge(one)["name"] != configuration.bridge(other)["name"]
    assert configuration.kubelet(one)["cgroupRoot"] != configuration.kubelet(other)["cgroupRoot"]


def test_the_audit_log_holds_writes_and_no_contents() -> None:
    rules: Any = configuration.AUDIT_POLICY["rules"]
    writes, rest = rules
    assert (writes["level"], rest["level"]) == ("Metadata", "None")
    assert set(writes["verbs"]) == {"create", "update", "patch", "delete", "deletecollection"}


def test_only_root_reads_what_holds_keys(tmp_path: Path) -> None:
    path = tmp_path / "config/a.kubeconfig"
    configuration.write({path: "key"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == "key"


def test_there_are_volumes_to_recreate_servers_with(identity: Identity) -> None:
    made = objects.objects(identity)
    kinds = [content["kind"] for content in made.values()]
    assert kinds.count("PersistentVolume") == objects.VOLUMES >= 20
    (storage,) = [content for content in made.values() if content["kind"] == "StorageClass"]
    annotations = storage["metadata"]["annotations"]
    assert annotations["storageclass.kubernetes.io/is-default-class"] == "true"
    json.dumps(made)


@pytest.mark.parametrize(
    ("phase", "storage_class", "released"),
    [
        ("Released", "local", True),
        ("Bound", "local", False),
        ("Available", "local", False),
        ("Released", "somebody-elses", False),
    ],
)
def test_only_our_released_volumes_are_recycled(phase: str, storage_class: str, *, released: bool) -> None:
    volume = {"spec": {"storageClassName": storage_class}, "status": {"phase": phase}}
    assert volumes.is_released(volume) is released


def test_a_recycled_volume_is_empty_and_roots(tmp_path: Path) -> None:
    folder = tmp_path / "local-01"
    (folder / "pgdata").mkdir(parents=True)
    (folder / "pgdata/PG_VERSION").write_text("16")
    folder.chmod(0o2775)
    volumes.empty(folder)
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o7777 == 0o755


def _node(*, ready: str = "True", taints: bool = False, heartbeat: str = NODE_TIME) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": heartbeat}
    return {
        "spec": {"taints": [{"key": "node.kubernetes.io/not-ready"}]} if taints else {},
        "status": {"conditions": [condition]},
    }


@pytest.mark.parametrize(
    ("node", "since", "accepts"),
    [
        pytest.param(_node(), NODE_EPOCH - 10, True, id="ready"),
        pytest.param(_node(), NODE_EPOCH + 0.9, True, id="said in the second of the start"),
        pytest.param(_node(), NODE_EPOCH + 5, False, id="said by the kubelet before this one"),
        pytest.param(_node(ready="Unknown"), NODE_EPOCH - 10, False, id="lost"),
        pytest.param(_node(taints=True), NODE_EPOCH - 10, False, id="tainted"),
        pytest.param({"spec": {}, "status": {}}, 0.0, False, id="just registered"),
    ],
)
def test_a_node_accepts_pods(node: dict[str, Any], since: float, *, accepts: bool) -> None:
    assert accepts_pods(node, since=since) is accepts
