"""A simulated producer: batches per partition, several requests in flight, retries, idempotence as in Kafka's client.

Source: Kafka's ``Sender``, ``RecordAccumulator`` and ``TransactionManager`` (the idempotent part of it).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kit.broker.metadata import TopicPartition
from kit.simulation.links import PRODUCE_CHANNEL, Links
from kit.simulation.metadata import ClientMetadata
from kit.simulation.producer_queue import Batch, PartitionQueue
from kit.simulation.recorder import Recorder
from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import Record

PRODUCE, PRODUCE_VERSIONS = 0, (9, 12, 13)
INIT_PRODUCER_ID, INIT_PRODUCER_ID_VERSION = 22, 4
MAX_IN_FLIGHT = 5  # requests per connection; a broker remembers as many batches of a producer
LINGER_MS = 1.0
MAX_BACKOFF_MS = 400.0
NO_PRODUCER_ID = -1

_STALE_METADATA = {
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.LEADER_NOT_AVAILABLE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.UNKNOWN_TOPIC_ID,
    ErrorCode.KAFKA_STORAGE_ERROR,
    ErrorCode.REPLICA_NOT_AVAILABLE,
    ErrorCode.NETWORK_EXCEPTION,
}
_MAYBE_WRITTEN = {
    ErrorCode.NETWORK_EXCEPTION,
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
}


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """A producer's configuration, in Kafka's words; times in milliseconds."""

    acks: int = -1
    enable_idempotence: bool = True
    request_timeout_ms: float = 1_500.0
    delivery_timeout_ms: float = 30_000.0
    retry_backoff_ms: float = 50.0


class SimProducer:
    """One producer.

    Args:
        links: its connections; their name is its client id and its process in the history.
        bootstrap: the node ids to ask first.
    """

    def __init__(
        self,
        links: Links,
        recorder: Recorder,
        bootstrap: Sequence[int],
        topics: Sequence[str],
        settings: ProducerSettings,
    ) -> None:
        self.settings = settings
        self._links = links
        self._clock = links.clock
        self._recorder = recorder
        self._metadata = ClientMetadata(links, bootstrap, topics, self._pump)
        self._bootstrap = list(bootstrap)
        self._topics = list(topics)
        self._version = links.random.choice(PRODUCE_VERSIONS)
        self._unplaced: list[tuple[str, bytes, bytes]] = []  # records whose topic is not known yet
        self._queues: dict[TopicPartition, PartitionQueue] = {}
        self._in_flight: dict[int, int] = {}
        self._producer_id = NO_PRODUCER_ID
        self._producer_epoch = 0
        self._is_asking_for_id = False
        self._wake_at_ms: float | None = None
        self._metadata.refresh()

    # -- the application's side ----------------------------------------------------------------------------------

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Hand over one record; its key chooses the partition."""
        count = self._metadata.num_partitions(topic)
        if count == 0:
            self._unplaced.append((topic, key, value))
            return
        partition = TopicPartition(topic, zlib.crc32(key) % count)
        queue = self._queues.get(partition)
        if queue is None:
            queue = self._queues[partition] = PartitionQueue(partition)
        operation = self._recorder.send(self._links.name, topic, partition.partition, key, value)
        now_ms = self._clock.monotonic_ms()
        queue.add(Record(0, self._clock.time_ms(), key, value), operation, now_ms + self.settings.delivery_timeout_ms)
        self._wake_in(LINGER_MS)

    @property
    def is_idle(self) -> bool:
        """Whether everything sent has an outcome."""
        return not self._unplaced and not any(queue.is_busy for queue in self._queues.values())

    # -- the sender ----------------------------------------------------------------------------------------------

    def _wake_in(self, delay_ms: float) -> None:
        at_ms = self._clock.monotonic_ms() + delay_ms
        if self._wake_at_ms is None or at_ms < self._wake_at_ms:
            self._wake_at_ms = at_ms
            self._clock.call_later(delay_ms, lambda: self._woken(at_ms))

    def _woken(self, at_ms: float) -> None:
        if self._wake_at_ms == at_ms:  # else it had to wake up earlier
            self._wake_at_ms = None
            self._pump()

    def _pump(self) -> None:
        """Expire, then send whatever may be sent now."""
        now_ms = self._clock.monotonic_ms()
        unplaced, self._unplaced = self._unplaced, []
        for topic, key, value in unplaced:
            self.send(topic, key, value)
        for queue in self._queues.values():
            queue.expire(now_ms)
            if queue.settle_unresolved():
                self._bump_epoch(queue)
        if self.settings.enable_idempotence and self._producer_id == NO_PRODUCER_ID:
            self._ask_for_id()
            return
        self._send_ready(now_ms)
        self._wake_for_next(now_ms)

    def _wake_for_next(self, now_ms: float) -> None:
        """Come back for the next retry or the next batch that expires."""
        due = [queue.next_due_ms(now_ms) for queue in self._queues.values() if queue.is_busy]
        times = [each for each in due if each is not None]
        if times:
            self._wake_in(max(0.1, min(times) - now_ms))

    def _send_ready(self, now_ms: float) -> None:
        by_leader: dict[int, list[PartitionQueue]] = {}
        for queue in self._queues.values():
            if queue.waiting:
                leader = self._metadata.leader(queue.topic_partition)
                if leader is None:
                    self._metadata.refresh()
                else:
                    by_leader.setdefault(leader.leader, []).append(queue)
        for node_id, queues in by_leader.items():
            while self._in_flight.get(node_id, 0) < MAX_IN_FLIGHT:
                drained = [(queue, batch) for queue in queues if (batch := self._drain(queue, now_ms)) is not None]
                if not drained:
                    break
                self._send_batches(node_id, drained)

    def _drain(self, queue: PartitionQueue, now_ms: float) -> Batch | None:
        return queue.drain(
            now_ms, self._producer_id, self._producer_epoch, is_idempotent=self.settings.enable_idempotence
        )

    def _send_batches(self, node_id: int, drained: list[tuple[PartitionQueue, Batch]]) -> None:
        by_topic: dict[str, list[m.PartitionProduceData]] = {}
        for queue, batch in drained:
            topic, partition = queue.topic_partition
            data = m.PartitionProduceData(index=partition, records=_encoded(batch))
            by_topic.setdefault(topic, []).append(data)
        request = m.ProduceRequest(
            acks=self.settings.acks,
            timeout_ms=int(self.settings.request_timeout_ms),
            topic_data=[
                m.TopicProduceData(name=name, topic_id=self._metadata.topic_ids[name], partition_data=data)
                for name, data in by_topic.items()
            ],
        )
        self._in_flight[node_id] = self._in_flight.get(node_id, 0) + 1
        sent = [(queue, batch, batch.attempts) for queue, batch in drained]
        answer = self._links.call(
            node_id, PRODUCE, self._version, request, self.settings.request_timeout_ms * 1.5, channel=PRODUCE_CHANNEL
        )
        answer.then(lambda response: self._answered(node_id, sent, response))

    def _answered(
        self, node_id: int, sent: list[tuple[PartitionQueue, Batch, int]], response: m.ProduceResponse | None
    ) -> None:
        self._in_flight[node_id] -= 1
        answers: dict[TopicPartition, m.PartitionProduceResponse] = {}
        names = {topic_id: name for name, topic_id in self._metadata.topic_ids.items()}
        for topic in [] if response is None else response.responses:
            name = topic.name or names[topic.topic_id]
            for each in topic.partition_responses:
                answers[TopicPartition(name, each.index)] = each
        for queue, batch, attempt in sent:
            if batch.attempts == attempt and not batch.is_done:
                self._batch_answered(queue, batch, answers.get(queue.topic_partition))
        if response is None:
            self._wake_in(0)  # not before all requests of the broken connection are known to have failed
        else:
            self._pump()

    def _batch_answered(self, queue: PartitionQueue, batch: Batch, answer: m.PartitionProduceResponse | None) -> None:
        code = ErrorCode.NETWORK_EXCEPTION if answer is None else ErrorCode(answer.error_code)
        self._recorder.note("produced", self._links.name, queue.topic_partition, batch.base_sequence, code.name)
        if answer is not None and code == ErrorCode.NONE:
            queue.complete(batch, answer.base_offset)
            return
        if code == ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
            queue.complete(batch, None)
            return
        if code in _STALE_METADATA:
            self._metadata.refresh()
        batch.in_doubt = batch.in_doubt or code in _MAYBE_WRITTEN
        batch.is_out = False
        if not self._can_retry(queue, batch, code):
            queue.fail(batch, code.name)
        elif not batch.is_done:
            backoff_ms = min(MAX_BACKOFF_MS, self.settings.retry_backoff_ms * 2 ** min(10, batch.attempts - 1))
            queue.retry(batch, self._clock.monotonic_ms() + backoff_ms)

    def _can_retry(self, queue: PartitionQueue, batch: Batch, code: ErrorCode) -> bool:
        """Source: ``TransactionManager.canRetry``."""
        if code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER and self.settings.enable_idempotence:
            if queue.is_gap(batch):
                if not queue.is_unresolved:  # nothing was given up, so the broker lacks what it acknowledged
                    self._recorder.sequence_gap(self._links.name, queue.topic_partition, batch.base_sequence)
                self._bump_epoch(queue)
            return True
        return code.retriable

    # -- idempotence ---------------------------------------------------------------------------------------------

    def _bump_epoch(self, queue: PartitionQueue) -> None:
        """A sequence number is missing for good: start anew, with a new epoch that no old request can have."""
        self._producer_epoch += 1
        queue.start_sequences(self._producer_id, self._producer_epoch)

    def _ask_for_id(self) -> None:
        if self._is_asking_for_id:
            return
        self._is_asking_for_id = True
        request = m.InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=0)
        node_id = self._links.random.choice(self._bootstrap)
        answer = self._links.call(
            node_id, INIT_PRODUCER_ID, INIT_PRODUCER_ID_VERSION, request, self.settings.request_timeout_ms
        )
        answer.then(self._got_id)

    def _got_id(self, response: Any) -> None:
        self._is_asking_for_id = False
        if response is None or response.error_code:
            self._wake_in(self.settings.retry_backoff_ms)
            return
        self._producer_id, self._producer_epoch = response.producer_id, response.producer_epoch
        self._recorder.note("producer_id", self._links.name, self._producer_id)
        self._pump()


def _encoded(batch: Batch) -> bytearray:
    if batch.data is None:
        batch.data = build_batch(
            batch.records,
            producer_id=batch.producer_id,
            producer_epoch=batch.producer_epoch,
            base_sequence=batch.base_sequence,
        )
    return batch.data
