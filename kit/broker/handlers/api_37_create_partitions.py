"""CreatePartitions, v0-3: adds partitions to topics; records that are there stay where they are.

Behaviour: the count is the new total. Keys that went to one partition may go to another from now on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.topics import create_partitions
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(37, 0, 3, role="controller")
def handle(
    controller: Controller, request: m.CreatePartitionsRequest, context: RequestContext
) -> Deferred[m.CreatePartitionsResponse | None]:
    results, records = create_partitions(controller.image, request)
    response = m.CreatePartitionsResponse(results=results)
    return answer_when_committed(controller, [] if request.validate_only else records, response, everywhere=True)
