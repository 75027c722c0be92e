"""AlterPartitionReassignments, v0-1: moves partitions to other brokers, or calls that off (KIP-455).

Behaviour: the answer comes when the beginning is committed; ListPartitionReassignments tells when it is over.
Version notes: 1 the request can forbid to change the replication factor (KIP-860).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.reassignments import alter_partition_reassignments
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(45, 0, 1, role="controller")
def handle(
    controller: Controller, request: m.AlterPartitionReassignmentsRequest, context: RequestContext
) -> Deferred[m.AlterPartitionReassignmentsResponse | None]:
    response, records = alter_partition_reassignments(controller.image, controller.config, request)
    return answer_when_committed(controller, records, response, everywhere=True)
