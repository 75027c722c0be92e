"""DeleteRecords, v0-2: forgets records below an offset, by moving the log start offset (KIP-107).

Behaviour: -1 stands for the high watermark. Answered when the log start offset of every replica that is alive has
moved too, or with REQUEST_TIMED_OUT after ``timeout_ms``; ``low_watermark`` is the lowest of them. Internal topics are
refused with INVALID_TOPIC_EXCEPTION, topics that are only compacted with POLICY_VIOLATION.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.broker.metadata import INTERNAL_TOPICS
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext
    from kit.broker.clock import Clock
    from kit.broker.partition import Partition

_INVALID_LOW_WATERMARK = -1


@handles(21, 0, 2)
def handle(
    broker: Broker, request: m.DeleteRecordsRequest, context: RequestContext
) -> m.DeleteRecordsResponse | Deferred[m.DeleteRecordsResponse]:
    deletion = _Deletion(broker)
    response = m.DeleteRecordsResponse(
        topics=[
            m.DeleteRecordsTopicResult(
                name=topic.name, partitions=[deletion.delete(topic.name, asked) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )
    return deletion.wait(response, broker.clock, request.timeout_ms)


class _Deletion:
    """One request: what it deleted here, and where followers have still to follow."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._waiting: list[tuple[Partition, int, m.DeleteRecordsPartitionResult]] = []

    def delete(self, topic: str, asked: m.DeleteRecordsPartition) -> m.DeleteRecordsPartitionResult:
        """Delete on the leader."""
        result = m.DeleteRecordsPartitionResult(
            partition_index=asked.partition_index, low_watermark=_INVALID_LOW_WATERMARK, error_code=ErrorCode.NONE
        )
        try:
            partition = self._broker.replicas.find(topic, asked.partition_index)
            if topic in INTERNAL_TOPICS:
                raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION)
            self._waiting.append((partition, partition.delete_records(asked.offset), result))
        except BrokerError as error:
            result.error_code = error.code
        return result

    def wait(
        self, response: m.DeleteRecordsResponse, clock: Clock, timeout_ms: int
    ) -> m.DeleteRecordsResponse | Deferred[m.DeleteRecordsResponse]:
        """The response when all replicas have followed, or the time is up."""
        if self._is_done():
            return response
        answer: Deferred[m.DeleteRecordsResponse] = Deferred()
        partitions = [partition for partition, _, _ in self._waiting]

        def finish() -> None:
            timer.cancel()
            for partition in partitions:
                partition.remove_waiter(look_again)
            answer.resolve(response)

        def look_again() -> None:
            if self._is_done():
                finish()

        def time_is_up() -> None:
            for _, _, result in self._waiting:
                result.error_code = ErrorCode.REQUEST_TIMED_OUT
            finish()

        timer = clock.call_later(timeout_ms, time_is_up)
        for partition in partitions:
            partition.add_waiter(look_again)
        return answer

    def _is_done(self) -> bool:
        self._waiting = [entry for entry in self._waiting if not _has_followed(*entry)]
        return not self._waiting


def _has_followed(partition: Partition, offset: int, result: m.DeleteRecordsPartitionResult) -> bool:
    if partition.leader is None:
        result.error_code = ErrorCode.NOT_LEADER_OR_FOLLOWER
        result.low_watermark = _INVALID_LOW_WATERMARK
        return True
    result.low_watermark = partition.leader.low_watermark
    return result.low_watermark >= offset
