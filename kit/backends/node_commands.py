"""The commands of `kit.broker.process.commands` for a process per node: faults by signals, or by word to each node."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from kit.backends.node_child import NodeChild
from kit.broker.faults import FaultError as LinkFaultError
from kit.broker.faults import Links, check_node
from kit.broker.process.commands import RESTART_TIMEOUT_MS, STOP_TIMEOUT_MS
from kit.broker.timeline import ToldDecisions
from kit.errors import ClusterClosedError, FaultError, KitError, NotSupportedError

_READY_TIMEOUT_S = RESTART_TIMEOUT_MS / 1000
_STOP_TIMEOUT_S = STOP_TIMEOUT_MS / 1000
_ANSWER_TIMEOUT_S = 5.0


class NodeCommands:
    """Carries out what is asked of a cluster of processes, and remembers what happened.

    Args:
        node_ids: of all brokers and controllers, which `add` brings.
        voters: those of the metadata quorum.
    """

    def __init__(self, node_ids: Sequence[int], voters: Sequence[int]) -> None:
        self._nodes: dict[int, NodeChild] = {}
        self._voters = voters
        self._links = Links(node_ids, Random())
        self._lock = threading.Lock()  # one fault after the other
        self._events: list[list[Any]] = []
        self._told = ToldDecisions()
        self._told_lock = threading.Lock()
        self._commands: dict[str, Callable[..., Any]] = {
            name: getattr(self, f"_{name}")
            for name in (
                "state", "timeline", "kill", "stop", "restart", "pause", "resume",
                "isolate", "cut", "slow", "drop", "heal",
            )
        }  # fmt: skip

    def add(self, node: NodeChild) -> None:
        """Name one of the nodes."""
        self._nodes[node.node_id] = node

    def carry_out(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out one command.

        Raises:
            FaultError: it cannot be done as asked; nothing has changed.
            KitError: as `kit.backends.child.Child.ask`.
        """
        try:
            return self._commands[command](**arguments)
        except LinkFaultError as error:
            raise FaultError(str(error)) from None

    def take_event(self, message: Mapping[str, Any]) -> None:
        """Remember what a node has for the timeline; see `kit.broker.timeline.SentTimeline`."""
        if "event" in message:
            self._events.append(message["event"])
        else:
            with self._told_lock:  # each node has a thread of its own
                self._events += self._told.news(message["decisions"])

    def start_all(self) -> None:
        """Start all nodes side by side, and wait until every one is part of the cluster.

        Raises:
            OSError: no process can be made.
            KitError: one does not start; the others may run.
        """
        first_voter = min(self._voters)
        for node in self._nodes.values():
            node.start(self._links.dump(), is_eager=node.node_id == first_voter)
        for node in self._nodes.values():
            node.started()
        broker_ids = [node.node_id for node in self._nodes.values() if node.is_broker]
        for node in self._nodes.values():
            self._wait_ready(node, broker_ids)

    @staticmethod
    def _wait_ready(node: NodeChild, broker_ids: list[int]) -> None:
        # The node itself gives up after so long, and says why; a busy computer may take longer to notice.
        node.ask("wait_ready", {"node_ids": broker_ids}, timeout_s=2 * _READY_TIMEOUT_S)

    def _note(self, kind: str, node_id: int | None = None, **details: Any) -> None:
        self._events.append([time.time_ns() // 1_000_000, kind, node_id, None, None, details])

    def _state(self) -> dict[str, Any]:
        states = {node_id: node.state for node_id, node in self._nodes.items()}
        views = []
        for node in self._nodes.values():
            if node.state == "up":
                with contextlib.suppress(KitError):  # it ends at this very moment
                    views.append((node.node_id, node.ask("status", {}, timeout_s=_ANSWER_TIMEOUT_S)))
        active = [(view["epoch"], node_id) for node_id, view in views if view["is_controller"]]
        return {"nodes": states, "controller": max(active)[1] if active else None}

    def _timeline(self, since_ms: int) -> list[list[Any]]:
        return sorted((event for event in self._events if event[0] >= since_ms), key=lambda event: event[0])

    # -- nodes ---------------------------------------------------------------------------------------------------

    def _node(self, node_id: int) -> NodeChild:
        check_node(node_id, list(self._nodes))
        return self._nodes[node_id]

    def _running(self, node_id: int) -> NodeChild:
        node = self._node(node_id)
        if node.state == "down":
            raise FaultError(f"Node {node_id} is down already: restart({node_id}) starts it again.")
        return node

    def _kill(self, node_id: int) -> None:
        with self._lock:
            self._running(node_id).kill()
            self._note("kill", node_id)

    def _stop(self, node_id: int) -> None:
        with self._lock:
            node = self._running(node_id)
            if node.state == "paused":
                raise FaultError(f"Node {node_id} is paused and cannot stop by itself: resume({node_id}) it first.")
            self._note("stop", node_id)
            node.stop()
        if not node.wait(_STOP_TIMEOUT_S):
            raise FaultError(
                f"Node {node_id} has not stopped after {_STOP_TIMEOUT_S:.0f} seconds: nobody can take over what it "
                "leads, perhaps for want of an active controller or of other replicas in sync. It goes on trying; "
                "kill() ends it."
            )
        self._note("stopped", node_id)

    def _restart(self, node_id: int) -> None:
        with self._lock:
            node = self._node(node_id)
            if node.state != "down":
                raise FaultError(f"Node {node_id} is running: restart() is for one that was killed or stopped.")
            node.start(self._links.dump())
            self._note("restart", node_id)
        node.started()
        running = [each.node_id for each in self._nodes.values() if each.state == "up"]
        if self._links.can_join(node_id, running, self._voters):  # else it gets in when the others are there again
            self._wait_ready(node, [node_id] if node.is_broker else [])

    def _pause(self, node_id: int) -> None:
        with self._lock:
            node = self._running(node_id)
            if node.state == "paused":
                raise FaultError(f"Node {node_id} is paused already: resume({node_id}) lets it go on.")
            node.pause()
            self._note("pause", node_id)

    def _resume(self, node_id: int) -> None:
        with self._lock:
            node = self._node(node_id)
            if node.state != "paused":
                raise FaultError(f"Node {node_id} is not paused, so there is nothing to resume.")
            self._note("resume", node_id)
            node.resume()

    # -- links ---------------------------------------------------------------------------------------------------

    def _isolate(self, node_id: int) -> None:
        with self._lock:
            self._links.isolate(node_id)
            self._tell_links("isolate", node_id)

    def _cut(self, groups: list[list[int]], one_way: bool, clients: Mapping[str, int] | None) -> None:
        if clients:
            raise NotSupportedError(
                'Clients cannot be put on a side of the cut here: only kit.start("embedded") knows cut(clients=...).'
            )
        with self._lock:
            self._tell_links("cut", text=self._links.cut(groups, one_way=one_way))

    def _slow(self, node_id: int, delay_ms: float, jitter_ms: float) -> None:
        with self._lock:
            self._links.slow(node_id, delay_ms, jitter_ms)
            self._tell_links("slow", node_id, delay_ms=delay_ms, jitter_ms=jitter_ms)

    def _drop(self, node_id: int, what: str, share: float, api_key: int | None) -> None:
        with self._lock:
            self._links.drop(node_id, what, share, api_key)
            self._tell_links("drop", node_id, what=what, share=share, api_key=api_key)

    def _heal(self) -> None:
        with self._lock:
            self._links.heal()
            self._tell_links("heal")

    def _tell_links(self, kind: str, node_id: int | None = None, **details: Any) -> None:
        """Note a fault of the network and tell every node; a paused one will know when it goes on."""
        self._note(kind, node_id, **details)
        arguments = {"state": self._links.dump()}
        for node in self._nodes.values():
            if node.state == "up":
                with contextlib.suppress(ClusterClosedError):  # it ends at this very moment
                    node.ask("links", arguments, timeout_s=_ANSWER_TIMEOUT_S)
            else:
                node.tell("links", arguments)
