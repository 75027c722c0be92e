"""Which containers leave the network, and which get routes into nothing, for the cuts that were asked for."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from kit.backends.docker.cluster_network import ClusterNetwork, addresses, cut_off, lost_targets
from kit.broker.faults import Links
from kit.errors import FaultError

NODES = (1, 2, 3, 4)


class FakeNode:
    """A container whose network and programs are lists."""

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.plan = SimpleNamespace(address=f"10.0.0.{node_id}")
        self.state = "up"
        self.is_whole = True
        self.is_connected = True
        self.routes: set[str] = set()
        self.answer = 0

    def connect(self) -> None:
        """Be in the network."""
        self.is_connected = True

    def disconnect(self) -> None:
        """Be out of it."""
        self.is_connected = False

    def run(self, command: list[str]) -> tuple[int, str]:
        """Carry out ``ip route``."""
        if self.answer:
            return self.answer, "exec: ip: not found"
        change = self.routes.add if command[2] == "add" else self.routes.discard
        change(command[-1])
        return 0, ""


@pytest.fixture
def nodes() -> dict[int, Any]:
    """Four containers."""
    return {node_id: FakeNode(node_id) for node_id in NODES}


@pytest.fixture
def links() -> Links:
    """Nothing wrong with any link."""
    return Links(NODES, Random(0))


def routes(nodes: dict[int, Any]) -> dict[int, set[str]]:
    """The routes into nothing of those that have any."""
    return {node_id: set(node.routes) for node_id, node in nodes.items() if node.routes}


def test_isolated_node_leaves_the_network_and_needs_no_routes(nodes: dict[int, Any], links: Links) -> None:
    """As if its cable were pulled; so does the only node on one side of a cut."""
    links.isolate(2)

    ClusterNetwork(nodes, "image").apply(links)

    assert cut_off(links, NODES) == {2}
    assert [node.is_connected for node in nodes.values()] == [True, False, True, True]
    assert routes(nodes) == {}


def test_cut_between_groups_is_routes_in_both_directions(nodes: dict[int, Any], links: Links) -> None:
    """Nobody is alone, so nobody leaves the network."""
    links.cut([{1, 2}, {3, 4}])
    network = ClusterNetwork(nodes, "image")

    network.apply(links)
    during = routes(nodes)
    links.heal()
    network.apply(links)

    assert lost_targets(links, NODES) == {}
    first, second = {"10.0.0.1/32", "10.0.0.2/32"}, {"10.0.0.3/32", "10.0.0.4/32"}
    assert during == {1: second, 2: second, 3: first, 4: first}
    assert routes(nodes) == {}
    assert network.is_whole


def test_cut_of_a_pair_leaves_every_other_link(nodes: dict[int, Any], links: Links) -> None:
    """Each of the two loses the other, and only that one."""
    links.cut([{1}, {2}])

    ClusterNetwork(nodes, "image").apply(links)

    assert routes(nodes) == {1: {"10.0.0.2/32"}, 2: {"10.0.0.1/32"}}


def test_one_way_cut_is_routes_on_the_first_group_only(nodes: dict[int, Any], links: Links) -> None:
    """What the others send still arrives."""
    links.cut([{1}, {2, 3, 4}], one_way=True)

    ClusterNetwork(nodes, "image").apply(links)

    assert routes(nodes) == {1: {"10.0.0.2/32", "10.0.0.3/32", "10.0.0.4/32"}}
    assert all(node.is_connected for node in nodes.values())


def test_paused_node_gets_its_routes_when_it_goes_on(nodes: dict[int, Any], links: Links) -> None:
    """No program can be run in a frozen container; the other side's route is enough until then."""
    network = ClusterNetwork(nodes, "image")
    nodes[1].state = "paused"
    links.cut([{1}, {2}])

    network.apply(links)
    frozen = routes(nodes)
    nodes[1].state = "up"
    network.apply(links)

    assert frozen == {2: {"10.0.0.1/32"}}
    assert routes(nodes) == {1: {"10.0.0.2/32"}, 2: {"10.0.0.1/32"}}


def test_restarted_node_gets_its_routes_again(nodes: dict[int, Any], links: Links) -> None:
    """They went with its network when it died."""
    network = ClusterNetwork(nodes, "image")
    links.cut([{1}, {2}])
    network.apply(links)

    nodes[1].routes.clear()
    network.forget(1)
    network.apply(links)

    assert routes(nodes) == {1: {"10.0.0.2/32"}, 2: {"10.0.0.1/32"}}


def test_node_that_is_gone_is_left_alone(nodes: dict[int, Any], links: Links) -> None:
    """Somebody removed its container: the others can still be cut and healed."""
    nodes[2].is_whole = nodes[2].is_connected = False
    network = ClusterNetwork(nodes, "image")

    links.isolate(1)
    network.apply(links)
    links.heal()
    network.apply(links)

    assert network.is_whole


def test_image_without_ip_is_told(nodes: dict[int, Any], links: Links) -> None:
    """The sentence names the image and what works without."""
    nodes[1].answer = 127
    links.cut([{1}, {2}])

    with pytest.raises(FaultError, match=r"The image busybox has no program `ip`.*isolate\(\) does without"):
        ClusterNetwork(nodes, "busybox").apply(links)


def test_addresses_follow_the_engines_own() -> None:
    """The first host address is the engine's; every node has its own for the whole life of the cluster."""
    network = SimpleNamespace(
        reload=lambda: None, attrs={"IPAM": {"Config": [{"Subnet": "fd00::/64"}, {"Subnet": "172.20.0.0/28"}]}}
    )

    assert addresses(network, [1, 2, 101]) == {1: "172.20.0.2", 2: "172.20.0.3", 101: "172.20.0.4"}
