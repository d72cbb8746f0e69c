"""A checkout's cluster: its name, its addresses, and what a copied folder must not do."""

from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.identity import SPACE, Identity, candidate_blocks, choose, cluster_name, load, store

FIRST = Path("/home/somebody/first")
SECOND = Path("/home/somebody/second")


def test_a_name_fits_a_network_interface() -> None:
    assert len(cluster_name(Path("/" + "long/" * 100))) <= 15


def test_two_folders_get_two_names_and_each_always_the_same() -> None:
    assert cluster_name(FIRST) == cluster_name(FIRST)
    assert cluster_name(FIRST) != cluster_name(SECOND)


def test_every_block_is_a_candidate_once() -> None:
    blocks = list(candidate_blocks("a name"))
    assert len(set(blocks)) == len(blocks) == 1024
    assert all(block.subnet_of(SPACE) for block in blocks)


def test_a_block_that_is_routed_is_passed_over() -> None:
    wanted = choose(FIRST, []).block
    taken = next(wanted.subnets(new_prefix=30))
    assert choose(FIRST, [taken]).block == list(candidate_blocks(cluster_name(FIRST)))[1]


def test_a_second_cluster_meets_none_of_the_first_ones_routes() -> None:
    first = choose(FIRST, [])
    second = choose(FIRST, [first.pods, first.services, first.link])
    assert not first.block.overlaps(second.block)


def test_no_block_left_is_said() -> None:
    with pytest.raises(ClusterError, match="cannot find addresses"):
        choose(FIRST, [IPv4Network("0.0.0.0/0")])


def test_pods_services_and_the_link_share_no_address() -> None:
    identity = choose(FIRST, [])
    networks = [identity.pods, identity.services, identity.link]
    assert all(network.subnet_of(identity.block) for network in networks)
    assert not any(one.overlaps(other) for one, other in combinations(networks, 2))
    assert identity.pods.num_addresses > 250
    assert identity.dns in identity.services
    assert {identity.host, identity.node} == set(identity.link.hosts())


@pytest.mark.parametrize("root", [FIRST, Path("/" + "x" * 500)], ids=["short path", "long path"])
def test_a_socket_of_the_kubelet_fits_into_an_address(root: Path) -> None:
    socket = choose(root, []).run / "kubelet/device-plugins/kubelet.sock"
    assert len(str(socket)) <= 107


def test_what_was_chosen_is_read_again(tmp_path: Path) -> None:
    identity = choose(tmp_path, [])
    store(identity)
    assert load(tmp_path) == identity


def test_nothing_chosen_is_none(tmp_path: Path) -> None:
    assert load(tmp_path) is None


def _stored(root: Path) -> Identity:
    root.mkdir()
    identity = choose(root, [])
    store(identity)
    return identity


def test_a_copied_folder_does_not_name_the_originals_cluster(tmp_path: Path) -> None:
    _stored(tmp_path / "original")
    copy = tmp_path / "copy"
    (copy / ".cluster").mkdir(parents=True)
    record = (tmp_path / "original/.cluster/cluster.json").read_text()
    (copy / ".cluster/cluster.json").write_text(record)
    assert load(copy) is None


def test_a_moved_folder_still_names_its_cluster(tmp_path: Path) -> None:
    before = _stored(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    after = load(tmp_path / "after")
    assert after is not None
    assert (after.name, after.root) == (before.name, tmp_path / "after")
