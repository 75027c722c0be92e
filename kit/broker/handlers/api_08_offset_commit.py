"""OffsetCommit, v2-10: a group's place in each partition is stored in ``__consumer_offsets``.

Behaviour: a member commits for its generation; without one (-1) only while the group has no members.
Version notes: 2-4 may ask for a retention of their own (``retention_time_ms``); 6 leader epochs (KIP-320); 7 static
members (KIP-345); 9 GROUP_ID_NOT_FOUND for a missing group (KIP-848); 10 topic ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(8, 2, 10)
def handle(broker: Broker, request: m.OffsetCommitRequest, context: RequestContext) -> Deferred[m.OffsetCommitResponse]:
    return broker.coordinator.offset_commit(request, context)
