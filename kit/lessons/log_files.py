"""A partition's files on disk, read as Kafka wrote them: segments, batches, indexes, and how an offset is found.

Everything here only reads. A file may grow while it is read; a batch that is not whole yet is left out.
Source: Kafka's ``UnifiedLog``, ``LogSegment``, ``OffsetIndex`` and ``TimeIndex``; protocol guide, "Record Batch".
"""

from __future__ import annotations

import itertools
import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kit.wire.records import HEADER_BYTES, BatchHeader, CorruptBatch, Record, check_batch, read_header, read_records

_LENGTH_END = 12  # a batch's length counts the bytes after itself
_OFFSET_ENTRY = struct.Struct(">ii")
_TIME_ENTRY = struct.Struct(">qi")


@dataclass(frozen=True, slots=True)
class SegmentFiles:
    """One segment: a log file and its two indexes; sizes in bytes, an index that has no file yet has 0."""

    base_offset: int
    path: Path
    log_bytes: int
    index_bytes: int
    timeindex_bytes: int


class PlacedBatch(NamedTuple):
    """A batch and the position of its first byte in its segment's log file."""

    position: int
    header: BatchHeader


class OffsetEntry(NamedTuple):
    """One entry of an offset index: the batch that ends with ``offset`` begins at ``position`` in the log file."""

    offset: int
    position: int


class TimeEntry(NamedTuple):
    """One entry of a time index: up to ``offset``, no record is later than ``timestamp_ms`` (since 1970)."""

    timestamp_ms: int
    offset: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """How an offset was found.

    Attributes:
        segment: the one whose name says that it holds the offset.
        entry: the last index entry before the offset; None when the search begins at the file's first byte.
        hops: batches whose header was read, the one that was found included.
        found: the batch; None when the log ends before the offset.
    """

    segment: SegmentFiles
    entry: OffsetEntry | None
    hops: int
    found: PlacedBatch | None

    @property
    def headers_bytes(self) -> int:
        """How much of the log file had to be read before the batch was known."""
        return self.hops * HEADER_BYTES


class Part(NamedTuple):
    """A piece of a batch: what it is called, where it lies in the batch, and what it says."""

    name: str
    start: int
    size_bytes: int
    value: str
    meaning: str


def folder_of(data_dir: str | os.PathLike[str], topic: str, partition: int = 0, broker_id: int | None = None) -> Path:
    """The folder of one replica of a partition.

    Args:
        data_dir: of the cluster: ``cluster.data_dir``.
        broker_id: whose replica; None for the first broker that has one.

    Raises:
        FileNotFoundError: no broker, or not that one, has a replica here.
    """
    brokers = "broker-*" if broker_id is None else f"broker-{broker_id}"
    found = sorted(Path(data_dir).glob(f"{brokers}/{topic}-{partition}"))
    if not found:
        whose = "no broker has" if broker_id is None else f"broker {broker_id} does not have"
        raise FileNotFoundError(
            f"There is no {topic}-{partition} in {data_dir}: {whose} a replica of it. "
            "Does the topic exist, and is the data_dir that of this cluster?"
        )
    return found[0]


def segments(folder: Path) -> list[SegmentFiles]:
    """The segments of a partition, oldest first. One that retention removes meanwhile is left out."""
    found = []
    for path in sorted(folder.glob("*.log")):
        if path.stem.isdigit() and path.exists():
            sizes = (_size_bytes(path), _size_bytes(path.with_suffix(".index")))
            found.append(SegmentFiles(int(path.stem), path, *sizes, _size_bytes(path.with_suffix(".timeindex"))))
    return found


def batches(segment: SegmentFiles, position: int = 0) -> Iterator[PlacedBatch]:
    """The batches from a position on, by reading the headers only and hopping over the records."""
    with segment.path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        while position + HEADER_BYTES <= size_bytes:
            file.seek(position)
            header = read_header(file.read(HEADER_BYTES))
            if header.batch_length < HEADER_BYTES - _LENGTH_END or position + header.size_bytes > size_bytes:
                return
            yield PlacedBatch(position, header)
            position += header.size_bytes


def batch_bytes(segment: SegmentFiles, position: int) -> bytes:
    """The batch at a position, as it lies in the file.

    Raises:
        CorruptBatch: no whole batch begins there, or its checksum is wrong.
    """
    with segment.path.open("rb") as file:
        file.seek(position)
        head = file.read(HEADER_BYTES)
        left_bytes = os.fstat(file.fileno()).st_size - position
        header = read_header(head)
        if not HEADER_BYTES <= header.size_bytes <= left_bytes:
            raise CorruptBatch(f"no batch begins at byte {position} of {segment.path.name}")
        data = head + file.read(header.size_bytes - HEADER_BYTES)
    check_batch(data, compacted=True)
    return data


