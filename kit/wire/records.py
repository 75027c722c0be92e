"""Record batches, format v2: the header at a glance, and a reader (the builder is `kit.wire.batch_builder`).

Rules for the file: the broker moves batches as opaque bytes. `check_batch` and `assign` look at the 61 bytes of the
header and at the checksum, never at a record, so their cost does not grow with the number of records; only
`read_records` opens a batch, for those who search, compact or teach.
Source: Kafka protocol guide, "Record Batch"; Kafka classes ``DefaultRecordBatch`` and ``DefaultRecord``; KIP-98.

::

    base_offset int64 | batch_length int32 | partition_leader_epoch int32 | magic int8 | crc uint32   21 bytes
    attributes int16 | last_offset_delta int32 | base_timestamp int64 | max_timestamp int64 |         from here on
    producer_id int64 | producer_epoch int16 | base_sequence int32 | records_count int32 | records    under the crc
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from crc32c import crc32c

from kit.wire.compression import MAX_DECOMPRESSED_BYTES, Buffer, DecompressionError, decompress
from kit.wire.errors import ErrorCode

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size  # 61
MAGIC = 2
NO_TIMESTAMP = -1

_LENGTH_END = 12  # batch_length counts the bytes after itself
_EPOCH_POSITION = 12
_MAGIC_POSITION = 16
CRC_POSITION = 17
CRC_START = 21
_MAX_TIMESTAMP_POSITION = 35
MIN_BATCH_LENGTH = HEADER_BYTES - _LENGTH_END

CODEC_NAMES = ("none", "gzip", "snappy", "lz4", "zstd")  # by the number in the attributes
_CODEC_MASK = 0x07
_LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20
_DELETE_HORIZON = 0x40

_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_UINT32 = struct.Struct(">I")
_INT64 = struct.Struct(">q")
_MAX_INT32 = 2**31 - 1
_VARINT_BYTES = 5
_VARLONG_BYTES = 10


class CorruptBatch(ValueError):
    """Bytes that are no sound record batch; ``code`` is Kafka's answer to a producer that sends them."""

    code = ErrorCode.CORRUPT_MESSAGE


class InvalidBatch(CorruptBatch):
    """A batch that arrived undamaged but contradicts itself."""

    code = ErrorCode.INVALID_RECORD


class UnsupportedMagic(CorruptBatch):
    """A message of the formats before v2, which Kafka 4 does not accept any more (KIP-724)."""

    code = ErrorCode.INVALID_RECORD


class BatchHeader(NamedTuple):
    """The fixed part of a batch, field by field as on the wire; timestamps in milliseconds."""

    base_offset: int
    batch_length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records_count: int

    @property
    def size_bytes(self) -> int:
        """The whole batch, header included."""
        return self.batch_length + _LENGTH_END

    @property
    def last_offset(self) -> int:
        """Offset of the last record; kept when compaction takes that record away."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        """Offset after the last record."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequence number of the last record, wrapping after 2^31 - 1; -1 when the batch is not idempotent."""
        if self.base_sequence < 0:
            return self.base_sequence
        return (self.base_sequence + self.last_offset_delta) & _MAX_INT32

    @property
    def compression(self) -> str:
        """One of "none", "gzip", "snappy", "lz4" and "zstd".

        Raises:
            InvalidBatch: the attributes name none of them.
        """
        codec = self.attributes & _CODEC_MASK
        if codec >= len(CODEC_NAMES):
            raise InvalidBatch(f"compression {codec} does not exist")
        return CODEC_NAMES[codec]

    @property
    def timestamp_type(self) -> str:
        """What timestamps mean: "CreateTime" (producer's clock) or "LogAppendTime" (broker's clock)."""
        return "LogAppendTime" if self.attributes & _LOG_APPEND_TIME else "CreateTime"

    @property
    def is_transactional(self) -> bool:
        """Whether the batch is part of a transaction."""
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether the records are markers by Kafka for Kafka, which no application sees."""
        return bool(self.attributes & CONTROL)

    @property
    def has_delete_horizon(self) -> bool:
        """Whether ``base_timestamp`` says when tombstones in here may go (KIP-534)."""
        return bool(self.attributes & _DELETE_HORIZON)


@dataclass(frozen=True, slots=True)
class Header:
    """One header of a record."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Record:
    """One record: what applications write and read.

    ``timestamp_ms`` is in milliseconds since 1970-01-01 UTC, -1 for none; ``key`` and ``value`` may be None.
    """

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


