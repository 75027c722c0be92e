"""OffsetDelete, v0: delete committed offsets of topics that the group does not read (KIP-496).

Behaviour: GROUP_SUBSCRIBED_TO_TOPIC for a topic that a member subscribes to; deleting what is not there is no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(47, 0, 0)
def handle(
    broker: Broker,
    request: m.OffsetDeleteRequest,
    context: RequestContext,
) -> Deferred[m.OffsetDeleteResponse]:
    return broker.coordinator.offset_delete(request)
