"""Heartbeat, v0-4: a member says that it is alive and learns of a rebalance (REBALANCE_IN_PROGRESS).

Version notes: 3 static members (KIP-345).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(12, 0, 4)
def handle(broker: Broker, request: m.HeartbeatRequest, context: RequestContext) -> m.HeartbeatResponse:
    return broker.coordinator.heartbeat(request)