def read_header(buf: Buffer, pos: int = 0) -> BatchHeader:
    """The header of the batch at ``pos``, with no check of what it says.

    Raises:
        CorruptBatch: fewer than 61 bytes are left.
    """
    if len(buf) - pos < HEADER_BYTES:
        raise CorruptBatch(f"{len(buf) - pos} bytes are left, a batch header has {HEADER_BYTES}")
    return tuple.__new__(BatchHeader, HEADER.unpack_from(buf, pos))  # skips a Python-level call, as _make would not


def iter_headers(buf: Buffer, pos: int = 0) -> Iterator[tuple[int, BatchHeader]]:
    """Each whole batch from ``pos`` on, as (position, header); stops at a torn tail or an impossible length."""
    end = len(buf)
    while end - pos >= HEADER_BYTES:
        header = read_header(buf, pos)
        if header.batch_length < MIN_BATCH_LENGTH or header.batch_length > end - pos - _LENGTH_END:
            return
        yield pos, header
        pos += header.batch_length + _LENGTH_END


def check_batch(buf: Buffer, pos: int = 0, *, compacted: bool = False) -> BatchHeader:
    """The header of the batch at ``pos``, after making sure of all that can be known without opening it.

    That is: the magic number, a length that fits ``buf``, the CRC-32C, a known compression, and as many records as
    offsets.

    Args:
        compacted: the batch is from a log, where compaction may have taken records away and left their offsets.

    Raises:
        CorruptBatch: and its subclasses `UnsupportedMagic` and `InvalidBatch`; ``code`` is what a producer is told. A
            batch that is cut off is an `InvalidBatch`: Kafka finds no whole batch there, and misses it.

    Source: Kafka classes ``LogValidator`` and ``DefaultRecordBatch.ensureValid``.
    """
    left_bytes = len(buf) - pos
    if left_bytes > _MAGIC_POSITION and (magic := buf[pos + _MAGIC_POSITION]) != MAGIC:
        refusal = UnsupportedMagic if magic < MAGIC else CorruptBatch  # there never was a later one
        raise refusal(f"message format {magic} is not supported, only {MAGIC}")
    if left_bytes < HEADER_BYTES:
        raise InvalidBatch(f"{left_bytes} bytes are left, a batch header has {HEADER_BYTES}")
    header = read_header(buf, pos)
    end = pos + header.batch_length + _LENGTH_END
    if header.batch_length < MIN_BATCH_LENGTH or end > len(buf):
        refusal = CorruptBatch if header.batch_length < MIN_BATCH_LENGTH else InvalidBatch
        raise refusal(f"batch_length is {header.batch_length}, {left_bytes - _LENGTH_END} bytes are left")
    crc = crc32c(memoryview(buf)[pos + CRC_START : end])
    if crc != header.crc:
        raise CorruptBatch(f"the CRC-32C is {crc:#010x}, the header says {header.crc:#010x}")
    count, offsets = header.records_count, header.last_offset_delta + 1
    if not (0 <= count <= offsets if compacted else 0 < count == offsets):
        raise InvalidBatch(f"{count} records for {offsets} offsets")
    if header.attributes & _CODEC_MASK >= len(CODEC_NAMES):
        raise InvalidBatch(f"compression {header.attributes & _CODEC_MASK} does not exist")
    return header


def assign(buf: bytearray | memoryview, pos: int, *, base_offset: int, leader_epoch: int) -> None:
    """Give the batch at ``pos`` its place in the log, in place; the CRC does not cover these fields."""
    _INT64.pack_into(buf, pos, base_offset)
    _INT32.pack_into(buf, pos + _EPOCH_POSITION, leader_epoch)


def set_log_append_time(buf: bytearray | memoryview, pos: int, timestamp_ms: int) -> None:
    """Let all records of the batch at ``pos`` have been appended at ``timestamp_ms``; recomputes the CRC."""
    header = read_header(buf, pos)
    _INT16.pack_into(buf, pos + CRC_START, header.attributes | _LOG_APPEND_TIME)
    _INT64.pack_into(buf, pos + _MAX_TIMESTAMP_POSITION, timestamp_ms)
    crc = crc32c(memoryview(buf)[pos + CRC_START : pos + header.size_bytes])
    _UINT32.pack_into(buf, pos + CRC_POSITION, crc)


