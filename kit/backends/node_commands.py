"""The commands of `kit.broker.process.commands` for a process per node: faults by signals, or by word to each node."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from kit.backends.node_child import NodeChild
from kit.backends.node_faults import NodeFaults
from kit.broker.process.commands import RESTART_TIMEOUT_MS
from kit.broker.timeline import ToldDecisions
from kit.errors import ClusterClosedError, KitError

_READY_TIMEOUT_S = RESTART_TIMEOUT_MS / 1000
_ANSWER_TIMEOUT_S = 5.0


class NodeCommands(NodeFaults[NodeChild]):
    """Carries out what is asked of a cluster of processes, and remembers what happened.

    Args:
        node_ids: of all brokers and controllers, which `add` brings.
        voters: those of the metadata quorum.
    """

    kind = "A process per broker"

    def __init__(self, node_ids: Sequence[int], voters: Sequence[int]) -> None:
        super().__init__(node_ids, voters)
        self._told = ToldDecisions()
        self._told_lock = threading.Lock()

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

    def _start_again(self, node: NodeChild) -> None:
        node.start(self._links.dump())

    def _wait_started(self, node: NodeChild) -> None:
        node.started()

    def _wait_ready(self, node: NodeChild, broker_ids: list[int]) -> None:
        # The node itself gives up after so long, and says why; a busy computer may take longer to notice.
        node.ask("wait_ready", {"node_ids": broker_ids}, timeout_s=2 * _READY_TIMEOUT_S)

    def _state(self) -> dict[str, Any]:
        states = {node_id: node.state for node_id, node in self._nodes.items()}
        views = []
        for node in self._nodes.values():
            if node.state == "up":
                with contextlib.suppress(KitError):  # it ends at this very moment
                    views.append((node.node_id, node.ask("status", {}, timeout_s=_ANSWER_TIMEOUT_S)))
        active = [(view["epoch"], node_id) for node_id, view in views if view["is_controller"]]
        return {"nodes": states, "controller": max(active)[1] if active else None}

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
