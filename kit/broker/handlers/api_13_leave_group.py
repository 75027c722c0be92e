"""LeaveGroup, v0-5: members go, and the others share their partitions.

Version notes: 3 several members, also by instance id alone, each with its own error (KIP-345); 5 reasons (KIP-800).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

_SEVERAL_MEMBERS_SINCE = 3


@handles(13, 0, 5)
def handle(broker: Broker, request: m.LeaveGroupRequest, context: RequestContext) -> m.LeaveGroupResponse:
    if context.api_version >= _SEVERAL_MEMBERS_SINCE:
        return broker.coordinator.leave_group(request)
    member = m.MemberIdentity(member_id=request.member_id)
    response = broker.coordinator.leave_group(m.LeaveGroupRequest(group_id=request.group_id, members=[member]))
    codes = [response.error_code, *(each.error_code for each in response.members)]
    return m.LeaveGroupResponse(error_code=next((code for code in codes if code), 0))
