"""DescribeQuorum, v0-2: who leads the metadata quorum, and how far its voters and observers have come (KIP-595).

Behaviour: answered by the active controller; a broker passes the request on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(55, 0, 2, role="controller")
def handle(
    controller: Controller, request: m.DescribeQuorumRequest, context: RequestContext
) -> m.DescribeQuorumResponse:
    return controller.raft.describe_quorum(request)
