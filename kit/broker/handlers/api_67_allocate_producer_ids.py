"""AllocateProducerIds, v0: a broker asks the controller for a block of producer ids (KIP-730). Between nodes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.controller import PRODUCER_ID_BLOCK_SIZE
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(67, 0, 0, role="controller", internal=True)
def handle(
    controller: Controller, request: m.AllocateProducerIdsRequest, context: RequestContext
) -> m.AllocateProducerIdsResponse:
    first = controller.allocate_producer_ids(request.broker_id, request.broker_epoch)
    return m.AllocateProducerIdsResponse(producer_id_start=first, producer_id_len=PRODUCER_ID_BLOCK_SIZE)
