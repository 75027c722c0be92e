"""ListConfigResources, v0-1: what has settings that DescribeConfigs can show (KIP-1142).

Version notes: v0 asks for client metrics alone, of which there are none here (KIP-714); 1 names the types wanted, none
for all. A type that does not exist is UNSUPPORTED_VERSION, as for Apache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.broker.metadata import BROKER_RESOURCE, TOPIC_RESOURCE
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

_WITHOUT_RESOURCES = {8, 16, 32}  # loggers, client metrics and groups: Kafka has them, this broker does not


@handles(74, 0, 1)
def handle(
    broker: Broker, request: m.ListConfigResourcesRequest, context: RequestContext
) -> m.ListConfigResourcesResponse:
    if context.api_version == 0:
        return m.ListConfigResourcesResponse()
    names = {
        BROKER_RESOURCE: [str(state.node_id) for state in broker.image.alive_brokers()],
        TOPIC_RESOURCE: sorted(broker.image.topics),
    }
    wanted = request.resource_types or [BROKER_RESOURCE, TOPIC_RESOURCE]
    if any(resource_type not in _WITHOUT_RESOURCES | names.keys() for resource_type in wanted):
        return m.ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    return m.ListConfigResourcesResponse(
        config_resources=[
            m.ConfigResource(resource_name=name, resource_type=resource_type)
            for resource_type in dict.fromkeys(wanted)
            for name in names.get(resource_type, [])
        ]
    )
