"""The batches of one producer for one partition, and their sequence numbers.

Source: Kafka's ``RecordAccumulator`` (the deque per partition) and ``TxnPartitionMap`` (the sequence numbers).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from kit.broker.metadata import TopicPartition
from kit.simulation.recorder import SendOperation
from kit.wire.records import Record

NO_SEQUENCE = -1
MAX_BATCH_RECORDS = 16


@dataclass(slots=True, eq=False)
class Batch:
    """Records that are written together or not at all."""

    deadline_ms: float
    records: list[Record] = field(default_factory=list)
    operations: list[SendOperation] = field(default_factory=list)
    producer_id: int = -1
    producer_epoch: int = -1
    base_sequence: int = NO_SEQUENCE
    attempts: int = 0
    retry_at_ms: float = 0.0
    is_done: bool = False
    is_out: bool = False  # in a request that has no answer yet
    in_doubt: bool = False  # an attempt ended so that it may have been written
    sequence_was_reset: bool = False
    data: bytearray | None = None

    @property
    def last_sequence(self) -> int:
        """The sequence number of its last record."""
        return self.base_sequence + len(self.records) - 1


class PartitionQueue:
    """What one producer has for one partition.

    Attributes:
        waiting: not in a request now: first those to be sent again, in the order of their sequence numbers.
    """

    def __init__(self, topic_partition: TopicPartition) -> None:
        self.topic_partition = topic_partition
        self.waiting: deque[Batch] = deque()
        self._begun: list[Batch] = []  # those with a sequence number and no outcome, in its order
        self._next_sequence = 0
        self._last_acked_sequence = NO_SEQUENCE
        self._producer_id = self._producer_epoch = -1
        self._unresolved: int | None = None  # the sequence after that of a batch whose outcome is not known

    @property
    def is_busy(self) -> bool:
        """Whether a batch has no outcome yet."""
        return bool(self.waiting or self._begun)

    @property
    def is_unresolved(self) -> bool:
        """Whether a batch was given up, and it is not known yet whether the broker has it."""
        return self._unresolved is not None

    def add(self, record: Record, operation: SendOperation, deadline_ms: float) -> None:
        """Take one more record, into the last batch if that was never sent and has room."""
        last = self.waiting[-1] if self.waiting else None
        if last is None or last.attempts or len(last.records) >= MAX_BATCH_RECORDS:
            last = Batch(deadline_ms)
            self.waiting.append(last)
        last.records.append(record)
        last.operations.append(operation)

    def drain(self, now_ms: float, producer_id: int, producer_epoch: int, *, is_idempotent: bool) -> Batch | None:
        """The next batch that may be sent now, with its sequence number.

        Source: ``RecordAccumulator.shouldStopDrainBatchesForPartition``.
        """
        if not self.waiting:
            return None
        batch = self.waiting[0]
        if batch.retry_at_ms > now_ms:
            return None
        if is_idempotent:
            if batch.base_sequence != NO_SEQUENCE and batch is not self._begun[0]:
                return None  # what is sent again is sent in order, one by one
            if batch.base_sequence == NO_SEQUENCE:
                if self._unresolved is not None:
                    return None
                self._give_sequence(batch, producer_id, producer_epoch)
        elif batch not in self._begun:
            self._begun.append(batch)
        self.waiting.popleft()
        batch.sequence_was_reset = False
        batch.attempts += 1
        batch.is_out = True
        return batch

    def _give_sequence(self, batch: Batch, producer_id: int, producer_epoch: int) -> None:
        # A new epoch is for a partition only when all of the old one has its outcome.
        if not self._begun and (self._producer_id, self._producer_epoch) != (producer_id, producer_epoch):
            self.start_sequences(producer_id, producer_epoch)
        batch.producer_id, batch.producer_epoch = self._producer_id, self._producer_epoch
        batch.base_sequence = self._next_sequence
        self._next_sequence += len(batch.records)
        self._begun.append(batch)

    def start_sequences(self, producer_id: int, producer_epoch: int) -> None:
        """Begin with 0 under a new epoch, with every batch that has a number already.

        What may have been written is given up. Kafka's client sends it again too, under the new epoch, by which no
        broker can know it for a duplicate. Source: ``TxnPartitionMap.startSequencesAtBeginning``.
        """
        for batch in list(self._begun):
            if batch.is_out or batch.in_doubt:
                self.fail(batch, "IN_DOUBT")
        self._producer_id, self._producer_epoch = producer_id, producer_epoch
        self._next_sequence, self._last_acked_sequence, self._unresolved = 0, NO_SEQUENCE, None
        for batch in self._begun:
            batch.producer_id, batch.producer_epoch = producer_id, producer_epoch
            batch.base_sequence = self._next_sequence
            batch.sequence_was_reset = True
            batch.data = None
            self._next_sequence += len(batch.records)

    def is_gap(self, batch: Batch) -> bool:
        """Whether a refusal for its sequence number means that an earlier batch is lost, not only late.

        Source: ``TransactionManager.canRetry``.
        """
        if batch.sequence_was_reset:
            return False
        if self._unresolved is None:
            return batch.base_sequence == self._last_acked_sequence + 1
        return batch.base_sequence == self._unresolved

    def retry(self, batch: Batch, at_ms: float) -> None:
        """Put a batch back, to be sent again."""
        batch.is_out = False
        batch.retry_at_ms = at_ms
        position = 0
        for other in self.waiting:
            if other.attempts == 0 or other.base_sequence > batch.base_sequence:
                break
            position += 1
        self.waiting.insert(position, batch)

    def complete(self, batch: Batch, base_offset: int | None) -> None:
        """The broker has it."""
        self._end(batch)
        if batch.base_sequence != NO_SEQUENCE:
            self._last_acked_sequence = max(self._last_acked_sequence, batch.last_sequence)
        for number, operation in enumerate(batch.operations):
            operation.acked(None if base_offset is None or base_offset < 0 else base_offset + number)

    def fail(self, batch: Batch, error: str) -> None:
        """Give up. Nobody knows what became of a batch that was ever sent."""
        was_begun = batch in self._begun
        if not batch.is_out and batch in self.waiting:
            self.waiting.remove(batch)
        self._end(batch)
        if was_begun and batch.base_sequence != NO_SEQUENCE:
            self._unresolved = batch.last_sequence + 1
        for operation in batch.operations:
            if batch.attempts:
                operation.unknown(error)
            else:
                operation.refused(error)

    def _end(self, batch: Batch) -> None:
        batch.is_done = True
        batch.is_out = False
        if batch in self._begun:
            self._begun.remove(batch)

    def expire(self, now_ms: float) -> None:
        """Give up what is older than the delivery timeout."""
        while self._begun and self._begun[0].deadline_ms <= now_ms:
            self.fail(self._begun[0], "TIMED_OUT")
        while self.waiting and self.waiting[0].deadline_ms <= now_ms:
            self.fail(self.waiting[0], "TIMED_OUT")

    def settle_unresolved(self) -> bool:
        """Whether a batch that was given up has left a gap, now that all others have their outcome.

        Source: ``TransactionManager.maybeResolveSequences``.
        """
        if self._unresolved is None or self._begun:
            return False
        self._unresolved = None
        return self._last_acked_sequence + 1 != self._next_sequence

    def next_due_ms(self, now_ms: float) -> float | None:
        """When something is to be done if no answer comes: a retry, or giving up."""
        times = [self._begun[0].deadline_ms] if self._begun else []
        if self.waiting:
            head = self.waiting[0]
            times += [head.deadline_ms]
            if head.retry_at_ms > now_ms:
                times.append(head.retry_at_ms)
        return min(times, default=None)
