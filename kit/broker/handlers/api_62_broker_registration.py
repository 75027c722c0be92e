"""BrokerRegistration, v0-4: a broker that has started announces itself to the controller (KIP-631). Between nodes only.

Version notes: 3 the epoch of the last registration, if the broker stopped cleanly after it (KIP-966).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.brokers import register_broker
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(62, 0, 4, role="controller", internal=True)
def handle(
    controller: Controller, request: m.BrokerRegistrationRequest, context: RequestContext
) -> Deferred[m.BrokerRegistrationResponse | None]:
    is_alive = controller.sessions.is_alive(request.broker_id)
    response, records = register_broker(
        controller.image,
        controller.config,
        request,
        cluster_id=controller.cluster_id,
        next_offset=controller.next_offset,
        is_alive=is_alive,
    )
    if not is_alive:
        controller.sessions.forget(request.broker_id)  # what is left of another incarnation's
    return answer_when_committed(controller, records, response)
