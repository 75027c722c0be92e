"""DescribeTopicPartitions, v0: Metadata's answer about topics, page by page (KIP-966).

Behaviour: topics by name, at most ``response_partition_limit`` partitions and never more than
``max.request.partition.size.limit``; what is left over begins at ``next_cursor``. No topics named means all.
Unlike Metadata, this says no error about a partition without a leader: -1 is leader enough (KIP-966).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.controller.topics import check_topic_name
from kit.broker.handlers import handles
from kit.broker.handlers.api_03_metadata import ALL_TOPIC_OPERATIONS
from kit.broker.metadata import PartitionState, TopicState
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(75, 0, 0)
def handle(
    broker: Broker, request: m.DescribeTopicPartitionsRequest, context: RequestContext
) -> m.DescribeTopicPartitionsResponse:
    response = m.DescribeTopicPartitionsResponse()
    names = sorted({topic.name for topic in request.topics} or broker.image.topics)
    first_partition = 0
    if request.cursor is not None:
        if request.cursor.partition_index < 0:
            # The response has no error code of its own; Apache answers with nothing as well.
            return response
        names = [name for name in names if name >= request.cursor.topic_name]
        if names[:1] == [request.cursor.topic_name]:
            first_partition = request.cursor.partition_index
    limit = min(max(1, request.response_partition_limit), broker.config["max.request.partition.size.limit"])
    for name in names:
        if limit == 0:
            response.next_cursor = m.DescribeTopicPartitionsResponse.Cursor(topic_name=name, partition_index=0)
            break
        answer, next_partition = _answer(broker, name, first_partition, limit)
        response.topics.append(answer)
        limit -= len(answer.partitions)
        first_partition = 0
        if next_partition is not None:
            response.next_cursor = m.DescribeTopicPartitionsResponse.Cursor(
                topic_name=name, partition_index=next_partition
            )
            break
    return response


def _answer(
    broker: Broker, name: str, first_partition: int, limit: int
) -> tuple[m.DescribeTopicPartitionsResponseTopic, int | None]:
    """The topic with at most ``limit`` partitions, and the number of the first one left out, if any."""
    topic = broker.image.topics.get(name)
    if topic is None:
        return m.DescribeTopicPartitionsResponseTopic(name=name, error_code=_missing(name)), None
    wanted = [topic.partitions[index] for index in sorted(topic.partitions) if index >= first_partition]
    left_out = wanted[limit:]
    return _described(broker, topic, wanted[:limit]), left_out[0].partition if left_out else None


def _missing(name: str) -> ErrorCode:
    try:
        check_topic_name(name)
    except BrokerError as error:
        return error.code
    return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def _described(
    broker: Broker, topic: TopicState, partitions: list[PartitionState]
) -> m.DescribeTopicPartitionsResponseTopic:
    return m.DescribeTopicPartitionsResponseTopic(
        error_code=ErrorCode.NONE,
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.is_internal,
        partitions=[
            m.DescribeTopicPartitionsResponsePartition(
                error_code=ErrorCode.NONE,
                partition_index=state.partition,
                leader_id=state.leader,
                leader_epoch=state.leader_epoch,
                replica_nodes=state.replicas,
                isr_nodes=state.isr,
                eligible_leader_replicas=state.elr,
                last_known_elr=state.last_known_elr,
                offline_replicas=broker.image.offline_replicas(state),
            )
            for state in partitions
        ],
        topic_authorized_operations=ALL_TOPIC_OPERATIONS,
    )
