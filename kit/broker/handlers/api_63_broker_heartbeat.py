"""BrokerHeartbeat, v0-2: a broker says that it lives and what it wants (KIP-631). Between nodes only.

Behaviour: the controller believes in a broker's life for ``broker.session.timeout.ms`` after each heartbeat.
Version notes: 1 and 2 bring log directories that failed or take nothing new, which do not exist here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.brokers import broker_heartbeat
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(63, 0, 2, role="controller", internal=True)
def handle(
    controller: Controller, request: m.BrokerHeartbeatRequest, context: RequestContext
) -> Deferred[m.BrokerHeartbeatResponse | None]:
    sessions = controller.sessions
    broker = controller.image.brokers.get(request.broker_id)
    if broker is not None and broker.epoch == request.broker_epoch:
        sessions.touch(request.broker_id, request.current_metadata_offset)
    response, records = broker_heartbeat(controller.image, controller.config, request, sessions)
    if response.should_shut_down:
        sessions.forget(request.broker_id)  # so that it may come back at once
    elif request.want_shut_down and not response.error_code:
        sessions.begin_shutdown(request.broker_id, controller.next_offset + len(records) - 1)
    return answer_when_committed(controller, records, response)
