"""Every link between nodes of one cluster.

Brokers and the controller talk to one another through this object and in no other way, so that a link can be watched
and, later, cut or slowed in one place. Here all nodes live in one event loop and a message arrives at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kit.broker.deferred import Deferred

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext
    from kit.broker.controller.controller import Controller


class Fabric:
    """The links of one cluster whose nodes share an event loop."""

    def __init__(self) -> None:
        self._brokers: dict[int, Broker] = {}
        self._controller: Controller | None = None

    def add_broker(self, broker: Broker) -> None:
        """Connect a broker; from now on it is told of metadata changes."""
        self._brokers[broker.node_id] = broker

    def set_controller(self, controller: Controller) -> None:
        """Name the active controller."""
        self._controller = controller

    def call_controller(self, request: Any, context: RequestContext) -> Deferred[Any]:
        """Ask the active controller; resolves with the response message (KIP-590)."""
        if self._controller is None:
            raise RuntimeError("no controller is connected to this fabric")
        answer: Deferred[Any] = Deferred()
        self._controller.receive(request, context).then(answer.resolve)
        return answer

    def publish_metadata(self, records: Sequence[Any]) -> None:
        """Carry committed metadata records from the controller to every broker, in order."""
        for broker in list(self._brokers.values()):
            broker.apply_metadata(records)
