"""InitProducerId, v0-5: a producer id for an idempotent producer (KIP-98).

Behaviour: without a transactional id every request gets a fresh id with epoch 0, also when the client brings its
last id (v3, KIP-360): Kafka keeps ids only for transactional producers.
An id without an epoch is INVALID_REQUEST.
Left out: transactional ids: INVALID_REQUEST too, because no transaction coordinator runs here yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

NONE = -1  # the producer has no id, or no epoch, yet
REFUSED = m.InitProducerIdResponse(error_code=ErrorCode.INVALID_REQUEST, producer_id=NONE, producer_epoch=NONE)
# Kafka's answer while the controller gives this broker no ids; clients try again.
NO_IDS = m.InitProducerIdResponse(
    error_code=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producer_id=NONE, producer_epoch=NONE
)


@handles(22, 0, 5)
def handle(
    broker: Broker, request: m.InitProducerIdRequest, context: RequestContext
) -> m.InitProducerIdResponse | Deferred[m.InitProducerIdResponse]:
    if request.transactional_id is not None or (request.producer_id == NONE) != (request.producer_epoch == NONE):
        return REFUSED
    answer: Deferred[m.InitProducerIdResponse] = Deferred()

    def got(producer_id: int | None) -> None:
        if producer_id is None:
            answer.resolve(NO_IDS)
        else:
            answer.resolve(m.InitProducerIdResponse(producer_id=producer_id, producer_epoch=0))

    broker.producer_ids.take().then(got)
    return answer
