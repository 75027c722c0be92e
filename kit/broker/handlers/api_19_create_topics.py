"""CreateTopics, v2-7: makes topics, each with its partitions on brokers that the controller or the request chooses.

Behaviour: one impossible topic does not keep the others from being made. The answer comes once every broker knows the
topics, so ``timeout_ms`` never runs out.
Version notes: 4 -1 takes the broker's default counts (KIP-464); 5 answers with the settings (KIP-525); 7 topic ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.topics import create_topics
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(19, 2, 7, role="controller")
def handle(
    controller: Controller, request: m.CreateTopicsRequest, context: RequestContext
) -> Deferred[m.CreateTopicsResponse | None]:
    results, records = create_topics(controller.image, controller.config, request, controller.random)
    response = m.CreateTopicsResponse(topics=results)
    return answer_when_committed(controller, [] if request.validate_only else records, response, everywhere=True)
