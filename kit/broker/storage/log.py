"""The log of one partition: append, read, truncate, delete, in Kafka's own files.

Rules for the file: batches are opaque bytes whose headers were checked before; nothing is done per record. A directory
gets its files when the first record comes, so an empty partition costs a directory.
Source: Kafka's ``UnifiedLog`` and ``LocalLog``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kit.broker.storage import lookup, retention, snapshots
from kit.broker.storage.files import FileRange
from kit.broker.storage.log_on_disk import LogOnDisk
from kit.broker.storage.lookup import TimestampOffset
from kit.broker.storage.placing import AppendInfo, check_replicated, place
from kit.broker.storage.segment import MAX_RELATIVE_OFFSET, NO_TIMESTAMP, PlacedBatch, Segment
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import BatchHeader

log = logging.getLogger(__name__)


class Log(LogOnDisk):
    """One partition's log; made and described as `LogOnDisk`."""

    # -- appending -----------------------------------------------------------------------------------------------

    def append(
        self, batches: memoryview | bytearray, headers: Sequence[BatchHeader], *, leader_epoch: int
    ) -> AppendInfo:
        """Append checked batches as the leader: offsets, leader epoch and (LogAppendTime) timestamps are put in place.

        Args:
            batches: whole batches and nothing else; patched in place.
            headers: the headers of ``batches``.

        Raises:
            BrokerError: RECORD_LIST_TOO_LARGE for more than a segment may hold, KAFKA_STORAGE_ERROR when the disk
                refuses; the log is as it was.
        """
        log_append_time_ms = self._clock.time_ms() if self.config.timestamp_type == "LogAppendTime" else NO_TIMESTAMP
        first_offset = self.log_end_offset
        placed = place(batches, headers, first_offset, leader_epoch, log_append_time_ms)
        if len(batches) > self.config.segment_bytes:
            raise BrokerError(
                ErrorCode.RECORD_LIST_TOO_LARGE,
                f"{self.name}: {len(batches)} bytes in one append, but segment.bytes is {self.config.segment_bytes}",
            )
        if leader_epoch != self.leader_epochs.latest:
            self.assign_leader_epoch(leader_epoch, first_offset)
        rolled = self._write(batches, placed)
        for header, batch in zip(headers, placed, strict=True):
            if header.producer_id >= 0:
                base_offset = batch.last_offset - header.last_offset_delta
                self.producers.update(header, base_offset, max_timestamp_ms=batch.max_timestamp_ms)
        return AppendInfo(first_offset, self.log_end_offset - 1, log_append_time_ms, rolled)

    def append_as_follower(self, batches: memoryview | bytearray, *, leader_epoch: int | None = None) -> None:
        """Append what a leader sent; offsets and epochs stay as they are, a torn batch at the end is left out.

        Args:
            leader_epoch: of the leader that was asked; what a later one wrote is left out too (KAFKA-18723).

        Raises:
            CorruptBatch: a batch does not match its CRC.
            ValueError: offsets that the log has already.
            BrokerError: KAFKA_STORAGE_ERROR. Nothing was appended in all three cases.
        """
        headers = check_replicated(batches, self.log_end_offset, leader_epoch)
        if not headers:
            return
        for header in headers:
            self.assign_leader_epoch(header.partition_leader_epoch, header.base_offset)
        placed = [PlacedBatch(header.last_offset, header.size_bytes, header.max_timestamp) for header in headers]
        self._write(memoryview(batches)[: sum(batch.size_bytes for batch in placed)], placed)
        for header in headers:
            if header.producer_id >= 0:
                self.producers.update(header, header.base_offset)

    def assign_leader_epoch(self, leader_epoch: int, start_offset: int) -> None:
        """Note that ``leader_epoch`` starts at ``start_offset``: on becoming leader, or with its first batch.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR when ``leader-epoch-checkpoint`` cannot be written.
        """
        if self.leader_epochs.assign(leader_epoch, start_offset):
            self._save_leader_epochs()

    def _write(self, data: memoryview | bytearray, batches: Sequence[PlacedBatch]) -> bool:
        """Write batches to the active segment, after rolling it if it is full; returns whether it was."""
        last_offset, _, timestamp_ms = batches[-1]
        rolled = self._segments.is_full(self.config, len(data), last_offset, timestamp_ms)
        if rolled:
            self._roll(max(self.log_end_offset, last_offset - MAX_RELATIVE_OFFSET))
        self._segments.active.append(data, batches)
        self.log_end_offset = last_offset + 1
        return rolled

    def _roll(self, base_offset: int) -> None:
        self._segments.roll(base_offset, self.config.file_delete_delay_ms)
        snapshots.write(self.directory, base_offset, self.producers)

    # -- reading -------------------------------------------------------------------------------------------------

    def read(
        self, offset: int, max_bytes: int, *, max_offset: int | None = None, min_one_batch: bool = True
    ) -> FileRange | None:
        """Whole batches from the one that contains ``offset`` on, within one segment; None when there are none.

        Args:
            max_bytes: upper limit of the size.
            max_offset: only batches that end below it (the high watermark); None: all.
            min_one_batch: give the first batch even if it is larger than ``max_bytes``.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE below the log start offset or above the log end offset.
        """
        log_end_offset = self.log_end_offset
        if not self.log_start_offset <= offset <= log_end_offset:
            raise BrokerError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"{self.name} has offsets {self.log_start_offset} to {log_end_offset}, not {offset}",
            )
        end_offset = log_end_offset if max_offset is None or max_offset > log_end_offset else max_offset
        if offset >= end_offset:
            return None
        segment: Segment | None = self._segments.containing(offset)
        while segment is not None and segment.base_offset < end_offset:
            start = segment.position_of(offset)
            following = self._segments.after(segment)
            is_whole = end_offset >= (log_end_offset if following is None else following.base_offset)
            end = segment.size_bytes if is_whole else segment.position_of(end_offset)
            if start < end:
                until = segment.end_within(start, start + max_bytes, end)
                if until <= start:
                    if not min_one_batch:
                        return None
                    until = segment.first_batch_end(start)
                return segment.file.range(start, until)
            segment = following
        return None

    def offset_for_timestamp(self, timestamp_ms: int) -> TimestampOffset | None:
        """The first record whose timestamp is ``timestamp_ms`` (ms since 1970) or later; None when there is none."""
        return lookup.first_since(self._segments, timestamp_ms, self.log_start_offset)

    def offset_of_max_timestamp(self) -> TimestampOffset | None:
        """The first record with the largest timestamp; None when no record has one (KIP-734)."""
        return lookup.of_largest(self._segments)

    # -- removing ------------------------------------------------------------------------------------------------

    def truncate_to(self, offset: int) -> None:
        """Remove the batch that contains ``offset`` and all later ones; ``offset`` is the next to be written.

        At or beyond the end no record goes; but an epoch that starts there does, under which a leader wrote nothing.
        """
        if offset >= self.log_end_offset:
            if self.leader_epochs.truncate_from_end(self.log_end_offset):
                self._save_leader_epochs()
            return
        if offset < self._segments.first.base_offset:
            self.truncate_fully_and_start_at(offset)
            return
        self._segments.remove_after(offset, self.config.file_delete_delay_ms)
        self._segments.active.truncate_to(offset)
        self.log_end_offset = offset
        self.recovery_point = min(self.recovery_point, offset)
        self._move_log_start_offset(min(self.log_start_offset, offset))
        self.producers.clear()
        self._replay(offset)

    def truncate_fully_and_start_at(self, offset: int) -> None:
        """Remove all records; the log goes on at ``offset``."""
        self._segments.start_over(offset, self.config.file_delete_delay_ms)
        snapshots.remove_strays(self.directory, ())
        self.log_end_offset = offset
        self.recovery_point = min(self.recovery_point, offset)
        self.producers.clear()
        if self.leader_epochs.truncate_from_end(0):
            self._save_leader_epochs()
        self._move_log_start_offset(offset)

    def delete_records_before(self, offset: int) -> None:
        """Move the log start offset up to ``offset``; closed segments that are below it altogether are deleted.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE above the log end offset.
        """
        if offset > self.log_end_offset:
            raise BrokerError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"{self.name} ends at offset {self.log_end_offset}; records before {offset} cannot be deleted",
            )
        if offset <= self.log_start_offset:
            return
        self._move_log_start_offset(offset)
        below = sum(segment.base_offset <= offset for segment in self._segments)
        self._segments.remove_first(below - 1, self.config.file_delete_delay_ms)

    def delete_old_segments(self, now_ms: int, *, high_watermark: int | None = None) -> list[tuple[int, str]]:
        """Apply retention: delete whole segments that are too old or too much; the active one is rolled first.

        Args:
            high_watermark: records from it on stay; None: all may go.

        Returns:
            (base_offset, reason) of each deleted segment.
        """
        expired = retention.expired(
            self._segments,
            self.config,
            now_ms=now_ms,
            log_start_offset=self.log_start_offset,
            deletable_below=self.log_end_offset if high_watermark is None else high_watermark,
        )
        if not expired:
            return []
        if len(expired) == len(self._segments):
            self._roll(self.log_end_offset)
        for segment, reason in expired:
            log.info("%s: deleting the segment at offset %d: %s", self.name, segment.base_offset, reason)
        self._remove_oldest(len(expired))
        return [(segment.base_offset, reason) for segment, reason in expired]

    def delete_oldest_segment(self, *, high_watermark: int | None = None) -> int:
        """Delete the oldest segment, whatever retention says; returns its size in bytes, 0 if there is none to delete.

        The active one is closed first when there is no other.

        Args:
            high_watermark: records from it on stay; None: all may go.
        """
        if high_watermark is not None and self._segments.first.next_offset > high_watermark:
            return 0
        if len(self._segments) == 1:
            if not self._segments.active.size_bytes:
                return 0
            self._roll(self.log_end_offset)
        size_bytes = self._segments.first.size_bytes
        self._remove_oldest(1)
        return size_bytes

    def _remove_oldest(self, count: int) -> None:
        self._segments.remove_first(count, self.config.file_delete_delay_ms)
        self._move_log_start_offset(max(self.log_start_offset, self._segments.first.base_offset))

    def _move_log_start_offset(self, offset: int) -> None:
        if offset == self.log_start_offset:
            return
        self.log_start_offset = offset
        if self.leader_epochs.truncate_from_start(offset):
            self._save_leader_epochs()
        if self._on_log_start_offset is not None:
            self._on_log_start_offset(offset)
