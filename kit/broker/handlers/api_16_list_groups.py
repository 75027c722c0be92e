"""ListGroups, v0-5: the groups that this broker coordinates (a client asks every broker).

Version notes: 4 filter by state (KIP-518); 5 filter by type (KIP-848); a filter that names nothing known finds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(16, 0, 5)
def handle(broker: Broker, request: m.ListGroupsRequest, context: RequestContext) -> m.ListGroupsResponse:
    return broker.coordinator.list_groups(request)
