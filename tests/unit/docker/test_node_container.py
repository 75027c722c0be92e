"""What a container's node says when the engine refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound
from requests.exceptions import ConnectionError as NoConnectionError

from kit.backends.docker import cluster_network
from kit.backends.docker.layout import NodePlan
from kit.backends.docker.node_container import NodeContainer
from kit.errors import ClusterClosedError, FaultError


class FakeContainer:
    """A container as the Docker SDK knows it, which refuses what it is told to."""

    def __init__(self) -> None:
        self.status = "exited"
        self.error: Exception | None = None
        self.is_gone = False

    def reload(self) -> None:
        """Look at it."""
        if self.is_gone:
            raise NotFound("no such container")
        if isinstance(self.error, NoConnectionError):
            raise self.error

    def start(self) -> None:
        """Start it."""
        if self.error is not None:
            raise self.error


@pytest.fixture
def container() -> FakeContainer:
    """One that is down."""
    return FakeContainer()


@pytest.fixture
def node(container: FakeContainer, monkeypatch: pytest.MonkeyPatch) -> NodeContainer:
    """Node 2 in that container."""
    plan = NodePlan(2, "broker-2", "10.0.0.2", 9002, None, {})
    made = NodeContainer(plan, "image:1", SimpleNamespace(name="net"), name="n", own_labels={})
    monkeypatch.setattr(made, "_container", container)
    return made


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Bind for 127.0.0.1:9002 failed: port is already allocated", "another program has taken its port 9002"),
        ("listen tcp4 127.0.0.1:9002: bind: address already in use", "another program has taken its port 9002"),
        ("write x: no space left on device", "disk of the Docker engine is full"),
        ("No command specified", "image:1 is no image of Apache Kafka"),
        ("OCI runtime create failed", "cannot start from the image image:1: OCI runtime create failed"),
    ],
)
def test_start_that_the_engine_refuses_says_why(
    node: NodeContainer, container: FakeContainer, said: str, expected: str
) -> None:
    """One sentence with what to do."""
    container.error = APIError("500 Server Error", explanation=said)

    with pytest.raises(FaultError, match=expected):
        node.start()


def test_node_whose_container_was_removed_cannot_be_started(node: NodeContainer, container: FakeContainer) -> None:
    """Its data went with it."""
    container.is_gone = True

    assert node.state == "down"
    with pytest.raises(FaultError, match="was removed from outside, and its data with it"):
        node.start()


def test_engine_that_does_not_answer_is_another_error(node: NodeContainer, container: FakeContainer) -> None:
    """The cluster is not there any more, as far as anybody can tell."""
    container.error = NoConnectionError("Connection aborted.", ConnectionRefusedError(111, "Connection refused"))

    with pytest.raises(ClusterClosedError, match=r"engine does not answer any more \(Connection refused\)"):
        _ = node.state


class FakeNetworks:
    """An engine's networks, whose ranges of addresses somebody else takes at first."""

    def __init__(self, refusals: list[str]) -> None:
        self.refusals = refusals
        self.made: list[Any] = []

    def create(self, name: str, *, internal: bool, labels: dict[str, str], ipam: Any = None) -> Any:
        """Make one; with a range that was asked for it may be refused."""
        if ipam is not None and self.refusals:
            raise APIError("403", explanation=self.refusals.pop(0))
        subnet = "10.1.0.0/24" if ipam is None else ipam["Config"][0]["Subnet"]
        network = SimpleNamespace(
            name=name, labels=labels, attrs={"IPAM": {"Config": [{"Subnet": subnet}]}}, internal=internal
        )
        network.reload = lambda: None
        network.remove = lambda: self.made.remove(network)
        self.made.append(network)
        return network


def test_network_has_a_range_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only then does a container keep its address; a range that was taken in between is no reason to give up."""
    networks = FakeNetworks(["Pool overlaps with other one on this address space"])

    made = cluster_network.create(SimpleNamespace(networks=networks), "net", {})

    assert networks.made == [made]
    assert made.internal
    assert cluster_network.addresses(made, [1]) == {1: "10.1.0.2"}


def test_network_that_cannot_be_made_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says how to make room."""
    networks = FakeNetworks(["could not find an available address pool"])

    with pytest.raises(FaultError, match=r"docker network prune.*could not find an available address pool"):
        cluster_network.create(SimpleNamespace(networks=networks), "net", {})
    assert networks.made == []
