"""The faults of a cluster whose nodes run outside of this process, whatever they run in: checks, order, and words."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from kit.broker.faults import FaultError as LinkFaultError
from kit.broker.faults import Links, check_node
from kit.broker.process.commands import STOP_TIMEOUT_MS
from kit.errors import FaultError, NotSupportedError

_STOP_TIMEOUT_S = STOP_TIMEOUT_MS / 1000


class FaultyNode(Protocol):
    """One node; each method raises `FaultError` when it cannot."""

    node_id: int
    is_broker: bool

    @property
    def state(self) -> str:
        """One of "up", "paused" and "down"."""

    def kill(self) -> None:
        """End it at once."""

    def stop(self) -> None:
        """Ask it to hand over what it leads and then end; `wait` waits for that."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; whether that came."""

    def pause(self) -> None:
        """Let it stand still."""

    def resume(self) -> None:
        """Let it go on."""


N = TypeVar("N", bound=FaultyNode)


class NodeFaults(ABC, Generic[N]):
    """Carries out what is asked of a cluster, and remembers what happened.

    Args:
        node_ids: of all brokers and controllers, which `add` brings.
        voters: those of the metadata quorum.

    Attributes:
        kind: of cluster, as a sentence begins that says what it does not have.
    """

    kind: str

    def __init__(self, node_ids: Sequence[int], voters: Sequence[int]) -> None:
        self._nodes: dict[int, N] = {}
        self._voters = voters
        self._links = Links(node_ids, Random())
        self._lock = threading.Lock()  # one fault after the other
        self._events: list[list[Any]] = []
        self._commands: dict[str, Callable[..., Any]] = {
            name: getattr(self, f"_{name}")
            for name in (
                "timeline", "kill", "stop", "restart", "pause", "resume",
                "isolate", "cut", "slow", "drop", "heal",
            )
        }  # fmt: skip
        self._commands["state"] = self._state_with_links

    def add(self, node: N) -> None:
        """Name one of the nodes."""
        self._nodes[node.node_id] = node

    def carry_out(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out one command.

        Raises:
            FaultError: it cannot be done as asked; nothing has changed.
            NotSupportedError: this kind of cluster has no such command.
            KitError: a node does not do it.
        """
        if command not in self._commands:
            self.refuse(command)
        try:
            return self._commands[command](**arguments)
        except LinkFaultError as error:
            raise FaultError(str(error)) from None

    def refuse(self, command: str) -> NoReturn:
        """Say that this kind of cluster has no such command; raises `NotSupportedError`."""
        raise NotSupportedError(f'{self.kind} has no {command}(): kit.start("embedded") has.')

    # -- what differs ----------------------------------------------------------------------------------------------

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """What runs: ``nodes`` by id and the active ``controller``."""

    @abstractmethod
    def _start_again(self, node: N) -> None:
        """Start a node that is down, and do not wait for it."""

    @abstractmethod
    def _wait_started(self, node: N) -> None:
        """Wait until a node that was started answers."""

    @abstractmethod
    def _wait_ready(self, node: N, broker_ids: list[int]) -> None:
        """Wait until a node is part of the cluster and knows that these brokers are."""

    @abstractmethod
    def _tell_links(self, kind: str, node_id: int | None = None, **details: Any) -> None:
        """Note a fault of the network and bring it about."""

    def _state_with_links(self) -> dict[str, Any]:
        return {**self._state(), "links": self._links.look()}

    # -- what happened ---------------------------------------------------------------------------------------------

    def _note(self, kind: str, node_id: int | None = None, **details: Any) -> None:
        self._events.append([time.time_ns() // 1_000_000, kind, node_id, None, None, details])

    def _timeline(self, since_ms: int) -> list[list[Any]]:
        return sorted((event for event in self._events if event[0] >= since_ms), key=lambda event: event[0])

    # -- nodes ---------------------------------------------------------------------------------------------------

    def _node(self, node_id: int) -> N:
        check_node(node_id, list(self._nodes))
        return self._nodes[node_id]

    def _running(self, node_id: int) -> N:
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
            self._start_again(node)
            self._note("restart", node_id)
        self._wait_started(node)
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
        self._links.check_cut(groups, clients)
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
