"""SyncGroup, v0-5: the leader sends the assignment, every member gets its part.

Behaviour: the answer waits until the leader's assignment is in ``__consumer_offsets``.
Version notes: 3 static members (KIP-345); 5 protocol type and name are required and must be the group's (KIP-559).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

_PROTOCOL_REQUIRED_SINCE = 5


@handles(14, 0, 5)
def handle(
    broker: Broker, request: m.SyncGroupRequest, context: RequestContext
) -> m.SyncGroupResponse | Deferred[m.SyncGroupResponse]:
    no_protocol = request.protocol_type is None or request.protocol_name is None
    if no_protocol and context.api_version >= _PROTOCOL_REQUIRED_SINCE:
        return m.SyncGroupResponse(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    return broker.coordinator.sync_group(request)