def records(segment: SegmentFiles, position: int) -> list[Record]:
    """The records of the batch at a position.

    Raises:
        CorruptBatch: see `batch_bytes`.
    """
    return list(read_records(batch_bytes(segment, position)))


def offset_index(segment: SegmentFiles) -> list[OffsetEntry]:
    """The entries of the segment's offset index; none while the broker still keeps it in memory."""
    return [
        OffsetEntry(segment.base_offset + relative, position)
        for relative, position in _entries(segment.path.with_suffix(".index"), _OFFSET_ENTRY)
        if relative or position
    ]


def time_index(segment: SegmentFiles) -> list[TimeEntry]:
    """The entries of the segment's time index; none while the broker still keeps it in memory."""
    return [
        TimeEntry(timestamp_ms, segment.base_offset + relative)
        for timestamp_ms, relative in _entries(segment.path.with_suffix(".timeindex"), _TIME_ENTRY)
        if timestamp_ms
    ]


def look_up(folder: Path, offset: int) -> Lookup:
    """Find an offset as a broker does: by the files' names, by the index, and by hopping from batch to batch.

    Raises:
        LookupError: the offset is below the first segment.
    """
    candidates = [segment for segment in segments(folder) if segment.base_offset <= offset]
    if not candidates:
        raise LookupError(f"No segment in {folder.name} begins at {offset} or before: retention has removed it.")
    segment = candidates[-1]
    entries = offset_index(segment)
    before = bisect_right(entries, offset, key=lambda entry: entry.offset) - 1
    entry = entries[before] if before >= 0 else None
    hops = 0
    for placed in batches(segment, entry.position if entry else 0):
        hops += 1
        if placed.header.last_offset >= offset:
            return Lookup(segment, entry, hops, placed)
    return Lookup(segment, entry, hops, None)


def anatomy(batch: bytes) -> list[Part]:
    """The 13 fields of a batch's header and the area of its records, in the order of the bytes.

    Raises:
        CorruptBatch: these are fewer bytes than a header has.
    """
    header = read_header(batch)
    starts = itertools.accumulate((size_bytes for _, size_bytes, _ in _FIELDS), initial=0)
    parts = [
        Part(
            name,
            start,
            size_bytes,
            f"{getattr(header, name):#010x}" if name == "crc" else _value(header, name),
            meaning,
        )
        for (name, size_bytes, meaning), start in zip(_FIELDS, starts, strict=False)
    ]
    left_bytes = header.size_bytes - HEADER_BYTES
    how = "as they are" if header.compression == "none" else f"compressed with {header.compression}, all of them in one"
    return [*parts, Part("records", HEADER_BYTES, left_bytes, f"{header.records_count} records", how)]


def _value(header: BatchHeader, name: str) -> str:
    if name != "attributes":
        return str(getattr(header, name))
    return f"{header.attributes} ({header.compression}, {header.timestamp_type})"


_FIELDS = (
    ("base_offset", 8, "offset of the first record; the leader writes it, the producer left it open"),
    ("batch_length", 4, "how many bytes follow this field"),
    ("partition_leader_epoch", 4, "which leader appended it; followers find by it where logs part"),
    ("magic", 1, "version of the format; 2 since Kafka 0.11"),
    ("crc", 4, "checksum of everything that follows; what stands before may be changed by the broker"),
    ("attributes", 2, "bits: compression, whose clock, transaction, control"),
    ("last_offset_delta", 4, "offset of the last record, less the base offset"),
    ("base_timestamp", 8, "time of the first record, milliseconds since 1970; records say only how much later"),
    ("max_timestamp", 8, "largest time in here; the time index points at it"),
    ("producer_id", 8, "who sent it, given by a broker; -1 if the producer is not idempotent"),
    ("producer_epoch", 2, "fences an older producer of the same id"),
    ("base_sequence", 4, "the producer's own count; a repeated one is not appended again"),
    ("records_count", 4, "how many records are in here"),
)


def _entries(path: Path, entry: struct.Struct) -> list[tuple[int, ...]]:
    data = path.read_bytes() if path.exists() else b""
    return list(entry.iter_unpack(data[: len(data) - len(data) % entry.size]))


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