def read_records(
    buf: Buffer, pos: int = 0, *, max_decompressed_bytes: int = MAX_DECOMPRESSED_BYTES
) -> Iterator[Record]:
    """The records of the batch at ``pos``, in order. The checksum is `check_batch`'s matter.

    Args:
        max_decompressed_bytes: refuse a batch whose records are larger than this without compression.

    Raises:
        CorruptBatch: while iterating, at the first thing that is not as it should be.
    """
    header = read_header(buf, pos)
    if header.batch_length < MIN_BATCH_LENGTH or header.size_bytes > len(buf) - pos:
        raise CorruptBatch(f"batch_length is {header.batch_length}, {len(buf) - pos - _LENGTH_END} bytes are left")
    area = memoryview(buf)[pos + HEADER_BYTES : pos + header.size_bytes]
    try:
        body = decompress(header.compression, area, max_bytes=max_decompressed_bytes)
    except DecompressionError as error:
        raise CorruptBatch(f"the batch at offset {header.base_offset} {error}") from error
    try:
        yield from _records(header, body)
    except IndexError as error:
        raise CorruptBatch(f"the records of the batch at offset {header.base_offset} end too early") from error


def _records(header: BatchHeader, body: bytes) -> Iterator[Record]:
    pos = 0
    last_delta = -1
    for _ in range(header.records_count):
        size_bytes, start = _read_varint(body, pos)
        record, pos = _read_record(header, body, start)
        if pos != start + size_bytes:
            raise CorruptBatch(f"the record at offset {record.offset} is {pos - start} bytes, not {size_bytes}")
        if not last_delta < record.offset - header.base_offset <= header.last_offset_delta:
            raise CorruptBatch(f"offset {record.offset} is out of order or beyond {header.last_offset}")
        last_delta = record.offset - header.base_offset
        yield record
    if pos != len(body):
        raise CorruptBatch(f"{len(body) - pos} bytes follow the last record of the batch at {header.base_offset}")


def _read_record(header: BatchHeader, body: bytes, pos: int) -> tuple[Record, int]:
    """The record whose attributes byte is at ``pos``, and the position after it, not yet held against its size."""
    timestamp_delta, pos = _read_varint(body, pos + 1, _VARLONG_BYTES)
    offset_delta, pos = _read_varint(body, pos)
    key, pos = _read_bytes(body, pos)
    value, pos = _read_bytes(body, pos)
    num_headers, pos = _read_varint(body, pos)
    if num_headers < 0:
        raise CorruptBatch(f"a record has {num_headers} headers")
    headers = []
    for _ in range(num_headers):
        name, pos = _read_bytes(body, pos)
        if name is None:
            raise CorruptBatch("a record header has no key")
        header_value, pos = _read_bytes(body, pos)
        headers.append(Header(name.decode(errors="replace"), header_value))  # Java's clients replace as well
    append_time = header.attributes & _LOG_APPEND_TIME
    timestamp_ms = header.max_timestamp if append_time else header.base_timestamp + timestamp_delta
    return Record(header.base_offset + offset_delta, timestamp_ms, key, value, tuple(headers)), pos


def _read_bytes(body: bytes, pos: int) -> tuple[bytes | None, int]:
    size_bytes, pos = _read_varint(body, pos)
    if size_bytes == -1:
        return None, pos
    end = pos + size_bytes
    if size_bytes < 0 or end > len(body):
        raise CorruptBatch(f"a field of {size_bytes} bytes, {len(body) - pos} are left")
    return body[pos:end], end


def _read_varint(body: bytes, pos: int, max_bytes: int = _VARINT_BYTES) -> tuple[int, int]:
    """A zigzag varint and the position after it; ``IndexError`` when the bytes end first."""
    byte = body[pos]
    value = byte & 0x7F
    shift = 7
    while byte > 0x7F:
        if shift == 7 * max_bytes:
            raise CorruptBatch(f"a varint of more than {max_bytes} bytes")
        pos += 1
        byte = body[pos]
        value |= (byte & 0x7F) << shift
        shift += 7
    return (value >> 1) ^ -(value & 1), pos + 1
