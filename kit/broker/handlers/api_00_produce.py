"""Produce, v3-13: append record batches to partitions that this broker leads.

Behaviour: one batch per partition; clients cannot write to internal topics; acks 0 gets no reply, and an error then
closes the connection, as in Kafka; acks -1 is refused with NOT_ENOUGH_REPLICAS before anything is appended.
Version notes: advertised from 0 although 0-2 are not served, or librdkafka before 2.11.1 does not compress
(KAFKA-18659); 7 brought zstd (KIP-110); 13 names topics by id (KIP-516).
Left out: transactional batches (INVALID_RECORD), the per-record error list of v8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.broker.metadata import INTERNAL_TOPICS
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import CorruptBatch, read_header

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

ZSTD_FROM = 7
TOPIC_IDS_FROM = 13


@handles(0, 3, 13, advertise_from=0)
def handle(broker: Broker, request: m.ProduceRequest, context: RequestContext) -> m.ProduceResponse | None:
    from kit.broker.broker import InvalidRequest  # a cycle at import time: broker.py loads the handlers

    failed: ErrorCode | None = None
    topics = []
    by_id = context.api_version >= TOPIC_IDS_FROM
    for topic in request.topic_data:
        name: str | None = topic.name
        if by_id:
            state = broker.image.topic_by_id(topic.topic_id)
            name = None if state is None else state.name
        answers = []
        for data in topic.partition_data:
            answer = _append(broker, name, data, request.acks, context.api_version)
            if answer.error_code:
                failed = ErrorCode(answer.error_code)
            answers.append(answer)
        topics.append(m.TopicProduceResponse(name=topic.name, topic_id=topic.topic_id, partition_responses=answers))
    if request.acks != 0:
        return m.ProduceResponse(responses=topics)
    if failed is not None:
        raise InvalidRequest(f"a produce request with acks=0 failed with {failed.name}, which has no reply to say so")
    return None


def _append(
    broker: Broker, topic: str | None, data: m.PartitionProduceData, acks: int, api_version: int
) -> m.PartitionProduceResponse:
    try:
        if acks not in (-1, 0, 1):
            raise BrokerError(ErrorCode.INVALID_REQUIRED_ACKS, f"acks must be -1, 0 or 1, not {acks}")
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID)
        if topic in INTERNAL_TOPICS:
            raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"only Kafka itself writes to {topic}")
        if not data.records:
            raise BrokerError(ErrorCode.INVALID_RECORD, "a produce request needs a record batch per partition")
        if api_version < ZSTD_FROM and _is_zstd(data.records):
            raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"zstd needs produce version {ZSTD_FROM}")
        partition = broker.partition(topic, data.index)
        broker.replicas.check_room(partition)
        appended = partition.append(data.records, acks=acks)
    except BrokerError as error:
        return m.PartitionProduceResponse(
            index=data.index, error_code=error.code, base_offset=-1, log_start_offset=-1, error_message=error.message
        )
    broker.replicas.appended(data.records.nbytes, rolled=appended.rolled)
    return m.PartitionProduceResponse(
        index=data.index,
        error_code=0,
        base_offset=appended.base_offset,
        log_append_time_ms=appended.log_append_time_ms,
        log_start_offset=appended.log_start_offset,
    )


def _is_zstd(data: memoryview) -> bool:
    try:
        return read_header(data).compression == "zstd"
    except CorruptBatch:
        return False  # what is wrong with it is the partition's to say
