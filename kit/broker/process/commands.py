"""The commands that the parent of a cluster has (`kit.broker.process.control`), carried out by an `EmbeddedCluster`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kit.broker.clock import Clock
from kit.broker.deferred import Deferred
from kit.broker.embedded import EmbeddedCluster
from kit.broker.faults import FaultError
from kit.broker.lifecycle import LifecycleState
from kit.broker.process.control import Command, ControlChannel, Failure
from kit.broker.witness.commands import WitnessCommands

RESTART_TIMEOUT_MS = 30_000
STOP_TIMEOUT_MS = 30_000
_LOOK_AGAIN_MS = 10


def cluster_commands(cluster: EmbeddedCluster, channel: ControlChannel, clock: Clock) -> dict[str, Command]:
    """The commands by name."""
    return {
        **{name: getattr(cluster, name) for name in ("kill", "pause", "resume", "isolate", "slow", "drop", "heal")},
        **_Commands(cluster, channel, clock).table(),
    }


class _Commands:
    """The commands that are more than one call."""

    def __init__(self, cluster: EmbeddedCluster, channel: ControlChannel, clock: Clock) -> None:
        self._cluster = cluster
        self._channel = channel
        self._clock = clock
        self._hooks: dict[int, Callable[[], None]] = {}

    def table(self) -> dict[str, Command]:
        return {
            "state": self.state,
            "timeline": self.timeline,
            "stop": self.stop,
            "restart": self.restart,
            "cut": self.cut,
            "add_hook": self.add_hook,
            "remove_hook": self.remove_hook,
            **WitnessCommands(self._cluster).table(),
        }

    def state(self) -> Any:
        return {**self._cluster.state(), "links": self._cluster.links.look()}

    def timeline(self, since_ms: int) -> list[list[Any]]:
        return [event.dump() for event in self._cluster.timeline.since(since_ms)]

    def stop(self, node_id: int) -> Deferred[Any]:
        """Resolves when the node is gone, however long the controller takes to find new leaders, or refuses."""
        stopped, outcome = self._cluster.stop(node_id), Deferred[Any]()
        stopped.then(lambda _: outcome.resolve(None))
        late = (
            f"Node {node_id} has not stopped after {STOP_TIMEOUT_MS // 1000} seconds: nobody can take over what it "
            "leads, perhaps for want of an active controller or of other replicas in sync. It goes on trying; kill() "
            "ends it at once."
        )
        timer = self._clock.call_later(STOP_TIMEOUT_MS, lambda: outcome.resolve(Failure(FaultError(late))))
        outcome.then(lambda _: timer.cancel())
        return outcome

    def restart(self, node_id: int) -> Deferred[Any]:
        """Resolves when the node is part of the cluster again, or refuses when it does not get in.

        At once when the rest of the cluster is down or out of reach: the node runs, and gets in when that has changed.
        """
        self._cluster.restart(node_id)
        outcome = Deferred[Any]()
        give_up_ms = self._clock.monotonic_ms() + RESTART_TIMEOUT_MS

        def look() -> None:
            if self._is_ready(node_id) or not self._cluster.can_join(node_id):
                outcome.resolve(None)
            elif self._clock.monotonic_ms() >= give_up_ms:
                outcome.resolve(Failure(FaultError(self._why_not_ready(node_id))))
            else:
                self._clock.call_later(_LOOK_AGAIN_MS, look)

        look()
        return outcome

    def _is_ready(self, node_id: int) -> bool:
        """Whether a node is up and, if it is a broker, unfenced as far as it has heard from the active controller."""
        node = self._cluster.nodes.get(node_id)
        return node is not None and (node.broker is None or node.broker.lifecycle.state is LifecycleState.RUNNING)

    def _why_not_ready(self, node_id: int) -> str:
        state = self._cluster.state()
        began = (
            f"Node {node_id} was started again, but is no part of the cluster after {RESTART_TIMEOUT_MS // 1000} s: "
        )
        if state["nodes"][node_id] == "down":
            return began + "it is down again."
        if state["controller"] is None:
            return began + "there is no active controller. The controllers may need longer to agree on one."
        return (
            began + f"it does not reach the active controller on node {state['controller']}; heal() mends the network."
        )

    def cut(self, groups: list[list[int]], one_way: bool, clients: dict[str, int] | None) -> None:
        self._cluster.cut(groups, one_way=one_way, clients=clients)

    def add_hook(self, api_key: int, hook: int) -> None:
        self._hooks[hook] = self._cluster.on_request(api_key, functools.partial(self._channel.ask_hook, hook))

    def remove_hook(self, hook: int) -> None:
        remove = self._hooks.pop(hook, None)
        if remove is not None:
            remove()
