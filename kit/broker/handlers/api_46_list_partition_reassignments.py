"""ListPartitionReassignments, v0: which partitions are on the move to other brokers (KIP-455).

Behaviour: partitions that are not, or that do not exist, are left out of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.reassignments import list_partition_reassignments
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(46, 0, 0, role="controller")
def handle(
    controller: Controller, request: m.ListPartitionReassignmentsRequest, context: RequestContext
) -> Deferred[m.ListPartitionReassignmentsResponse | None]:
    response = list_partition_reassignments(controller.image, request)
    return answer_when_committed(controller, [], response)
