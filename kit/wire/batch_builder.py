"""Builds record batches, format v2 (`kit.wire.records` has the layout)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from crc32c import crc32c

from kit.wire.compression import compress
from kit.wire.records import (
    CODEC_NAMES,
    CONTROL,
    CRC_POSITION,
    CRC_START,
    HEADER,
    HEADER_BYTES,
    MAGIC,
    MIN_BATCH_LENGTH,
    TRANSACTIONAL,
    Record,
    set_log_append_time,
)

_UINT32 = struct.Struct(">I")


def build_batch(
    records: Iterable[Record],
    *,
    base_offset: int = 0,
    leader_epoch: int = -1,
    compression: str = "none",
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    is_transactional: bool = False,
    is_control: bool = False,
    log_append_time_ms: int | None = None,
) -> bytearray:
    """One batch of ``records``, which get the offsets from ``base_offset`` on, whatever theirs were.

    Args:
        compression: "none", "gzip", "snappy", "lz4" or "zstd".
        producer_id: -1, with the epoch and the sequence, for a producer that is not idempotent.
        log_append_time_ms: the timestamp of every record, by the broker's clock; None keeps their own.

    Raises:
        ValueError: there are no records.
        MissingCodecError: the library of the compression is not installed.
    """
    body = bytearray()
    timestamps_ms: list[int] = []
    for offset_delta, record in enumerate(records):
        timestamps_ms.append(record.timestamp_ms)
        _append_record(body, record, offset_delta, record.timestamp_ms - timestamps_ms[0])
    if not timestamps_ms:
        raise ValueError("a batch has at least one record")
    attributes = CODEC_NAMES.index(compression) | is_transactional * TRANSACTIONAL | is_control * CONTROL
    area = body if compression == "none" else compress(compression, body)
    last_offset_delta = len(timestamps_ms) - 1
    batch = bytearray(HEADER_BYTES)
    HEADER.pack_into(
        batch, 0, base_offset, MIN_BATCH_LENGTH + len(area), leader_epoch, MAGIC, 0, attributes, last_offset_delta,
        timestamps_ms[0], max(timestamps_ms), producer_id, producer_epoch, base_sequence, len(timestamps_ms),
    )  # fmt: skip
    batch += area
    if log_append_time_ms is not None:
        set_log_append_time(batch, 0, log_append_time_ms)
    else:
        _UINT32.pack_into(batch, CRC_POSITION, crc32c(memoryview(batch)[CRC_START:]))
    return batch


def _append_record(out: bytearray, record: Record, offset_delta: int, timestamp_delta: int) -> None:
    body = bytearray(1)  # attributes: no bit is used
    _append_varint(body, timestamp_delta)
    _append_varint(body, offset_delta)
    _append_bytes(body, record.key)
    _append_bytes(body, record.value)
    _append_varint(body, len(record.headers))
    for header in record.headers:
        _append_bytes(body, header.key.encode())
        _append_bytes(body, header.value)
    _append_varint(out, len(body))
    out += body


def _append_bytes(out: bytearray, data: bytes | None) -> None:
    if data is None:
        out.append(1)  # zigzag of -1
    else:
        _append_varint(out, len(data))
        out += data


def _append_varint(out: bytearray, value: int) -> None:
    value = (value << 1) ^ (value >> 63)
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
