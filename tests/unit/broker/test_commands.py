"""The commands of a parent, carried out by a cluster that is played."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from kit.broker.client_links import Hook, RequestHooks
from kit.broker.clock import VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.faults import FaultError, Links
from kit.broker.lifecycle import LifecycleState
from kit.broker.process.commands import RESTART_TIMEOUT_MS, STOP_TIMEOUT_MS, cluster_commands
from kit.broker.process.control import ControlChannel
from kit.broker.timeline import Timeline


class PlayedCluster:
    """Three nodes that are what the test says."""

    def __init__(self, clock: VirtualClock) -> None:
        self.timeline = Timeline(clock)
        self.links = Links([1, 2, 3], random.Random(1))
        self.hooks = RequestHooks()
        self.states = {1: "up", 2: "up", 3: "up"}
        self.nodes = {node_id: _running() for node_id in (1, 2, 3)}
        self.controller: int | None = 1
        self.is_open = True
        self.stopped: Deferred[None] = Deferred()
        self.isolate, self.slow, self.drop, self.heal = (
            self.links.isolate, self.links.slow, self.links.drop, self.links.heal,
        )  # fmt: skip

    def state(self) -> Mapping[str, Any]:
        """Where everybody is."""
        return {"nodes": self.states, "controller": self.controller}

    def kill(self, node_id: int) -> None:
        """Put it down."""
        if self.states[node_id] == "down":
            raise FaultError(f"Node {node_id} is down already.")
        self.states[node_id] = "down"
        del self.nodes[node_id]
        self.timeline.add("kill", node_id)

    def stop(self, node_id: int) -> Deferred[None]:
        """Leave it to the test when it is gone."""
        self.timeline.add("stop", node_id)
        return self.stopped

    def restart(self, node_id: int) -> None:
        """Put it up; when it is ready is left to the test."""
        if self.states[node_id] != "down":
            raise FaultError(f"Node {node_id} runs.")
        self.states[node_id] = "up"

    def can_join(self, node_id: int) -> bool:
        """What the test says of every node."""
        assert node_id in self.states
        return self.is_open

    def pause(self, node_id: int) -> None:
        """Note it."""
        self.states[node_id] = "paused"

    def resume(self, node_id: int) -> None:
        """Note it."""
        self.states[node_id] = "up"

    def cut(self, groups: Any, *, one_way: bool, clients: Mapping[str, int] | None) -> None:
        """As the links do."""
        self.links.cut(groups, one_way=one_way, clients=clients)

    def on_request(self, api_key: int, hook: Hook) -> Callable[[], None]:
        """As the hooks do."""
        return self.hooks.add(api_key, hook)


def _running() -> SimpleNamespace:
    return SimpleNamespace(broker=SimpleNamespace(lifecycle=SimpleNamespace(state=LifecycleState.RUNNING)))


class Parent:
    """The other end of the channel."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.cluster = PlayedCluster(self.clock)
        self.answers: list[dict[str, Any]] = []
        self.channel = ControlChannel(lambda message: self.answers.append(json.loads(json.dumps(message))), list)
        cluster: Any = self.cluster
        self.channel.serve(cluster_commands(cluster, self.channel, self.clock))

    def ask(self, command: str, **arguments: Any) -> Any:
        """Give a command; returns its answer when it has one, else None."""
        self.answers.clear()
        self.channel.receive(json.dumps({"id": 1, "command": command, "args": arguments}).encode())
        return self.answers.pop() if self.answers else None


@pytest.fixture
def parent() -> Parent:
    """The parent of three nodes."""
    return Parent()


def test_faults_of_links_and_nodes_are_made(parent: Parent) -> None:
    """Each by its name, with the arguments that `Cluster` sends."""
    assert parent.ask("cut", groups=[[1], [2, 3]], one_way=True, clients={"me": 0}) == {"id": 1, "result": None}
    parent.ask("isolate", node_id=2)
    parent.ask("slow", node_id=3, delay_ms=200, jitter_ms=50.5)
    parent.ask("drop", node_id=1, what="replies", share=0.5, api_key=1)
    assert len(parent.cluster.links.describe()) == 4
    parent.ask("heal")
    assert parent.cluster.links.is_quiet

    parent.ask("pause", node_id=2)
    links = {"cut": [], "slow": [], "texts": []}
    nodes = {"1": "up", "2": "paused", "3": "up"}
    assert parent.ask("state")["result"] == {"nodes": nodes, "controller": 1, "links": links}
    parent.ask("resume", node_id=2)
    parent.ask("kill", node_id=2)
    assert parent.ask("kill", node_id=2) == {"id": 1, "error": "Node 2 is down already.", "kind": "FaultError"}
    assert parent.ask("heal")["kind"] == "FaultError"


