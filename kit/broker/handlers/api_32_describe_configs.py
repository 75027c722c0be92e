"""DescribeConfigs, v1-4: every setting of a topic or a broker, where its value comes from and what it means.

Behaviour: a broker describes itself and, under the name "", what was set for all brokers. Like Apache, a success has
an empty error message, not null. A resource that is asked for twice is described once: a small request could have an
answer of gigabytes otherwise.
Version notes: 1 synonyms (KIP-226); 3 types and documentation (KIP-569).
Left out: loggers, client metrics and groups as resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.broker.config.configs import ConfigEntry
from kit.broker.controller.topics import check_topic_name
from kit.broker.handlers import handles
from kit.broker.metadata import BROKER_RESOURCE, TOPIC_RESOURCE
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(32, 1, 4)
def handle(broker: Broker, request: m.DescribeConfigsRequest, context: RequestContext) -> m.DescribeConfigsResponse:
    resources = {(asked.resource_type, asked.resource_name): asked for asked in request.resources}
    return m.DescribeConfigsResponse(results=[_result(broker, request, asked) for asked in resources.values()])


def _result(
    broker: Broker, request: m.DescribeConfigsRequest, asked: m.DescribeConfigsResource
) -> m.DescribeConfigsResult:
    result = m.DescribeConfigsResult(
        resource_type=asked.resource_type, resource_name=asked.resource_name, error_message=""
    )
    try:
        entries = _entries(broker, asked.resource_type, asked.resource_name)
    except BrokerError as error:
        result.error_code = error.code
        result.error_message = error.message or ""
        return result
    wanted = asked.configuration_keys  # none named means all, as for Apache
    result.configs = [_config(entry, request) for entry in entries if not wanted or entry.name in wanted]
    return result


def _entries(broker: Broker, resource_type: int, name: str) -> Sequence[ConfigEntry]:
    if resource_type == TOPIC_RESOURCE:
        check_topic_name(name)
        if name not in broker.image.topics:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return broker.replicas.topic_config(name).describe()
    if resource_type == BROKER_RESOURCE:
        if not name:
            return broker.config.describe_cluster_wide()
        if name != str(broker.node_id):
            raise BrokerError(
                ErrorCode.INVALID_REQUEST,
                f"Unexpected broker id, expected {broker.node_id} or empty string, but received {name}",
            )
        return broker.config.describe()
    raise BrokerError(
        ErrorCode.INVALID_REQUEST,
        f"Resource type {resource_type} has no settings here; topics (2) and brokers (4) have.",
    )


def _config(entry: ConfigEntry, request: m.DescribeConfigsRequest) -> m.DescribeConfigsResourceResult:
    return m.DescribeConfigsResourceResult(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        is_sensitive=False,
        synonyms=[
            m.DescribeConfigsSynonym(name=synonym.name, value=synonym.value, source=synonym.source)
            for synonym in (entry.synonyms if request.include_synonyms else ())
        ],
        config_type=entry.config_type,
        documentation=entry.documentation if request.include_documentation else None,
    )
