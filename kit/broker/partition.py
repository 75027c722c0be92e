"""One partition on one broker: leads or follows, serves reads, wakes who waits.

Nothing here is done per record: batches are moved as bytes, whether a producer or a leader sent them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kit.broker.config.configs import TopicConfig
from kit.broker.metadata import NO_LEADER, PartitionState, TopicPartition
from kit.broker.producer_batches import NO_TIMESTAMP, BatchChecks
from kit.broker.replication.context import ReplicationContext
from kit.broker.replication.leader_state import LeaderState
from kit.broker.storage import FileRange, Log
from kit.wire import records as batches
from kit.wire.errors import BrokerError, ErrorCode


@dataclass(frozen=True, slots=True)
class Appended:
    """What a produce request is told about its batch: the fields of ProduceResponse, and where the batch ends."""

    base_offset: int
    last_offset: int
    log_append_time_ms: int
    log_start_offset: int
    rolled: bool = False


class Subscriber(Protocol):
    """A follower that copies this partition, seen from its leader."""

    def on_append(self) -> None:
        """There are new records: answer."""

    def on_metadata(self) -> None:
        """The controller changed something: this broker may lead no more, or the follower may be out of sync."""

    def on_offsets(self) -> None:
        """The high watermark or the log start offset moved: answer before long."""


class Partition:
    """A replica of one partition, on the broker that keeps it.

    Attributes:
        leader: what a leader has; None on a follower.
        leader_id: the node that leads, -1 when nobody does.
        leader_epoch: grows with each election; stamped into each batch.
        partition_epoch: grows with each change that the controller makes.
        high_watermark: consumers see records below this offset.
    """

    def __init__(
        self,
        topic_partition: TopicPartition,
        *,
        log: Log,
        context: ReplicationContext,
        topic_id: uuid.UUID,
        high_watermark: int = 0,
    ) -> None:
        self.topic_partition = topic_partition
        self.topic_id = topic_id
        self.log = log
        self.leader: LeaderState | None = None
        self.is_leader = False
        self.leader_id = NO_LEADER
        self.leader_epoch = -1
        self.partition_epoch = -1
        self.high_watermark = min(max(high_watermark, log.log_start_offset), log.log_end_offset)
        self._context = context
        self._waiters: dict[Callable[[], None], None] = {}
        self._subscribers: tuple[Subscriber, ...] = ()

    # -- who leads -----------------------------------------------------------------------------------------------

    def apply(self, state: PartitionState, config: TopicConfig) -> None:
        """Follow the controller's decision; whoever waits here looks again.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR when the new leader epoch cannot be noted.
        """
        if state.partition_epoch >= self.partition_epoch:  # else AlterPartition has told of a newer one already
            if state.leader == self._context.node_id:
                self._lead(state)
            else:
                self._follow(state)
        self.configure(config)
        self._wake_all()

    def _lead(self, state: PartitionState) -> None:
        is_new_leader = self.leader is None
        leader = self.leader or LeaderState(self, self._context, self.topic_id)
        leader.take_over(state, is_news=is_new_leader or state.partition_epoch > self.partition_epoch)
        if state.leader_epoch > self.leader_epoch:
            self.log.assign_leader_epoch(state.leader_epoch, self.log.log_end_offset)
            leader.begin_epoch(state, is_new_leader=is_new_leader)
        self._note(state)
        self.leader, self.is_leader = leader, True

    def _follow(self, state: PartitionState) -> None:
        self._note(state)
        self.resign()

    def _note(self, state: PartitionState) -> None:
        self.leader_id = state.leader
        self.leader_epoch = state.leader_epoch
        self.partition_epoch = state.partition_epoch

    def resign(self) -> None:
        """Lead no more; who waits for a commit is told NOT_LEADER_OR_FOLLOWER."""
        leader, self.leader, self.is_leader = self.leader, None, False
        if leader is not None:
            leader.resign()

    def close(self) -> None:
        """Serve nobody any more: the replica is gone from this broker, or its disk is."""
        self.resign()
        self._wake_all()

    def configure(self, config: TopicConfig) -> None:
        """Take over changed topic settings."""
        self._checks = BatchChecks(self.topic_partition, self._context.clock, config)
        self.is_deletable = "delete" in config["cleanup.policy"]
        if self.leader is not None:
            self.leader.configure(config["min.insync.replicas"])
            self.advance_high_watermark()

    @property
    def stores_zstd(self) -> bool:
        """Whether the topic compresses everything with zstd, which old consumers cannot read (KIP-110)."""
        return self._checks.codec == "zstd"

    def check_epoch(self, current_leader_epoch: int) -> None:
        """Compare a client's idea of the leader epoch with ours (KIP-320); -1 means that it has none.

        Raises:
            BrokerError: FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH.
        """
        if current_leader_epoch < 0 or current_leader_epoch == self.leader_epoch:
            return
        older = current_leader_epoch < self.leader_epoch
        raise BrokerError(ErrorCode.FENCED_LEADER_EPOCH if older else ErrorCode.UNKNOWN_LEADER_EPOCH)

    def leadership(self) -> LeaderState:
        """What this replica has as the leader.

        Raises:
            BrokerError: NOT_LEADER_OR_FOLLOWER.
        """
        if self.leader is None:
            raise BrokerError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        return self.leader

    # -- appending as the leader ---------------------------------------------------------------------------------

    def append(self, data: memoryview, *, acks: int) -> Appended:
        """Append one producer's batch as the leader.

        With acks -1 the batch counts when the high watermark has passed it: see `LeaderState.wait_for_commit`.

        Args:
            data: exactly one record batch; its base offset and leader epoch are patched in place.
            acks: 0, 1 or -1 (all in-sync replicas).

        Raises:
            BrokerError: with Kafka's error code; nothing was appended then.
        """
        if acks == -1:
            self.leadership().check_in_sync_replicas()
        header, data = self._checks.validate(data)
        if header.producer_id >= 0:
            before = self.log.producers.check(header, log_start_offset=self.log.log_start_offset)
            if before is not None:
                time_ms = NO_TIMESTAMP if self._checks.create_time else before.timestamp_ms
                return Appended(before.base_offset, before.last_offset, time_ms, self.log.log_start_offset)
        return self._write(data, header)

    def append_internal(self, batch: bytearray) -> Appended:
        """Append a batch that this broker itself built (group state, offsets), for all in-sync replicas.

        Raises:
            BrokerError: as `append`.
        """
        self.leadership().check_in_sync_replicas()
        return self._write(memoryview(batch), batches.read_header(batch))

    def _write(self, data: memoryview, header: batches.BatchHeader) -> Appended:
        info = self.log.append(data, [header], leader_epoch=self.leader_epoch)
        self.advance_high_watermark()
        for subscriber in self._subscribers:
            subscriber.on_append()
        return Appended(
            info.first_offset, info.last_offset, info.log_append_time_ms, self.log.log_start_offset, info.rolled
        )

    def advance_high_watermark(self) -> None:
        """Let the high watermark follow the in-sync replicas; on a leader it never goes back."""
        leader = self.leader
        if leader is None:
            return
        offset = leader.committed_offset()
        if offset > self.high_watermark:
            self.high_watermark = offset
            leader.answer_committed()
            self._offsets_moved()

    def delete_records(self, before_offset: int) -> int:
        """Move the log start offset (KIP-107) as the leader; -1 means the high watermark.

        Returns:
            The offset asked for. Records below it are gone everywhere when the low watermark has reached it.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE, POLICY_VIOLATION on a topic that is only compacted.
        """
        if not self.is_deletable:
            raise BrokerError(ErrorCode.POLICY_VIOLATION, f"{self.topic_partition} is compacted, not deleted from")
        target = self.high_watermark if before_offset == -1 else before_offset
        if target < 0 or target > self.high_watermark:
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if target > self.log.log_start_offset:
            self.log.delete_records_before(target)
            self._offsets_moved()
        return target

    # -- copying as a follower -----------------------------------------------------------------------------------

    def append_as_follower(self, data: bytes | memoryview, leader_epoch: int) -> None:
        """Append what the leader of ``leader_epoch`` sent.

        Raises:
            CorruptBatch: a batch does not match its CRC.
            ValueError: offsets that the log has already.
            BrokerError: KAFKA_STORAGE_ERROR. Nothing was appended in all three cases.
        """
        data = memoryview(data)
        first_offset = batches.read_header(data).base_offset
        if first_offset < self.log.log_end_offset == self.log.log_start_offset:
            # The leader's log starts inside its first batch, and a batch is never cut.
            self.log.truncate_fully_and_start_at(first_offset)
        self.log.append_as_follower(data, leader_epoch=leader_epoch)

    def follow_offsets(self, high_watermark: int, log_start_offset: int) -> None:
        """Take over how far the leader's high watermark and log start offset are, as far as this log reaches."""
        offset = max(min(high_watermark, self.log.log_end_offset), self.log.log_start_offset)
        if offset != self.high_watermark:
            self._set_high_watermark(offset)
        if log_start_offset > self.log.log_start_offset:
            self.log.delete_records_before(min(log_start_offset, self.high_watermark))

    def truncate_to_epoch(self, epoch: int, end_offset: int) -> None:
        """Cut off what the leader does not have: it has ``epoch`` up to ``end_offset``, and nothing of ours behind.

        Source: KIP-595, Kafka's ``KafkaRaftLog.truncateToEndOffset``.
        """
        found_epoch, found_offset = self.log.end_offset_for_epoch(epoch)
        if found_epoch == epoch:
            self.truncate_to(min(found_offset, end_offset))
        else:  # what we know of older epochs has to be compared next
            self.truncate_to(found_offset if found_offset >= 0 else end_offset)

    def truncate_to(self, offset: int) -> None:
        """Cut off everything from ``offset`` on."""
        end_offset = self.log.log_end_offset
        self.log.truncate_to(offset)
        if offset < end_offset:
            self._context.tell("truncated", self.topic_partition, offset=offset, end_offset=end_offset)
            self._limit_high_watermark()

    def start_over_at(self, offset: int) -> None:
        """Give up all records; the leader has none below ``offset`` any more."""
        start_offset, end_offset = self.log.log_start_offset, self.log.log_end_offset
        self.log.truncate_fully_and_start_at(offset)
        if start_offset < end_offset:
            self._context.tell("truncated", self.topic_partition, offset=start_offset, end_offset=end_offset)
        self._limit_high_watermark()

    def _limit_high_watermark(self) -> None:
        offset = max(min(self.high_watermark, self.log.log_end_offset), self.log.log_start_offset)
        if offset != self.high_watermark:
            self._set_high_watermark(offset)

    def _set_high_watermark(self, offset: int) -> None:
        previous, self.high_watermark = self.high_watermark, offset
        if offset < previous:
            self._context.tell("high_watermark_lowered", self.topic_partition, previous=previous, offset=offset)
        self.wake()

    # -- reading -------------------------------------------------------------------------------------------------

    def read(self, offset: int, max_bytes: int, *, min_one_batch: bool) -> FileRange | None:
        """Committed batches from ``offset`` on; None when there are none yet.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE below the log start offset or above the log end offset.
        """
        if offset == self.high_watermark:
            return None
        return self.log.read(offset, max_bytes, max_offset=self.high_watermark, min_one_batch=min_one_batch)

    def read_all(self) -> Iterator[bytes]:
        """Every stored batch run of this partition, in order: what a new coordinator replays."""
        offset = self.log.log_start_offset
        while offset < self.log.log_end_offset:
            found = self.log.read(offset, 1 << 20)
            if found is None:
                return
            data = found.read()
            yield data
            for _, header in batches.iter_headers(data):
                offset = header.next_offset

    # -- waiting -------------------------------------------------------------------------------------------------

    def add_waiter(self, waiter: Callable[[], None]) -> None:
        """Call ``waiter()`` whenever there may be more to read, until it is removed."""
        self._waiters[waiter] = None

    def remove_waiter(self, waiter: Callable[[], None]) -> None:
        """Stop calling ``waiter``; harmless when it is not there."""
        self._waiters.pop(waiter, None)

    def wake(self) -> None:
        """Let everybody who waits for committed records look again."""
        if self._waiters:
            for waiter in list(self._waiters):
                waiter()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell a follower's session of news."""
        self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Tell it no more."""
        self._subscribers = tuple(each for each in self._subscribers if each is not subscriber)

    def log_start_moved(self) -> None:
        """The log lost its oldest records: followers and readers shall know, and the high watermark is not behind."""
        self.high_watermark = max(self.high_watermark, self.log.log_start_offset)
        self._offsets_moved()

    def _offsets_moved(self) -> None:
        for subscriber in self._subscribers:
            subscriber.on_offsets()
        self.wake()

    def _wake_all(self) -> None:
        for subscriber in self._subscribers:
            subscriber.on_metadata()
        self.wake()
