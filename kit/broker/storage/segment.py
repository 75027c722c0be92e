"""A segment: one ``.log`` file and its two sparse indexes.

Where a batch lies is asked at each fetch, so the newest batches are remembered one by one; for older ones the offset
index gives a position nearby and a hop over a few headers does the rest.
Source: Kafka's ``LogSegment``; when an index gets an entry is copied from its ``append``.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kit.broker.storage.files import Buffer, FilePool, FileRange, LogFile, log_file_name
from kit.broker.storage.index import OFFSET_ENTRY, TIME_ENTRY, SparseIndex
from kit.broker.storage.scan import batch_headers, valid_batches
from kit.wire.records import BatchHeader

log = logging.getLogger(__name__)

NO_TIMESTAMP = -1
MAX_RELATIVE_OFFSET = 2**31 - 1
_MAX_RECENT = 1024


class PlacedBatch(NamedTuple):
    """What a segment keeps of a batch that is appended."""

    last_offset: int
    size_bytes: int
    max_timestamp_ms: int


class SegmentInfo(NamedTuple):
    """A segment as a lab shows it; the timestamp is -1 when no record has one."""

    base_offset: int
    size_bytes: int
    largest_timestamp_ms: int
    path: Path


class Segment:
    """The batches from ``base_offset`` on, up to the next segment.

    Attributes:
        base_offset: no offset here is below it; the files are named after it.
        first_timestamp_ms: the largest timestamp of the first batch, from which the segment's age counts; -1 when
            there is none. Known once the indexes are loaded.
        next_offset: one above the last offset here; known once the indexes are loaded.
        created_ms: when this object was made, for rolling segments whose batches carry no timestamp.
    """

    def __init__(
        self, directory: Path, base_offset: int, *, pool: FilePool, index_interval_bytes: int, created_ms: int
    ) -> None:
        self.base_offset = base_offset
        self.next_offset = base_offset
        self.created_ms = created_ms
        self.index_interval_bytes = index_interval_bytes
        self.file = LogFile(directory / log_file_name(base_offset, ".log"), pool)
        self._offset_index = SparseIndex(directory / log_file_name(base_offset, ".index"), OFFSET_ENTRY)
        self._time_index = SparseIndex(directory / log_file_name(base_offset, ".timeindex"), TIME_ENTRY)
        self._is_loaded = self.file.size_bytes == 0
        self._forget_batches()

    def _forget_batches(self) -> None:
        self.first_timestamp_ms = NO_TIMESTAMP
        self._largest_timestamp_ms = NO_TIMESTAMP
        self._offset_of_largest = self.base_offset
        self._unindexed_bytes = 0
        self._recent_last_offsets: list[int] = []
        self._recent_positions: list[int] = []
        self.next_offset = self.base_offset

    @property
    def size_bytes(self) -> int:
        """How many bytes of batches there are."""
        return self.file.size_bytes

    def info(self) -> SegmentInfo:
        """Its facts as they are now."""
        return SegmentInfo(self.base_offset, self.size_bytes, self.largest_timestamp_ms, self.file.path)

    @property
    def paths(self) -> list[Path]:
        """The files of this segment, whether they exist or not; its producer snapshot is one of them."""
        return [self.file.path.with_suffix(suffix) for suffix in (".log", ".index", ".timeindex", ".snapshot")]

    def create(self) -> None:
        """Make an empty log file, so that a restart knows the base offset; ``BrokerError`` when that fails."""
        self.file.truncate(0)  # on Windows a deleted segment that is still read may have kept this name

    @property
    def largest_timestamp_ms(self) -> int:
        """The largest record timestamp here, ms since 1970; -1 when there is none."""
        self.load()
        return self._largest_timestamp_ms

    @property
    def index_size_bytes(self) -> int:
        """The size of the larger index; Kafka rolls a segment whose index is full."""
        return max(self._offset_index.size_bytes, self._time_index.size_bytes)

    # -- writing -------------------------------------------------------------------------------------------------

    def append(self, data: Buffer, batches: Sequence[PlacedBatch]) -> None:
        """Write batches at the end; ``BrokerError`` (KAFKA_STORAGE_ERROR) leaves the segment as it was."""
        position = self.file.size_bytes
        self.file.append(data)
        for last_offset, size_bytes, max_timestamp_ms in batches:
            self._note(position, last_offset, size_bytes, max_timestamp_ms)
            position += size_bytes

    def _note(self, position: int, last_offset: int, size_bytes: int, max_timestamp_ms: int) -> None:
        """Remember one more batch at the end."""
        if position == 0:
            self.first_timestamp_ms = max_timestamp_ms
        if max_timestamp_ms > self._largest_timestamp_ms:
            self._largest_timestamp_ms = max_timestamp_ms
            self._offset_of_largest = last_offset
        if self._unindexed_bytes > self.index_interval_bytes:
            self._offset_index.append(last_offset - self.base_offset, position)
            self._index_time()
            self._unindexed_bytes = 0
        self._unindexed_bytes += size_bytes
        self.next_offset = last_offset + 1
        self._recent_last_offsets.append(last_offset)
        self._recent_positions.append(position)
        if len(self._recent_positions) > _MAX_RECENT:
            del self._recent_last_offsets[: _MAX_RECENT // 2]
            del self._recent_positions[: _MAX_RECENT // 2]

    def _index_time(self) -> None:
        index = self._time_index
        if self._largest_timestamp_ms > (index.keys[-1] if index else NO_TIMESTAMP):
            index.append(self._largest_timestamp_ms, self._offset_of_largest - self.base_offset)

    def truncate_to(self, offset: int) -> None:
        """Remove the batch that contains ``offset`` and all later ones."""
        self.cut(self.position_of(offset))

    def cut(self, size_bytes: int) -> None:
        """Keep the first ``size_bytes`` bytes, which end with a batch."""
        self.file.truncate(size_bytes)
        self._rebuild()
        self.save_indexes()

    def save_indexes(self) -> None:
        """Write the indexes; the time index ends with the largest timestamp of the segment."""
        if self._is_loaded:
            self._index_time()
            self._offset_index.save()
            self._time_index.save()

    def close(self) -> None:
        """Write the indexes and let go of the descriptor; the segment can be used again."""
        if self.file.path.exists():  # a log that never got a record has no files
            self.save_indexes()
        self.file.close()

    # -- loading -------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Make the indexes ready: from their files, and from the headers of what the files do not cover."""
        if self._is_loaded:
            return
        self._is_loaded = True
        loaded = self._offset_index.load() and self._time_index.load()
        if not (loaded and self._continue_from_indexes()):
            self._rebuild()

    def _continue_from_indexes(self) -> bool:
        """Check the last entries against the log, then note the batches behind them; False if they do not fit."""
        if not self._time_index:
            return False
        self._largest_timestamp_ms = self._time_index.keys[-1]
        self._offset_of_largest = self.base_offset + self._time_index.values[-1]
        start = self._offset_index.values[-1] if self._offset_index else 0
        first = next(batch_headers(self.file, 0), None)
        indexed = next(batch_headers(self.file, start), None) if 0 <= start < self.size_bytes else None
        if first is None or indexed is None:
            return False
        if self._offset_index and indexed[1].last_offset != self.base_offset + self._offset_index.keys[-1]:
            return False
        self.first_timestamp_ms = first[1].max_timestamp
        for position, header in batch_headers(self.file, start):
            self._note(position, header.last_offset, header.size_bytes, header.max_timestamp)
        found = self._header_of(self._offset_of_largest)
        return found is not None and found.max_timestamp == self._time_index.keys[-1]

    def _header_of(self, offset: int) -> BatchHeader | None:
        for _, header in batch_headers(self.file, self._index_position(offset)):
            if header.last_offset >= offset:
                return header
        return None

    def _rebuild(self) -> None:
        """Build the indexes from all headers."""
        self._start_over()
        for position, header in batch_headers(self.file, 0):
            self._note(position, header.last_offset, header.size_bytes, header.max_timestamp)

    def _start_over(self) -> None:
        self._is_loaded = True
        self._offset_index.truncate(0)
        self._time_index.truncate(0)
        self._forget_batches()

    def recover(self, end_offset: int) -> int:
        """Check every batch with its CRC and build the indexes; returns where the valid batches end, in bytes.

        Args:
            end_offset: batches from this offset on belong to the next segment.
        """
        self._start_over()
        valid_bytes = 0
        for position, header in valid_batches(self.file, self.base_offset, end_offset):
            self._note(position, header.last_offset, header.size_bytes, header.max_timestamp)
            valid_bytes = position + header.size_bytes
        return valid_bytes

    def hop(self) -> int:
        """Load the indexes; returns where the batches end according to their headers, in bytes."""
        self.load()
        end = self._recent_positions[-1] if self._recent_positions else 0
        for position, header in batch_headers(self.file, end):
            end = position + header.size_bytes
        return end

    # -- reading -------------------------------------------------------------------------------------------------

    def position_of(self, offset: int) -> int:
        """Where the first batch starts whose last offset is ``offset`` or above; the size when there is none."""
        self.load()
        recent = self._recent_last_offsets
        if recent and offset > recent[0]:
            found = bisect_left(recent, offset)
            return self._recent_positions[found] if found < len(recent) else self.size_bytes
        for position, header in self.batches(offset):
            if header.last_offset >= offset:
                return position
        return self.size_bytes

    def batches(self, offset: int) -> Iterator[tuple[int, BatchHeader]]:
        """(position, header) of each batch, starting at or somewhat below the one that contains ``offset``."""
        self.load()
        return batch_headers(self.file, self._index_position(offset))

    def _index_position(self, offset: int) -> int:
        """A batch start at or below the batch with ``offset``; a wrong index is noticed here and built again."""
        relative = offset - self.base_offset
        entry = self._offset_index.floor(relative)
        if entry < 0:
            return 0
        position = self._offset_index.values[entry]
        for _, header in batch_headers(self.file, position):
            if header.last_offset - self.base_offset == self._offset_index.keys[entry]:
                return position
            break
        log.warning("%s does not fit its log; building it again", self._offset_index.path)
        self._rebuild()
        entry = self._offset_index.floor(relative)
        return self._offset_index.values[entry] if entry >= 0 else 0

    def end_within(self, start: int, limit: int, end: int) -> int:
        """The end of the last batch that ends at or below ``limit``, counting from the batch at ``start``.

        Args:
            end: position where the readable batches end. Everything is in bytes.
        """
        if limit >= end:
            return end
        recent = self._recent_positions
        if recent and limit >= recent[0]:
            return max(start, recent[bisect_right(recent, limit) - 1])
        entry = self._offset_index.floor_value(limit)
        hop_from = max(start, self._offset_index.values[entry]) if entry >= 0 else start
        for position, header in batch_headers(self.file, hop_from):
            if position + header.size_bytes > limit:
                return position
        return start

    def first_batch_end(self, start: int) -> int:
        """Where the batch at position ``start`` ends."""
        for position, header in batch_headers(self.file, start):
            return position + header.size_bytes
        return start

    def read(self, start: int, end: int) -> FileRange:
        """The bytes from ``start`` up to ``end`` (exclusive)."""
        return self.file.range(start, end)

    def batches_since(self, timestamp_ms: int) -> Iterator[tuple[int, BatchHeader]]:
        """(position, header) of batches, none with a timestamp of ``timestamp_ms`` or above being left out."""
        self.load()
        entry = self._time_index.floor(timestamp_ms - 1)
        offset = self.base_offset + (self._time_index.values[entry] if entry >= 0 else 0)
        return self.batches(offset)
