"""ListOffsets, v1-11: offsets by time: latest, earliest, of the largest timestamp, of the first record since a time.

Behaviour: -1 latest (the high watermark), -2 earliest, -3 largest timestamp (KIP-734), >= 0 first record at or after
that time. -4 (earliest local) is the earliest; -5 (latest tiered) and -6 (earliest pending upload) are -1, as on a
broker without tiered storage. A new leader does not know what is committed until its high watermark has reached the
start of its epoch: what lies behind the high watermark is OFFSET_NOT_AVAILABLE until then (KIP-207). A follower (on the
listener of brokers) is told the log end offset.
Version notes: 2 isolation level; 4 leader epochs; 5 OFFSET_NOT_AVAILABLE, which was LEADER_NOT_AVAILABLE before;
7 max timestamp; 8, 9, 11 tiered offsets (KIP-405, 1005, 1023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.broker.storage import TimestampOffset
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import CorruptBatch

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext
    from kit.broker.partition import Partition

INTERNAL_LISTENER = "INTERNAL"
LEADER_EPOCHS_FROM = 4
OFFSET_NOT_AVAILABLE_FROM = 5

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
EARLIEST_LOCAL = -4
LATEST_TIERED = -5
EARLIEST_PENDING_UPLOAD = -6
_SINCE_VERSION = {MAX_TIMESTAMP: 7, EARLIEST_LOCAL: 8, LATEST_TIERED: 9, EARLIEST_PENDING_UPLOAD: 11}

NOTHING = TimestampOffset(timestamp_ms=-1, offset=-1, leader_epoch=-1)


@handles(2, 1, 11)
def handle(broker: Broker, request: m.ListOffsetsRequest, context: RequestContext) -> m.ListOffsetsResponse:
    asked_twice = _duplicates(request)
    is_follower = request.replica_id >= 0 and context.peer.listener == INTERNAL_LISTENER
    topics = []
    for topic in request.topics:
        answers = []
        for asked in topic.partitions:
            twice = (topic.name, asked.partition_index) in asked_twice
            answer = _answer(broker, topic.name, asked, context.api_version, twice=twice, is_follower=is_follower)
            answers.append(answer)
        topics.append(m.ListOffsetsTopicResponse(name=topic.name, partitions=answers))
    return m.ListOffsetsResponse(topics=topics)


def _duplicates(request: m.ListOffsetsRequest) -> set[tuple[str, int]]:
    seen: set[tuple[str, int]] = set()
    twice: set[tuple[str, int]] = set()
    for topic in request.topics:
        for asked in topic.partitions:
            key = (topic.name, asked.partition_index)
            (twice if key in seen else seen).add(key)
    return twice


def _answer(
    broker: Broker, topic: str, asked: m.ListOffsetsPartition, api_version: int, *, twice: bool, is_follower: bool
) -> m.ListOffsetsPartitionResponse:
    try:
        if twice:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"{topic}-{asked.partition_index} is asked for twice")
        if asked.timestamp < LATEST and api_version < _SINCE_VERSION.get(asked.timestamp, 0):
            raise BrokerError(ErrorCode.UNSUPPORTED_VERSION)
        partition = broker.replicas.find(topic, asked.partition_index)
        partition.check_epoch(asked.current_leader_epoch)
        found = _look_up(partition, asked.timestamp, is_follower=is_follower)
    except (BrokerError, CorruptBatch) as error:
        code = error.code
        if code is ErrorCode.OFFSET_NOT_AVAILABLE and api_version < OFFSET_NOT_AVAILABLE_FROM:
            code = ErrorCode.LEADER_NOT_AVAILABLE
        return m.ListOffsetsPartitionResponse(
            partition_index=asked.partition_index, error_code=code, timestamp=-1, offset=-1
        )
    return m.ListOffsetsPartitionResponse(
        partition_index=asked.partition_index,
        timestamp=found.timestamp_ms,
        offset=found.offset,
        leader_epoch=found.leader_epoch if api_version >= LEADER_EPOCHS_FROM else NOTHING.leader_epoch,
    )


def _look_up(partition: Partition, timestamp_ms: int, *, is_follower: bool) -> TimestampOffset:
    """What is at a timestamp.

    Raises:
        BrokerError: OFFSET_NOT_AVAILABLE; UNSUPPORTED_VERSION for a negative timestamp without meaning.
        CorruptBatch: a batch cannot be opened.
    """
    end_offset = partition.log.log_end_offset if is_follower else partition.high_watermark
    is_end_known = is_follower or partition.high_watermark >= partition.leadership().epoch_start_offset
    if timestamp_ms == LATEST:
        if not is_end_known:
            raise BrokerError(ErrorCode.OFFSET_NOT_AVAILABLE)
        return TimestampOffset(-1, end_offset, partition.leader_epoch)
    if timestamp_ms in (EARLIEST, EARLIEST_LOCAL):
        start = partition.log.log_start_offset
        epoch = partition.log.epoch_at(start)
        return TimestampOffset(-1, start, partition.leader_epoch if epoch is None else epoch)
    if timestamp_ms in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return NOTHING
    if timestamp_ms != MAX_TIMESTAMP and timestamp_ms < 0:
        raise BrokerError(ErrorCode.UNSUPPORTED_VERSION)
    log = partition.log
    found = log.offset_of_max_timestamp() if timestamp_ms == MAX_TIMESTAMP else log.offset_for_timestamp(timestamp_ms)
    if found is None or found.offset < end_offset:
        return found or NOTHING
    if not is_end_known:
        raise BrokerError(ErrorCode.OFFSET_NOT_AVAILABLE)
    return NOTHING
