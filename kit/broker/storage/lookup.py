"""Finding offsets by timestamp: the one read path that opens batches. Source: Kafka's ``UnifiedLog`` and KIP-734."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kit.broker.storage.segment import NO_TIMESTAMP, Segment
from kit.wire.records import BatchHeader, Record, read_records


class TimestampOffset(NamedTuple):
    """A record found by its timestamp (ms since 1970), and the leader epoch of its batch."""

    timestamp_ms: int
    offset: int
    leader_epoch: int


def first_since(segments: Iterable[Segment], timestamp_ms: int, log_start_offset: int) -> TimestampOffset | None:
    """The first record, by offset, whose timestamp is ``timestamp_ms`` or later; None when there is none.

    Raises:
        CorruptBatch: a batch cannot be opened.
    """
    for segment in segments:
        if segment.largest_timestamp_ms < timestamp_ms:
            continue
        for position, header in segment.batches_since(timestamp_ms):
            if header.max_timestamp < timestamp_ms or header.last_offset < log_start_offset:
                continue
            for record in _records(segment, position, header):
                if record.timestamp_ms >= timestamp_ms and record.offset >= log_start_offset:
                    return _found(record, header)
    return None


def of_largest(segments: Iterable[Segment]) -> TimestampOffset | None:
    """The first record with the largest timestamp of all; None when no record has a timestamp.

    Raises:
        CorruptBatch: a batch cannot be opened.
    """
    segment = max(segments, key=lambda candidate: candidate.largest_timestamp_ms)
    largest_ms = segment.largest_timestamp_ms
    if largest_ms == NO_TIMESTAMP:
        return None
    for position, header in segment.batches_since(largest_ms):
        if header.max_timestamp == largest_ms:
            for record in _records(segment, position, header):
                if record.timestamp_ms == largest_ms:
                    return _found(record, header)
    return None


def _records(segment: Segment, position: int, header: BatchHeader) -> Iterable[Record]:
    return read_records(segment.file.read(position, header.size_bytes))


def _found(record: Record, header: BatchHeader) -> TimestampOffset:
    return TimestampOffset(record.timestamp_ms, record.offset, header.partition_leader_epoch)
