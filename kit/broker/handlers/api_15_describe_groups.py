"""DescribeGroups, v0-6: state, assignor and members of groups that this broker coordinates.

Behaviour: subscriptions and assignments are shown while the group is stable. A missing group is "Dead".
Version notes: 3 authorized operations (KIP-430; without an authorizer: all); 4 instance ids (KIP-345); 6 a missing
group is GROUP_ID_NOT_FOUND, with a text (KIP-1043).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(15, 0, 6)
def handle(broker: Broker, request: m.DescribeGroupsRequest, context: RequestContext) -> m.DescribeGroupsResponse:
    return broker.coordinator.describe_groups(request, context)
