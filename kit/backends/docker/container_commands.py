"""The commands of `kit.broker.process.commands` for Apache Kafka in containers: faults are made by the engine."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kit.backends.broker_link import LinkError
from kit.backends.docker import asking
from kit.backends.docker.asking import Quorum
from kit.backends.docker.cluster_network import ClusterNetwork, cut_off
from kit.backends.docker.node_container import NodeContainer, Seen
from kit.backends.docker.watcher import View, changes, partitions_of
from kit.backends.node_faults import NodeFaults
from kit.broker.process.commands import RESTART_TIMEOUT_MS
from kit.errors import FaultError, KitError, StartError

_RESTART_TIMEOUT_S = 90.0  # a JVM on a busy computer
_CUT_OFF_TIMEOUT_S = RESTART_TIMEOUT_MS / 1000
_PAUSE_S = 0.2


class ContainerCommands(NodeFaults[NodeContainer]):
    """Carries out what is asked of a cluster of containers, and remembers what happened.

    Args:
        nodes: of the cluster, by id.
        voters: those of the metadata quorum.
        network: between them.
        seen: what the engine knows of every node that is there, by id.
    """

    kind = "Apache Kafka in containers"

    def __init__(
        self,
        nodes: Mapping[int, NodeContainer],
        voters: Sequence[int],
        network: ClusterNetwork,
        seen: Callable[[], Mapping[int, Seen]],
    ) -> None:
        super().__init__(list(nodes), voters)
        for node in nodes.values():
            self.add(node)
        del self._commands["slow"], self._commands["drop"]
        self._network = network
        self._seen_now = seen
        self._known_states: dict[int, str] = {}
        self._in_force = self._links.dump()
        self._view = View()
        self._looking = threading.Lock()

    # -- what is so ----------------------------------------------------------------------------------------------

    def states(self) -> dict[int, str]:
        """By node id, one of "up", "paused" and "down"."""
        return self._states_in(self._seen_now())

    def _states_in(self, found: Mapping[int, Seen]) -> dict[int, str]:
        return {node_id: found[node_id].state if node_id in found else "down" for node_id in self._nodes}

    def _state(self) -> dict[str, Any]:
        states = self.states()
        found = self._quorum(states)
        return {"nodes": states, "controller": None if found is None else found.leader_id}

    def _quorum(self, states: Mapping[int, str]) -> Quorum | None:
        """What the active controller says; of two that think they are it, the one of the newest epoch."""
        claims: list[Quorum | None] = []
        for voter in self._voters:
            if states[voter] == "up":
                with contextlib.suppress(LinkError):
                    claims.append(asking.quorum(self._nodes[voter].plan.controller_port or 0))
        return max(filter(None, claims), key=lambda claim: claim.leader_epoch, default=None)

    def look(self) -> None:
        """Note what has changed since the last look."""
        with self._looking:
            were_asked = {node_id for node_id, node in self._nodes.items() if node.was_asked}
            found = self._seen_now()
            states = self._states_in(found)
            self._note_the_dead(states, were_asked)
            if self._unplugged(found):
                self._note_the_unplugged()
            after = self._look(states)
            time_ms = time.time_ns() // 1_000_000
            for event in changes(self._view, after, time_ms):
                self._events.append(
                    [event.time_ms, event.kind, event.node_id, event.topic, event.partition, event.details]
                )
            self._view = (
                after
                if after.partitions is not None
                else View(after.controller or self._view.controller, self._view.alive, self._view.partitions)
            )

    def _note_the_dead(self, states: Mapping[int, str], were_asked: set[int]) -> None:
        """Note the nodes that somebody else has killed.

        Args:
            were_asked: who was down on purpose before the states were asked for; meanwhile it may be started again.
        """
        for node_id, state in states.items():
            is_asked = node_id in were_asked or self._nodes[node_id].was_asked
            if state == "down" != self._known_states.get(node_id, "down") and not is_asked:
                self._note("kill", node_id)
        self._known_states = dict(states)

    def _unplugged(self, found: Mapping[int, Seen]) -> list[int]:
        """The nodes that left the network although no fault of ours says so."""
        alone = cut_off(self._links, self._nodes)
        if len(self._nodes) == 1:
            return []  # it has nobody to be cut off from
        return [node_id for node_id, each in found.items() if not each.is_connected and node_id not in alone]

    def _note_the_unplugged(self) -> None:
        """Take a node that somebody else has disconnected for isolated: so it is told, and healed."""
        if not self._lock.acquire(blocking=False):
            return  # a fault is just being made or healed
        try:
            for node_id in self._unplugged(self._seen_now()):
                self._links.isolate(node_id)
                self._in_force = self._links.dump()
                self._note("isolate", node_id)
        finally:
            self._lock.release()

    def _look(self, states: Mapping[int, str]) -> View:
        quorum = self._quorum(states)
        if quorum is None:
            return View()
        controller = quorum.leader_epoch, quorum.leader_id
        newest = max(quorum.end_offsets.values(), default=0)
        for node in self._brokers():
            if states[node.node_id] != "up" or quorum.end_offsets.get(node.node_id) != newest:
                continue  # it knows nothing, or not the latest
            with contextlib.suppress(LinkError):
                answer = asking.metadata(node.plan.client_port or 0, with_topics=True)
                alive = frozenset(broker.node_id for broker in answer.brokers)
                return View(controller, alive, partitions_of(answer))
        return View(controller)

    def _reaches(self, source: int, target: int) -> bool:
        return self._links.passes(source, target, api_key=0, is_reply=False) and self._links.passes(
            target, source, api_key=0, is_reply=True
        )

    def _brokers(self) -> list[NodeContainer]:
        return [node for node in self._nodes.values() if node.is_broker]

    # -- starting ------------------------------------------------------------------------------------------------

    def wait_until_ready(self, timeout_s: float, say: Callable[[int], None]) -> None:
        """Wait until every broker knows that every broker is alive.

        Args:
            say: told how many brokers are ready.

        Raises:
            StartError: a container ended, or it took too long; with the end of a log.
        """
        give_up_s = time.monotonic() + timeout_s
        everyone = {node.node_id for node in self._brokers()}
        while True:
            ready = [node for node in self._brokers() if self._knows(node, everyone)]
            say(len(ready))
            states = self.states()
            if len(ready) == len(everyone) and self._quorum(states) is not None:
                return
            for node_id, node in self._nodes.items():
                if states[node_id] == "down":
                    raise StartError(f"{_ended(node)}{node.last_words()}")
            if time.monotonic() > give_up_s:
                late = next((node for node in self._brokers() if node not in ready), self._brokers()[0])
                raise StartError(
                    f"Apache Kafka was not ready after {timeout_s:.0f} seconds: broker {late.node_id} does not answer "
                    f"on 127.0.0.1:{late.plan.client_port}, or does not know the others. The computer may be very busy "
                    f"or short of memory, so try fewer brokers; where this program itself runs in a container, the "
                    f'brokers\' ports are out of its reach, and kit.start("embedded") works{late.last_words()}'
                )
            time.sleep(_PAUSE_S)

    @staticmethod
    def _knows(node: NodeContainer, wanted: set[int]) -> bool:
        with contextlib.suppress(LinkError):
            answer = asking.metadata(node.plan.client_port or 0, with_topics=False)
            return wanted <= {broker.node_id for broker in answer.brokers}
        return False

    # -- nodes ---------------------------------------------------------------------------------------------------

    def _start_again(self, node: NodeContainer) -> None:
        node.start()
        self._network.forget(node.node_id)
        self._network.apply(self._links)  # its routes are gone

    def _wait_started(self, node: NodeContainer) -> None:
        """Do nothing: a container runs as soon as it is started."""

    def _resume(self, node_id: int) -> None:
        super()._resume(node_id)
        with self._lock:
            self._network.apply(self._links)  # what was cut meanwhile

    def _wait_ready(self, node: NodeContainer, broker_ids: list[int]) -> None:
        timeout_s = _CUT_OFF_TIMEOUT_S if self._is_shut_out(node.node_id) else _RESTART_TIMEOUT_S
        give_up_s = time.monotonic() + timeout_s
        while not (self._knows(node, set(broker_ids)) if node.is_broker else self._answers(node)):
            if node.state == "down":
                raise FaultError(f"{_ended(node)}{node.last_words()}")
            if time.monotonic() > give_up_s:
                raise FaultError(self._why_not_ready(node.node_id, timeout_s))
            time.sleep(_PAUSE_S)

    @staticmethod
    def _answers(node: NodeContainer) -> bool:
        with contextlib.suppress(LinkError):
            asking.quorum(node.plan.controller_port or 0)
            return True
        return False

    def _is_shut_out(self, node_id: int) -> bool:
        """Whether a cut keeps a node from the active controller."""
        found = self._quorum(self.states())
        return found is not None and not self._reaches(node_id, found.leader_id)

    def _why_not_ready(self, node_id: int, timeout_s: float) -> str:
        began = f"Node {node_id} was started again, but is no part of the cluster after {timeout_s:.0f} s: "
        found = self._quorum(self.states())
        if found is None:
            return (
                began + "there is no active controller, because no majority of the controllers can reach one another."
            )
        return began + f"it cannot reach the active controller on node {found.leader_id}; heal() mends the network."

    # -- links ---------------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        with self._lock:
            if not self._links.is_quiet or self._network.is_whole:  # else somebody else has cut it
                self._links.heal()
            self._tell_links("heal")

    def _tell_links(self, kind: str, node_id: int | None = None, **details: Any) -> None:
        """Make the network what the links should be, or leave it as it was, and note the fault."""
        try:
            self._network.apply(self._links)
        except BaseException:
            self._links.load(self._in_force)
            with contextlib.suppress(KitError):
                self._network.apply(self._links)
            raise
        self._in_force = self._links.dump()
        self._note(kind, node_id, **details)


def _ended(node: NodeContainer) -> str:
    if not node.is_whole:
        return f"The container of node {node.node_id} was removed from outside"
    status = node.exit_status()
    hint = " (killed, perhaps for want of memory)" if status == 137 else ""
    return f"The container of node {node.node_id} ended with status {status}{hint}"
