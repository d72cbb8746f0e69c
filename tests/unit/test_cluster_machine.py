"""What the cluster reads from this machine, and what it says of what is missing."""

import dataclasses
from pathlib import Path

import pytest

from cluster import binaries, cgroups, mounts
from cluster.binaries import inputs_hash
from cluster.errors import ClusterError
from cluster.tools import GO, Machine, is_recent_go, obstacles
from cluster.waiting import wait_until

FIT = Machine(
    system="Linux",
    architecture="x86_64",
    is_root=True,
    has_apt=True,
    missing_packages=("runc",),
    needs_go=True,
    has_go=True,
)
MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
30 25 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 25 0:28 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
99 27 0:4 net:[4026532177] /a\\040folder/netns rw shared:7 - nsfs nsfs rw
"""


def test_what_apt_can_install_is_no_obstacle() -> None:
    assert obstacles(FIT) == []


@pytest.mark.parametrize(
    ("difference", "word"),
    [
        pytest.param({"system": "Darwin"}, "Linux", id="another system"),
        pytest.param({"architecture": "riscv64"}, "riscv64", id="another processor"),
        pytest.param({"is_root": False, "missing_packages": ()}, "sudo", id="no root"),
        pytest.param({"has_go": False}, "Go (1.24 or newer)", id="no Go"),
        pytest.param({"has_apt": False}, "runc", id="no apt"),
    ],
)
def test_each_obstacle_is_one_sentence(difference: dict[str, object], word: str) -> None:
    (sentence,) = obstacles(dataclasses.replace(FIT, **difference))
    assert word in sentence


def test_go_is_asked_for_only_when_something_must_be_built() -> None:
    assert obstacles(dataclasses.replace(FIT, has_go=False, needs_go=False)) == []


@pytest.mark.parametrize(
    ("version", "recent"),
    [
        ("go version go1.26.8 linux/amd64", True),
        ("go version go1.24.0 linux/arm64", True),
        ("go version go1.23.12 linux/amd64", False),
        ("go version devel", False),
    ],
)
def test_an_old_go_is_none(version: str, *, recent: bool) -> None:
    assert is_recent_go(version) is recent


@pytest.mark.parametrize("program", sorted({*binaries.PROGRAMS} - {"helm4"}))
def test_the_go_that_is_asked_for_is_what_the_modules_name(program: str) -> None:
    (line,) = [
        line for line in (binaries.SOURCES / program / "go.mod").read_text().splitlines() if line.startswith("go ")
    ]
    assert line == f"go {GO[0]}.{GO[1]}.0"


def test_helm_3_renders_for_the_kubernetes_that_is_built() -> None:
    flags = " ".join(binaries.PROGRAMS["helm"].flags())
    assert binaries.KUBERNETES_VERSION.startswith("v1.34.")
    assert "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34" in flags


def test_all_obstacles_are_said_at_once() -> None:
    machine = dataclasses.replace(FIT, is_root=False, has_go=False)
    assert len(obstacles(machine)) == 3


def test_version_2_cgroups_come_first() -> None:
    found = cgroups.hierarchies(MOUNTINFO)
    assert found == [Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/memory")]


def test_a_mount_point_with_a_blank_is_read() -> None:
    assert Path("/a folder/netns") in mounts.parse(MOUNTINFO)


def test_a_build_depends_on_names_contents_and_flags(tmp_path: Path) -> None:
    source = tmp_path / "main.go"
    source.write_text("package main")
    before = inputs_hash(tmp_path, ["-a"])
    assert inputs_hash(tmp_path, ["-a"]) == before
    assert inputs_hash(tmp_path, ["-b"]) != before
    source.write_text("package main // changed")
    changed = inputs_hash(tmp_path, ["-a"])
    source.rename(tmp_path / "other.go")
    assert len({before, changed, inputs_hash(tmp_path, ["-a"])}) == 3


def test_waiting_ends_when_it_is_so() -> None:
    answers = iter([False, True])
    wait_until("it is so", lambda: next(answers))


def test_waiting_ends_with_a_word_after_its_time() -> None:
    with pytest.raises(ClusterError, match="in vain until it is so"):
        wait_until("it is so", lambda: False, seconds=0)


def test_waiting_ends_at_once_with_a_reason() -> None:
    with pytest.raises(ClusterError, match="it is so: etcd ended"):
        wait_until("it is so", lambda: False, unless=lambda: "etcd ended")
