"""Produce, v3-13: append record batches to partitions that this broker leads.

Behaviour: one batch per partition; clients cannot write to internal topics; acks 0 gets no reply, and an error then
closes the connection, as in Kafka. acks -1 is refused with NOT_ENOUGH_REPLICAS before anything is appended, else
answered when the in-sync replicas have the records, or with REQUEST_TIMED_OUT after ``timeout_ms``; the records stay in
the leader's log then. Several partitions get one answer, when the last of them has decided.
Version notes: advertised from 0 although 0-2 are not served, or librdkafka before 2.11.1 does not compress
(KAFKA-18659); 7 brought zstd (KIP-110); 8 names the records to blame (KIP-467); 10 names the new leader (KIP-951); 13
names topics by id (KIP-516).
Left out: transactional batches (INVALID_RECORD).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.broker.handlers.current_leader import ASKED_THE_WRONG_ONE, CurrentLeaders
from kit.broker.metadata import INTERNAL_TOPICS
from kit.broker.replication.waiting_produce import WaitingProduce
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode, InvalidRecordsError
from kit.wire.records import CorruptBatch, read_header

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

ZSTD_FROM = 7
CURRENT_LEADER_FROM = 10
TOPIC_IDS_FROM = 13
ALL_IN_SYNC = -1


@handles(0, 3, 13, advertise_from=0)
def handle(
    broker: Broker, request: m.ProduceRequest, context: RequestContext
) -> m.ProduceResponse | Deferred[m.ProduceResponse] | None:
    from kit.broker.broker import InvalidRequest  # a cycle at import time: broker.py loads the handlers

    produce = _Produce(broker, request, context)
    response = produce.append_all()
    if request.acks == 0:
        if produce.failed is not None:
            reason = f"a produce request with acks=0 failed with {produce.failed.name}, which has no reply to say so"
            raise InvalidRequest(reason)
        return None
    if produce.waiting is None:
        return response
    return produce.waiting.start()


class _Produce:
    """One produce request.

    Attributes:
        failed: the last error, if there was one.
        waiting: set when there are records that the in-sync replicas do not have yet.
    """

    def __init__(self, broker: Broker, request: m.ProduceRequest, context: RequestContext) -> None:
        self.failed: ErrorCode | None = None
        self.waiting: WaitingProduce | None = None
        self._broker = broker
        self._request = request
        self._api_version = context.api_version
        self._context = context
        self._response = m.ProduceResponse()
        self._leaders: CurrentLeaders | None = None

    def append_all(self) -> m.ProduceResponse:
        """Append what can be appended; the response is complete but for what still waits."""
        by_id = self._api_version >= TOPIC_IDS_FROM
        for topic in self._request.topic_data:
            name: str | None = topic.name
            if by_id:
                state = self._broker.image.topic_by_id(topic.topic_id)
                name = None if state is None else state.name
            answers = [self._append(name, data) for data in topic.partition_data]
            self._response.responses.append(
                m.TopicProduceResponse(name=topic.name, topic_id=topic.topic_id, partition_responses=answers)
            )
        if self._leaders is not None:
            self._response.node_endpoints = self._leaders.endpoints()
        return self._response

    def _append(self, topic: str | None, data: m.PartitionProduceData) -> m.PartitionProduceResponse:
        broker, acks = self._broker, self._request.acks
        try:
            name, records = self._check(topic, data)
            partition = broker.replicas.find(name, data.index)
            broker.replicas.check_room(partition)
            appended = partition.append(records, acks=acks)
        except BrokerError as error:
            return self._refuse(topic, data.index, error)
        broker.replicas.appended(records.nbytes, rolled=appended.rolled)
        answer = m.PartitionProduceResponse(
            index=data.index,
            error_code=0,
            base_offset=appended.base_offset,
            log_append_time_ms=appended.log_append_time_ms,
            log_start_offset=appended.log_start_offset,
        )
        if acks == ALL_IN_SYNC:
            leader = partition.leadership()
            if partition.high_watermark <= appended.last_offset:
                if self.waiting is None:
                    self.waiting = WaitingProduce(broker.replicas.context, self._response, self._request.timeout_ms)
                self.waiting.wait_for(partition, leader, appended.last_offset, answer)
            else:
                answer.error_code = leader.commit_code()
        return answer

    def _check(self, topic: str | None, data: m.PartitionProduceData) -> tuple[str, memoryview]:
        """The topic's name and the batch, if this may be produced at all."""
        acks = self._request.acks
        if acks not in (-1, 0, 1):
            raise BrokerError(ErrorCode.INVALID_REQUIRED_ACKS, f"acks must be -1, 0 or 1, not {acks}")
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID)
        if topic in INTERNAL_TOPICS:
            raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"only Kafka itself writes to {topic}")
        if not data.records:
            raise BrokerError(ErrorCode.INVALID_RECORD, "a produce request needs a record batch per partition")
        if self._api_version < ZSTD_FROM and _is_zstd(data.records):
            raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"zstd needs produce version {ZSTD_FROM}")
        return topic, data.records

    def _refuse(self, topic: str | None, index: int, error: BrokerError) -> m.PartitionProduceResponse:
        self.failed = error.code
        answer = m.PartitionProduceResponse(
            index=index, error_code=error.code, base_offset=-1, log_start_offset=-1, error_message=error.message
        )
        if isinstance(error, InvalidRecordsError):
            answer.record_errors = [
                m.BatchIndexAndErrorMessage(batch_index=each, batch_index_error_message=error.reason)
                for each in error.indexes
            ]
        if topic is not None and error.code in ASKED_THE_WRONG_ONE and self._api_version >= CURRENT_LEADER_FROM:
            if self._leaders is None:
                self._leaders = CurrentLeaders(self._broker.image, m.ProduceResponse, self._context.peer.listener)
            self._leaders.add(answer, topic, index)
        return answer


def _is_zstd(data: memoryview) -> bool:
    try:
        return read_header(data).compression == "zstd"
    except CorruptBatch:
        return False  # what is wrong with it is the partition's to say
