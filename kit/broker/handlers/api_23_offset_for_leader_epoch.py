"""OffsetForLeaderEpoch, v2-4: where a leader epoch ended (KIP-101, KIP-320), so that a client can find a truncation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import BrokerError

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext


@handles(23, 2, 4)
def handle(
    broker: Broker, request: m.OffsetForLeaderEpochRequest, context: RequestContext
) -> m.OffsetForLeaderEpochResponse:
    return m.OffsetForLeaderEpochResponse(
        topics=[
            m.OffsetForLeaderTopicResult(
                topic=topic.topic, partitions=[_answer(broker, topic.topic, asked) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _answer(
    broker: Broker, topic: str, asked: m.OffsetForLeaderPartition
) -> m.OffsetForLeaderEpochResponse.EpochEndOffset:
    try:
        partition = broker.replicas.find(topic, asked.partition)
        partition.check_epoch(asked.current_leader_epoch)
    except BrokerError as error:
        return m.OffsetForLeaderEpochResponse.EpochEndOffset(
            partition=asked.partition, error_code=error.code, leader_epoch=-1, end_offset=-1
        )
    epoch, end_offset = partition.log.end_offset_for_epoch(asked.leader_epoch)
    return m.OffsetForLeaderEpochResponse.EpochEndOffset(
        partition=asked.partition, leader_epoch=epoch, end_offset=end_offset
    )
