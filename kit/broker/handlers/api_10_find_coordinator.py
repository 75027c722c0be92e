"""FindCoordinator, v0-6: which broker coordinates a group: the leader of its ``__consumer_offsets`` partition.

Behaviour: the first request makes ``__consumer_offsets`` and is answered when it is there (Apache answers
COORDINATOR_NOT_AVAILABLE until it is). A transactional id gets UNSUPPORTED_VERSION with a text, as there are no
transactions here yet: clients do not try that again (librdkafka does), and Java shows the text. Other kinds of keys:
INVALID_REQUEST.
Version notes: 1 ``key_type``, error text; 4 several keys at once (KIP-699); 6 share groups (KIP-932, not here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.auto_topics import ensure_internal_topic
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

_GROUP = 0
_TRANSACTION = 1
_SEVERAL_KEYS_SINCE = 4


@handles(10, 0, 6)
def handle(
    broker: Broker, request: m.FindCoordinatorRequest, context: RequestContext
) -> m.FindCoordinatorResponse | Deferred[m.FindCoordinatorResponse]:
    keys = request.coordinator_keys if context.api_version >= _SEVERAL_KEYS_SINCE else [request.key]
    if request.key_type == _TRANSACTION:
        text = "There are no transactions in this cluster yet: use a producer without transactional.id."
        return _response([_none(key, ErrorCode.UNSUPPORTED_VERSION, text) for key in keys], context)
    if request.key_type != _GROUP:
        text = f"Key type {request.key_type} is unknown: 0 is a group, 1 a transactional id."
        return _response([_none(key, ErrorCode.INVALID_REQUEST, text) for key in keys], context)
    answer: Deferred[m.FindCoordinatorResponse] = Deferred()
    ensure_internal_topic(broker, CONSUMER_OFFSETS_TOPIC).then(
        lambda _: answer.resolve(_response([_find(broker, key, context) for key in keys], context))
    )
    return answer


def _find(broker: Broker, group_id: str, context: RequestContext) -> m.Coordinator:
    partition = broker.image.partition(CONSUMER_OFFSETS_TOPIC, broker.coordinator.partition_for(group_id))
    node = None if partition is None else broker.image.brokers.get(partition.leader)
    if node is None or node.fenced:
        return _none(group_id, ErrorCode.COORDINATOR_NOT_AVAILABLE, None)
    host, port = node.address(context.peer.listener)
    return m.Coordinator(key=group_id, node_id=node.node_id, host=host, port=port)


def _none(key: str, code: ErrorCode, text: str | None) -> m.Coordinator:
    return m.Coordinator(key=key, node_id=-1, host="", port=-1, error_code=code, error_message=text)


def _response(coordinators: list[m.Coordinator], context: RequestContext) -> m.FindCoordinatorResponse:
    if context.api_version >= _SEVERAL_KEYS_SINCE:
        return m.FindCoordinatorResponse(coordinators=coordinators)
    found = coordinators[0]
    return m.FindCoordinatorResponse(
        error_code=found.error_code,
        error_message=found.error_message,
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )
