"""AllocateProducerIds, v0: a broker asks the controller for a block of producer ids (KIP-730). Between nodes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


BLOCK_SIZE = 1000


@handles(67, 0, 0, role="controller", internal=True)
def handle(
    controller: Controller, request: m.AllocateProducerIdsRequest, context: RequestContext
) -> m.AllocateProducerIdsResponse | Deferred[m.AllocateProducerIdsResponse | None]:
    broker = controller.image.brokers.get(request.broker_id)
    if broker is None:
        return m.AllocateProducerIdsResponse(error_code=ErrorCode.BROKER_ID_NOT_REGISTERED)
    if broker.epoch != request.broker_epoch:
        return m.AllocateProducerIdsResponse(error_code=ErrorCode.STALE_BROKER_EPOCH)
    first = controller.image.next_producer_id
    record = m.ProducerIdsRecord(
        broker_id=request.broker_id, broker_epoch=request.broker_epoch, next_producer_id=first + BLOCK_SIZE
    )
    response = m.AllocateProducerIdsResponse(producer_id_start=first, producer_id_len=BLOCK_SIZE)
    return answer_when_committed(controller, [record], response)
