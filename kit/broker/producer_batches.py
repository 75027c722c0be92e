"""What a producer's batch has to be like before a leader takes it.

Nothing here is done per record: a batch is validated by its header and CRC. The exceptions need the records themselves
and are rare: a topic that recompresses, and one that is compacted and so demands keys.
Source: Kafka's ``LogValidator``.
"""

from __future__ import annotations

from kit.broker.clock import Clock
from kit.broker.config.configs import TopicConfig
from kit.broker.metadata import TopicPartition
from kit.wire import records as batches
from kit.wire.batch_builder import build_batch
from kit.wire.errors import BrokerError, ErrorCode, InvalidRecordsError

NO_TIMESTAMP = -1


class BatchChecks:
    """The rules of one topic.

    Attributes:
        codec: how batches are stored; "producer" keeps the producer's choice.
        create_time: whether the producer's timestamps stay.
    """

    def __init__(self, topic_partition: TopicPartition, clock: Clock, config: TopicConfig) -> None:
        self._topic_partition = topic_partition
        self._clock = clock
        self._max_message_bytes: int = config["max.message.bytes"]
        self._after_max_ms: int = config["message.timestamp.after.max.ms"]
        self._before_max_ms: int = config["message.timestamp.before.max.ms"]
        codec_name: str = config["compression.type"]
        self.codec = "none" if codec_name == "uncompressed" else codec_name
        self._needs_keys = "compact" in config["cleanup.policy"]
        self.create_time = config["message.timestamp.type"] == "CreateTime"

    def validate(self, data: memoryview) -> tuple[batches.BatchHeader, memoryview]:
        """The header of the batch and its bytes, which are other ones when the topic compresses differently.

        Raises:
            BrokerError: with Kafka's error code.
        """
        try:
            header = batches.check_batch(data)
        except batches.CorruptBatch as error:
            raise BrokerError(error.code, f"{self._topic_partition}: {error}") from error
        if header.size_bytes != len(data):
            raise BrokerError(
                ErrorCode.INVALID_RECORD,
                f"a produce request carries one batch for {self._topic_partition}, not several",
            )
        _check_claims(header)
        self._check_size(header)
        if self.create_time:
            self._check_timestamps(header)
        if self._needs_keys or self.codec not in ("producer", header.compression):
            return self._rewrite(header, data)
        return header, data

    def _check_size(self, header: batches.BatchHeader) -> None:
        if header.size_bytes > self._max_message_bytes:
            raise BrokerError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"a batch of {header.size_bytes} bytes for {self._topic_partition}; "
                f"max.message.bytes is {self._max_message_bytes}",
            )

    def _check_timestamps(self, header: batches.BatchHeader) -> None:
        """Refuse clocks that are far off (KIP-937); the batch header's bounds stand for its records."""
        now_ms = self._clock.time_ms()
        ahead_ms = header.max_timestamp - now_ms
        behind_ms = 0 if header.base_timestamp == NO_TIMESTAMP else now_ms - header.base_timestamp
        if ahead_ms > self._after_max_ms or behind_ms > self._before_max_ms:
            raise BrokerError(
                ErrorCode.INVALID_TIMESTAMP,
                f"{self._topic_partition}: timestamps {header.base_timestamp} to {header.max_timestamp} ms are further "
                f"from the broker's clock than message.timestamp.before/after.max.ms allow",
            )

    def _rewrite(self, header: batches.BatchHeader, data: memoryview) -> tuple[batches.BatchHeader, memoryview]:
        """The path that opens a batch: a compacted topic demands keys, a topic's own compression.type wins."""
        try:
            opened = list(batches.read_records(data))
        except batches.CorruptBatch as error:
            raise BrokerError(ErrorCode.CORRUPT_MESSAGE, f"{self._topic_partition}: {error}") from error
        keyless = [index for index, record in enumerate(opened) if record.key is None] if self._needs_keys else []
        if keyless:
            reason = f"{self._topic_partition} is compacted: every record needs a key"
            raise InvalidRecordsError(keyless, reason, "the record has no key")
        if self.codec in ("producer", header.compression):
            return header, data
        rebuilt = build_batch(
            opened,
            compression=self.codec,
            producer_id=header.producer_id,
            producer_epoch=header.producer_epoch,
            base_sequence=header.base_sequence,
        )
        header = batches.read_header(rebuilt)
        self._check_size(header)
        return header, memoryview(rebuilt)


def _check_claims(header: batches.BatchHeader) -> None:
    """Refuse what only a broker may write, and what contradicts itself."""
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
