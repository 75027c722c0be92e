"""DeleteTopics, v1-6: deletes topics with all their records and committed offsets.

Behaviour: the answer comes once every broker has forgotten the topics; their files go a little later.
Version notes: 3 ``delete.topic.enable=false`` has an error code of its own; 6 topics by id (KIP-516).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.answers import answer_when_committed
from kit.broker.controller.topics import delete_topics
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.controller.controller import Controller


@handles(20, 1, 6, role="controller")
def handle(
    controller: Controller, request: m.DeleteTopicsRequest, context: RequestContext
) -> Deferred[m.DeleteTopicsResponse | None]:
    results, records = delete_topics(controller.image, controller.config, request, context.api_version)
    response = m.DeleteTopicsResponse(responses=results)
    return answer_when_committed(controller, records, response, everywhere=True)
