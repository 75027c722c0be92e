"""JoinGroup, v0-9: become a member, or join again when the group rebalances.

Behaviour: the answer waits until all members of the group have joined or the rebalance timeout is over; the leader's
answer lists all members with their subscriptions, from which it makes the assignment.
Version notes: 1 a rebalance timeout of its own (KIP-62); 4 MEMBER_ID_REQUIRED (KIP-394); 5 static members (KIP-345);
7 protocol type; 8 a reason for the log (KIP-800); 9 ``skip_assignment`` (KIP-814).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(11, 0, 9)
def handle(broker: Broker, request: m.JoinGroupRequest, context: RequestContext) -> Deferred[m.JoinGroupResponse]:
    return broker.coordinator.join_group(request, context)
