"""AlterPartition, v2-3: a leader asks for other in-sync replicas of its partitions (KIP-497). Between nodes only.

Version notes: 3 each replica comes with its broker epoch, so that one that was restarted unnoticed stays out (KIP-903).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.isr import alter_partition
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(56, 2, 3, role="controller", internal=True)
def handle(
    controller: Controller, request: m.AlterPartitionRequest, context: RequestContext
) -> Deferred[m.AlterPartitionResponse | None]:
    response, records = alter_partition(controller.image, controller.config, request, context.api_version)
    return answer_when_committed(controller, records, response)
