"""DeleteRecords, v0-2: forgets records below an offset, by moving the log start offset (KIP-107).

Behaviour: -1 stands for the high watermark. ``low_watermark`` is the new log start offset. Internal topics are
refused with INVALID_TOPIC_EXCEPTION, topics that are only compacted with POLICY_VIOLATION.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.broker.metadata import INTERNAL_TOPICS
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

_INVALID_LOW_WATERMARK = -1


@handles(21, 0, 2)
def handle(broker: Broker, request: m.DeleteRecordsRequest, context: RequestContext) -> m.DeleteRecordsResponse:
    return m.DeleteRecordsResponse(
        topics=[
            m.DeleteRecordsTopicResult(
                name=topic.name, partitions=[_delete(broker, topic.name, asked) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _delete(broker: Broker, topic: str, asked: m.DeleteRecordsPartition) -> m.DeleteRecordsPartitionResult:
    code, low_watermark = ErrorCode.NONE, _INVALID_LOW_WATERMARK
    try:
        partition = broker.partition(topic, asked.partition_index)
        if topic in INTERNAL_TOPICS:
            raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION)
        low_watermark = partition.delete_records(asked.offset)
    except BrokerError as error:
        code = error.code
    return m.DeleteRecordsPartitionResult(
        partition_index=asked.partition_index, low_watermark=low_watermark, error_code=code
    )
