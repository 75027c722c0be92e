"""Metadata, v0-13: brokers, topics, leaders; makes unknown topics when both sides allow it.

Behaviour: v0 lists all topics for an empty list, later versions for null. With ``auto.create.topics.enable`` an
unknown, legal name becomes a topic and is in this very answer (Apache says UNKNOWN_TOPIC_OR_PARTITION once and has it
on the next request; clients then wait for nothing).
Version notes: 4 the client may forbid auto-creation; 5 offline replicas; 10 topic ids, 12 requests by id (KIP-516).
Left out: authorized operations say "all", as on a broker without an authorizer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.auto_topics import create_topics
from kit.broker.controller.topics import check_topic_name
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.broker.metadata import NO_LEADER, TopicState
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

IDS_FROM = 12
NOT_ASKED = -(2**31)
# One bit per AclOperation; these sums are what Apache answers without an authorizer.
ALL_TOPIC_OPERATIONS = 0b1101_1111_1000  # read, write, create, delete, alter, describe, describe and alter configs
ALL_CLUSTER_OPERATIONS = (
    0b1_1111_1010_0000  # create, alter, describe, cluster action, both of configs, idempotent write
)


@handles(3, 0, 13)
def handle(
    broker: Broker, request: m.MetadataRequest, context: RequestContext
) -> m.MetadataResponse | Deferred[m.MetadataResponse]:
    if request.topics is None or (context.api_version == 0 and not request.topics):
        topics = [_topic(broker, request, topic) for topic in broker.image.topics.values()]
        return _response(broker, request, context, topics)
    if context.api_version < IDS_FROM and any(asked.name is None or _has_id(asked) for asked in request.topics):
        return _response(broker, request, context, [_refused(asked) for asked in request.topics])
    missing = _to_create(broker, request, context)
    if not missing:
        return _response(broker, request, context, _asked_topics(broker, request, {}))
    answer: Deferred[m.MetadataResponse] = Deferred()
    create_topics(broker, missing).then(
        lambda codes: answer.resolve(_response(broker, request, context, _asked_topics(broker, request, codes)))
    )
    return answer


def _has_id(asked: m.MetadataRequestTopic) -> bool:
    return asked.topic_id != m.NULL_UUID


def _refused(asked: m.MetadataRequestTopic) -> m.MetadataResponseTopic:
    """Before version 12 topics are asked for by name alone. Source: Kafka's ``MetadataRequest.getErrorResponse``."""
    return m.MetadataResponseTopic(error_code=ErrorCode.INVALID_REQUEST, name=asked.name or "", partitions=[])


def _to_create(broker: Broker, request: m.MetadataRequest, context: RequestContext) -> list[str]:
    allowed = context.api_version < 4 or request.allow_auto_topic_creation
    if not (allowed and broker.config["auto.create.topics.enable"]):
        return []
    names = dict.fromkeys(asked.name for asked in request.topics or [] if asked.name is not None and not _has_id(asked))
    return [name for name in names if name not in broker.image.topics and _name_error(name) is ErrorCode.NONE]


def _name_error(name: str) -> ErrorCode:
    try:
        check_topic_name(name)
    except BrokerError as error:
        return error.code
    return ErrorCode.NONE


def _asked_topics(
    broker: Broker, request: m.MetadataRequest, creation_errors: dict[str, ErrorCode]
) -> list[m.MetadataResponseTopic]:
    answers = []
    # Each topic once, as Kafka does it: a small request could have an answer of gigabytes otherwise.
    for asked in {(asked.name, asked.topic_id): asked for asked in request.topics or []}.values():
        name = asked.name
        if name is None or _has_id(asked):
            found = broker.image.topic_by_id(asked.topic_id)
            missing = ErrorCode.UNKNOWN_TOPIC_ID
            name = None
        else:
            found = broker.image.topics.get(name)
            missing = _name_error(name)
            if missing is ErrorCode.NONE:
                missing = creation_errors.get(name, ErrorCode.NONE) or ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if found is not None:
            answers.append(_topic(broker, request, found))
        else:
            answers.append(
                m.MetadataResponseTopic(
                    error_code=missing, name=name, topic_id=asked.topic_id, is_internal=False, partitions=[]
                )
            )
    return answers


def _topic(broker: Broker, request: m.MetadataRequest, topic: TopicState) -> m.MetadataResponseTopic:
    partitions = [
        m.MetadataResponsePartition(
            error_code=ErrorCode.LEADER_NOT_AVAILABLE if state.leader == NO_LEADER else ErrorCode.NONE,
            partition_index=state.partition,
            leader_id=state.leader,
            leader_epoch=state.leader_epoch,
            replica_nodes=state.replicas,
            isr_nodes=state.isr,
            offline_replicas=broker.image.offline_replicas(state),
        )
        for state in topic.partitions.values()
    ]
    return m.MetadataResponseTopic(
        error_code=ErrorCode.NONE,
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.is_internal,
        partitions=partitions,
        topic_authorized_operations=(
            ALL_TOPIC_OPERATIONS if request.include_topic_authorized_operations else NOT_ASKED
        ),
    )


def _response(
    broker: Broker, request: m.MetadataRequest, context: RequestContext, topics: list[m.MetadataResponseTopic]
) -> m.MetadataResponse:
    brokers = []
    for alive in broker.image.alive_brokers():
        host, port = alive.address(context.peer.listener)
        brokers.append(m.MetadataResponseBroker(node_id=alive.node_id, host=host, port=port, rack=alive.rack))
    return m.MetadataResponse(
        brokers=brokers,
        cluster_id=broker.cluster_id,
        controller_id=broker.controller_id,
        topics=topics,
        cluster_authorized_operations=(
            ALL_CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else NOT_ASKED
        ),
    )
