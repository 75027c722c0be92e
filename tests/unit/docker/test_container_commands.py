"""What is asked of a cluster of containers, carried out on containers that are only pretended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kit.backends.broker_link import LinkError, Step
from kit.backends.docker import container_commands
from kit.backends.docker.asking import Quorum
from kit.backends.docker.cluster_network import ClusterNetwork
from kit.backends.docker.container_commands import ContainerCommands
from kit.backends.docker.node_container import Seen
from kit.errors import FaultError, NotSupportedError


class FakeNode:
    """A container of a broker that is a controller too."""

    is_broker = True
    is_whole = True

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.state = "up"
        self.was_asked = False
        self.is_connected = True
        self.refuses: Exception | None = None
        self.plan = SimpleNamespace(client_port=9000 + node_id, controller_port=8000 + node_id, address=str(node_id))

    def kill(self) -> None:
        """Be down, as wanted."""
        self.was_asked = True
        self.state = "down"

    def connect(self) -> None:
        """Be in the network."""
        self.is_connected = True

    def disconnect(self) -> None:
        """Be out of it, or refuse."""
        if self.refuses is not None:
            raise self.refuses
        self.is_connected = False

    def last_words(self) -> str:
        """Nothing to say."""
        return "."


@pytest.fixture
def nodes() -> dict[int, Any]:
    """Three containers."""
    return {node_id: FakeNode(node_id) for node_id in (1, 2, 3)}


@pytest.fixture
def commands(nodes: dict[int, Any], monkeypatch: pytest.MonkeyPatch) -> ContainerCommands:
    """Of a cluster whose controller is node 1, and whose brokers do not answer."""

    def quorum(port: int) -> Quorum | None:
        return Quorum(5, 1, {1: 10, 2: 10, 3: 10}) if port == 8001 else None

    def metadata(port: int, *, with_topics: bool) -> Any:
        raise LinkError(Step.ASK)

    monkeypatch.setattr(container_commands.asking, "quorum", quorum)
    monkeypatch.setattr(container_commands.asking, "metadata", metadata)

    def seen() -> dict[int, Seen]:
        return {node_id: Seen(node.state, node.is_connected) for node_id, node in nodes.items()}

    return ContainerCommands(nodes, [1, 2, 3], ClusterNetwork(nodes, "image"), seen)


def kinds(commands: ContainerCommands) -> list[str]:
    """What the timeline tells."""
    return [event[1] for event in commands.carry_out("timeline", {"since_ms": 0})]


def test_state_names_every_node_and_the_controller(commands: ContainerCommands, nodes: dict[int, Any]) -> None:
    """A controller that is down is asked nothing."""
    links = {"cut": [], "slow": [], "texts": []}
    assert commands.carry_out("state", {}) == {"nodes": {1: "up", 2: "up", 3: "up"}, "controller": 1, "links": links}
    nodes[1].state = "paused"
    found = commands.carry_out("state", {})
    assert (found["nodes"], found["controller"]) == ({1: "paused", 2: "up", 3: "up"}, None)


def test_fault_that_the_engine_refuses_changes_nothing(commands: ContainerCommands, nodes: dict[int, Any]) -> None:
    """Half of a cut is undone, nothing is told, and there is nothing to heal."""
    nodes[3].refuses = FaultError("the engine is tired")

    with pytest.raises(FaultError, match="the engine is tired"):
        commands.carry_out("cut", {"groups": [[1], [2], [3]], "one_way": False, "clients": None})

    assert all(node.is_connected for node in nodes.values())
    assert kinds(commands) == []
    with pytest.raises(FaultError, match="There is nothing to heal"):
        commands.carry_out("heal", {})


def test_heal_mends_what_somebody_else_has_cut(commands: ContainerCommands, nodes: dict[int, Any]) -> None:
    """Although the kit itself has made no fault."""
    nodes[2].is_connected = False

    commands.carry_out("heal", {})

    assert nodes[2].is_connected
    assert kinds(commands) == ["heal"]


def test_node_that_somebody_else_disconnected_is_told_as_isolated(
    commands: ContainerCommands, nodes: dict[int, Any]
) -> None:
    """Once, in the timeline and among the faults; heal connects it, and then nothing is wrong any more."""
    nodes[2].is_connected = False
    commands.look()
    commands.look()

    assert sorted(kinds(commands)) == ["controller_elected", "isolate"]
    assert commands.carry_out("state", {})["links"]["texts"] == ["The network is cut: {2} from {1, 3}."]
    commands.carry_out("heal", {})
    commands.look()
    assert nodes[2].is_connected
    assert commands.carry_out("state", {})["links"]["texts"] == []


def test_node_that_somebody_else_killed_is_told_once(commands: ContainerCommands, nodes: dict[int, Any]) -> None:
    """One that was killed by command is told by that."""
    commands.look()
    nodes[2].state = "down"
    commands.carry_out("kill", {"node_id": 3})
    commands.look()
    commands.look()

    told = [(event[1], event[2]) for event in commands.carry_out("timeline", {"since_ms": 0})]
    assert told == [("controller_elected", 1), ("kill", 3), ("kill", 2)]


@pytest.mark.parametrize("command", ["slow", "drop", "set_user", "remove_user", "add_hook"])
def test_fault_that_containers_do_not_have_names_the_cluster_that_does(
    commands: ContainerCommands, command: str
) -> None:
    """Whatever its arguments are."""
    with pytest.raises(NotSupportedError, match=rf'no {command}\(\): kit\.start\("embedded"\) has'):
        commands.carry_out(command, {"node_id": 1})


def test_start_that_takes_too_long_says_whose_port_is_silent(commands: ContainerCommands) -> None:
    """With what to try; where this program runs in a container itself, that is another kind of cluster."""
    from kit.errors import StartError

    with pytest.raises(StartError, match=r"broker 1 does not answer on 127\.0\.0\.1:9001.*try fewer brokers"):
        commands.wait_until_ready(0, lambda _: None)


def test_container_that_ends_while_starting_is_told(commands: ContainerCommands, nodes: dict[int, Any]) -> None:
    """Status 137 is the kernel's for want of memory."""
    from kit.errors import StartError

    nodes[2].state = "down"
    nodes[2].exit_status = lambda: 137

    with pytest.raises(StartError, match=r"node 2 ended with status 137 \(killed, perhaps for want of memory\)"):
        commands.wait_until_ready(60, lambda _: None)


def test_node_that_is_started_again_during_a_look_was_not_killed_by_somebody_else(
    commands: ContainerCommands, nodes: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look found it down, as wanted, and it is wanted up before the look is over."""
    commands.look()
    commands.carry_out("kill", {"node_id": 3})
    seen = {node_id: Seen(node.state, True) for node_id, node in nodes.items()}

    def seen_late() -> dict[int, Seen]:
        nodes[3].was_asked = False
        return seen

    monkeypatch.setattr(commands, "_seen_now", seen_late)
    commands.look()

    assert kinds(commands).count("kill") == 1