def test_timeline_is_told_as_lists(parent: Parent) -> None:
    """In the order of an event's fields."""
    parent.ask("kill", node_id=2)

    killed = [parent.clock.time_ms(), "kill", 2, None, None, {}]
    assert parent.ask("timeline", since_ms=0)["result"] == [killed]
    assert parent.ask("timeline", since_ms=killed[0])["result"] == [killed]
    assert parent.ask("timeline", since_ms=killed[0] + 1)["result"] == []


def test_restart_is_answered_when_the_broker_is_back(parent: Parent) -> None:
    """Not before it may lead again."""
    parent.ask("kill", node_id=2)
    assert parent.ask("restart", node_id=2) is None
    parent.clock.advance(300)
    assert parent.answers == []

    parent.cluster.nodes[2] = _running()
    parent.clock.advance(100)
    assert parent.answers == [{"id": 1, "result": None}]
    assert parent.clock.pending() == 0
    assert parent.ask("restart", node_id=2) == {"id": 1, "error": "Node 2 runs.", "kind": "FaultError"}


@pytest.mark.parametrize(
    ("controller", "state", "reason"),
    [
        (None, "up", "no active controller"),
        (3, "up", "does not reach the active controller on node 3; heal"),
        (3, "down", "it is down again"),
    ],
)
def test_restart_that_leads_to_nothing_says_why(
    parent: Parent, controller: int | None, state: str, reason: str
) -> None:
    """After a while, for the nodes may need one."""
    parent.ask("kill", node_id=2)
    parent.ask("restart", node_id=2)
    parent.cluster.controller, parent.cluster.states[2] = controller, state
    parent.clock.advance(RESTART_TIMEOUT_MS + 100)

    (answer,) = parent.answers
    assert answer["kind"] == "FaultError"
    assert "Node 2 was started again, but is no part of the cluster after 30 s: " in answer["error"]
    assert reason in answer["error"]


def test_restart_waits_for_nothing_that_cannot_come(parent: Parent) -> None:
    """Neither when the others are away from the start, nor when they go meanwhile."""
    parent.ask("kill", node_id=2)
    parent.ask("kill", node_id=3)
    assert parent.ask("restart", node_id=2) is None
    parent.cluster.is_open = False
    parent.clock.advance(20)
    assert parent.answers == [{"id": 1, "result": None}]

    assert parent.ask("restart", node_id=3) == {"id": 1, "result": None}


def test_stop_is_answered_when_the_broker_is_gone(parent: Parent) -> None:
    """However long the others need to take over."""
    assert parent.ask("stop", node_id=2) is None
    parent.cluster.stopped.resolve(None)

    assert parent.answers == [{"id": 1, "result": None}]
    assert parent.clock.pending() == 0


def test_stop_that_nobody_allows_says_so(parent: Parent) -> None:
    """What the broker leads has nowhere to go."""
    parent.ask("stop", node_id=2)
    parent.clock.advance(STOP_TIMEOUT_MS)

    (answer,) = parent.answers
    assert answer["kind"] == "FaultError"
    assert "has not stopped after 30 seconds" in answer["error"]
    parent.cluster.stopped.resolve(None)
    assert len(parent.answers) == 1


def test_hook_is_asked_over_the_channel(parent: Parent) -> None:
    """And its verdict comes back to whoever holds the request."""
    parent.ask("add_hook", api_key=0, hook=5)
    described = {"broker_id": 2, "client_id": "me", "partitions": [("plays", 0)]}
    verdict = parent.cluster.hooks.decide(0, described)
    assert parent.answers == [{"hook": 5, "call": 1, "request": json.loads(json.dumps(described))}]

    parent.channel.receive(b'{"call": 1, "verdict": 20.0}')
    assert verdict.value == 20.0
    for _ in range(2):
        assert parent.ask("remove_hook", hook=5)["result"] is None
    assert not parent.cluster.hooks
