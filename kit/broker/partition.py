"""One partition on one broker: checks and appends batches, serves reads, wakes who waits.

Nothing here is done per record: a batch is validated by its header and CRC and then moved as bytes. The exceptions
need the records themselves and are rare: a topic that recompresses, and one that is compacted and so demands keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kit.broker.clock import Clock
from kit.broker.configs import TopicConfig
from kit.broker.metadata import PartitionState, TopicPartition
from kit.broker.storage import FileRange, Log
from kit.wire import records as batches
from kit.wire.errors import BrokerError, ErrorCode

NO_TIMESTAMP = -1


@dataclass(frozen=True, slots=True)
class Appended:
    """What a produce request is told about its batch; the fields of ProduceResponse."""

    base_offset: int
    log_append_time_ms: int
    log_start_offset: int
    rolled: bool = False


class Partition:
    """A replica of one partition, on the broker that keeps it.

    Attributes:
        high_watermark: consumers see records below this offset.
        leader_epoch: grows with each election; stamped into each batch.
    """

    def __init__(self, topic_partition: TopicPartition, *, node_id: int, log: Log, clock: Clock) -> None:
        self.topic_partition = topic_partition
        self.log = log
        self.clock = clock
        self.state: PartitionState | None = None
        self.is_leader = False
        self.leader_epoch = -1
        self.high_watermark = log.log_start_offset
        self._node_id = node_id
        self._config: TopicConfig | None = None
        self._waiters: dict[Callable[[], None], None] = {}

    # -- who leads -----------------------------------------------------------------------------------------------

    def apply(self, state: PartitionState, config: TopicConfig) -> None:
        """Follow the controller's decision; whoever waits here looks again."""
        self.state = state
        self.configure(config)
        self.leader_epoch = state.leader_epoch
        self.is_leader = state.leader == self._node_id
        if self.is_leader:
            self.log.assign_leader_epoch(state.leader_epoch, self.log.log_end_offset)
            self._advance_high_watermark()
        self.wake()

    def configure(self, config: TopicConfig) -> None:
        """Take over changed topic settings."""
        self._config = config
        self._max_message_bytes: int = config["max.message.bytes"]
        self._after_max_ms: int = config["message.timestamp.after.max.ms"]
        self._before_max_ms: int = config["message.timestamp.before.max.ms"]
        codec_name: str = config["compression.type"]
        self._codec = "none" if codec_name == "uncompressed" else codec_name
        self._needs_keys = "compact" in config["cleanup.policy"]
        self.is_kept_for_ever = "delete" not in config["cleanup.policy"]
        self._create_time = config["message.timestamp.type"] == "CreateTime"

    @property
    def stores_zstd(self) -> bool:
        """Whether the topic compresses everything with zstd, which old consumers cannot read (KIP-110)."""
        return self._codec == "zstd"

    def check_epoch(self, current_leader_epoch: int) -> None:
        """Compare a client's idea of the leader epoch with ours (KIP-320); -1 means that it has none.

        Raises:
            BrokerError: FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH.
        """
        if current_leader_epoch < 0 or current_leader_epoch == self.leader_epoch:
            return
        older = current_leader_epoch < self.leader_epoch
        raise BrokerError(ErrorCode.FENCED_LEADER_EPOCH if older else ErrorCode.UNKNOWN_LEADER_EPOCH)

    # -- appending -----------------------------------------------------------------------------------------------

    def append(self, data: memoryview, *, acks: int) -> Appended:
        """Append one producer's batch as the leader.

        Args:
            data: exactly one record batch; its base offset and leader epoch are patched in place.
            acks: 0, 1 or -1 (all in-sync replicas).

        Raises:
            BrokerError: with Kafka's error code; nothing was appended then.
        """
        if acks == -1:
            self._check_in_sync_replicas()
        header, data = self._validate(data)
        if header.producer_id >= 0:
            before = self.log.producers.check(header)
            if before is not None:
                time_ms = NO_TIMESTAMP if self._create_time else before.timestamp_ms
                return Appended(before.base_offset, time_ms, self.log.log_start_offset)
        return self._write(data, header)

    def append_internal(self, batch: bytearray) -> Appended:
        """Append a batch that this broker itself built (group state, offsets)."""
        return self._write(memoryview(batch), batches.read_header(batch))

    def _write(self, data: memoryview, header: batches.BatchHeader) -> Appended:
        info = self.log.append(data, [header], leader_epoch=self.leader_epoch)
        self._advance_high_watermark()
        self.wake()
        return Appended(info.first_offset, info.log_append_time_ms, self.log.log_start_offset, info.rolled)

    def _check_in_sync_replicas(self) -> None:
        """Kafka asks for min(min.insync.replicas, replication factor) (Partition.effectiveMinIsr)."""
        assert self.state is not None
        assert self._config is not None
        wanted = min(self._config["min.insync.replicas"], len(self.state.replicas))
        if len(self.state.isr) < wanted:
            raise BrokerError(
                ErrorCode.NOT_ENOUGH_REPLICAS,
                f"{self.topic_partition} has {len(self.state.isr)} in-sync replicas, min.insync.replicas asks {wanted}",
            )

    def _validate(self, data: memoryview) -> tuple[batches.BatchHeader, memoryview]:
        try:
            header = batches.check_batch(data)
        except batches.CorruptBatch as error:
            raise BrokerError(error.code, f"{self.topic_partition}: {error}") from error
        if header.size_bytes != len(data):
            raise BrokerError(
                ErrorCode.INVALID_RECORD, f"a produce request carries one batch for {self.topic_partition}, not several"
            )
        _check_claims(header)
        self._check_size(header)
        if self._create_time:
            self._check_timestamps(header)
        if self._needs_keys or self._codec not in ("producer", header.compression):
            return self._rewrite(header, data)
        return header, data

    def _check_size(self, header: batches.BatchHeader) -> None:
        if header.size_bytes > self._max_message_bytes:
            raise BrokerError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"a batch of {header.size_bytes} bytes for {self.topic_partition}; "
                f"max.message.bytes is {self._max_message_bytes}",
            )

    def _check_timestamps(self, header: batches.BatchHeader) -> None:
        """Refuse clocks that are far off (KIP-937); the batch header's bounds stand for its records."""
        now_ms = self.clock.time_ms()
        ahead_ms = header.max_timestamp - now_ms
        behind_ms = 0 if header.base_timestamp == NO_TIMESTAMP else now_ms - header.base_timestamp
        if ahead_ms > self._after_max_ms or behind_ms > self._before_max_ms:
            raise BrokerError(
                ErrorCode.INVALID_TIMESTAMP,
                f"{self.topic_partition}: timestamps {header.base_timestamp} to {header.max_timestamp} ms are further "
                f"from the broker's clock than message.timestamp.before/after.max.ms allow",
            )

    def _rewrite(self, header: batches.BatchHeader, data: memoryview) -> tuple[batches.BatchHeader, memoryview]:
        """The path that opens a batch: a compacted topic demands keys, a topic's own compression.type wins."""
        try:
            opened = list(batches.read_records(data))
        except batches.CorruptBatch as error:
            raise BrokerError(ErrorCode.CORRUPT_MESSAGE, f"{self.topic_partition}: {error}") from error
        if self._needs_keys and any(record.key is None for record in opened):
            raise BrokerError(
                ErrorCode.INVALID_RECORD, f"{self.topic_partition} is compacted: every record needs a key"
            )
        if self._codec in ("producer", header.compression):
            return header, data
        rebuilt = batches.build_batch(
            opened,
            compression=self._codec,
            producer_id=header.producer_id,
            producer_epoch=header.producer_epoch,
            base_sequence=header.base_sequence,
        )
        header = batches.read_header(rebuilt)
        self._check_size(header)
        return header, memoryview(rebuilt)

    # -- reading -------------------------------------------------------------------------------------------------

    def read(self, offset: int, max_bytes: int, *, min_one_batch: bool) -> FileRange | None:
        """Committed batches from ``offset`` on; None when there are none yet.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE below the log start or above the high watermark.
        """
        if offset == self.high_watermark:
            return None
        if offset > self.high_watermark or offset < self.log.log_start_offset:
            raise BrokerError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"offset {offset} of {self.topic_partition} is outside "
                f"{self.log.log_start_offset} to {self.high_watermark}",
            )
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

    def delete_records(self, before_offset: int) -> int:
        """Move the log start offset (KIP-107); -1 means the high watermark. Returns the new log start offset.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE, POLICY_VIOLATION on a topic that is only compacted.
        """
        assert self._config is not None
        if "delete" not in self._config["cleanup.policy"]:
            raise BrokerError(ErrorCode.POLICY_VIOLATION, f"{self.topic_partition} is compacted, not deleted from")
        target = self.high_watermark if before_offset == -1 else before_offset
        if target < 0 or target > self.high_watermark:
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if target > self.log.log_start_offset:
            self.log.delete_records_before(target)
        return self.log.log_start_offset

    # -- waiting -------------------------------------------------------------------------------------------------

    def add_waiter(self, waiter: Callable[[], None]) -> None:
        """Call ``waiter()`` whenever there may be more to read, until it is removed."""
        self._waiters[waiter] = None

    def remove_waiter(self, waiter: Callable[[], None]) -> None:
        """Stop calling ``waiter``; harmless when it is not there."""
        self._waiters.pop(waiter, None)

    def wake(self) -> None:
        """Let everybody who waits look again."""
        if self._waiters:
            for waiter in list(self._waiters):
                waiter()

    def _advance_high_watermark(self) -> None:
        """With one replica, what the leader wrote is what all in-sync replicas have."""
        self.high_watermark = self.log.log_end_offset


def _check_claims(header: batches.BatchHeader) -> None:
    """Refuse what only a broker may write, and what contradicts itself. Source: Kafka's ``LogValidator``."""
    if header.is_control or header.is_transactional:
        raise BrokerError(ErrorCode.INVALID_RECORD, "control and transactional batches are not accepted here")
    if header.base_offset != 0:
        raise BrokerError(ErrorCode.INVALID_RECORD, f"the batch has the base offset {header.base_offset} instead of 0")
    if header.producer_id >= 0 > header.base_sequence:
        raise BrokerError(
            ErrorCode.INVALID_RECORD,
            f"producer {header.producer_id} sent the sequence number {header.base_sequence}",
        )
    if header.timestamp_type != "CreateTime":
        raise BrokerError(ErrorCode.INVALID_TIMESTAMP, "a producer must not set the timestamp type LogAppendTime")
