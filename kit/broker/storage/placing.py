"""What happens to batches before they are written: a leader gives them their place, a follower checks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kit.broker.storage.segment import PlacedBatch
from kit.wire.records import BatchHeader, assign, check_batch, iter_headers, set_log_append_time


class AppendInfo(NamedTuple):
    """What an append did.

    ``log_append_time_ms`` is -1 when the producer's own timestamps stay (CreateTime); ``rolled`` says whether a new
    segment was begun.
    """

    first_offset: int
    last_offset: int
    log_append_time_ms: int
    rolled: bool


def place(
    batches: memoryview | bytearray,
    headers: Sequence[BatchHeader],
    first_offset: int,
    leader_epoch: int,
    log_append_time_ms: int,
) -> list[PlacedBatch]:
    """Put offsets and leader epoch into batches, in place, and the timestamp unless it is -1 (CreateTime).

    Raises:
        ValueError: ``headers`` are not those of ``batches``.
    """
    offset = first_offset
    position = 0
    placed = []
    for header in headers:
        assign(batches, position, base_offset=offset, leader_epoch=leader_epoch)
        timestamp_ms = header.max_timestamp
        if log_append_time_ms >= 0:
            timestamp_ms = log_append_time_ms
            set_log_append_time(batches, position, timestamp_ms)
        size_bytes = header.batch_length + 12
        position += size_bytes
        placed.append(PlacedBatch(offset + header.last_offset_delta, size_bytes, timestamp_ms))
        offset += header.last_offset_delta + 1
    if position != len(batches) or not placed:
        raise ValueError(f"{len(headers)} headers cover {position} of {len(batches)} bytes of batches")
    return placed


def check_replicated(
    batches: memoryview | bytearray, next_offset: int, leader_epoch: int | None = None
) -> list[BatchHeader]:
    """The headers of the whole batches that a leader sent; a torn one at the end is left out.

    Args:
        leader_epoch: batches of later epochs are left out too; None: none are.

    Raises:
        CorruptBatch: a batch does not match its CRC.
        ValueError: an offset below ``next_offset``, or below that of the batch before it.
    """
    headers = []
    for position, header in iter_headers(batches):
        if leader_epoch is not None and header.partition_leader_epoch > leader_epoch:
            break
        check_batch(batches, position, compacted=True)
        if header.base_offset < next_offset:
            raise ValueError(f"a leader sent offset {header.base_offset}, expected {next_offset} or above")
        headers.append(header)
        next_offset = header.next_offset
    return headers
