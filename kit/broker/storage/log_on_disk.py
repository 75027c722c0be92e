"""A partition's log as it lies on the disk: opening it, what is known of it, flushing and closing it.

What is done with its records is `kit.broker.storage.log.Log`. Source: Kafka's ``UnifiedLog`` and ``LocalLog``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from kit.broker.clock import Clock
from kit.broker.producers import ProducerState
from kit.broker.storage import checkpoints, recovery, snapshots
from kit.broker.storage.config import LogConfig
from kit.broker.storage.epochs import EpochEndOffset, LeaderEpochs
from kit.broker.storage.files import SHARED_POOL, FilePool, storage_error
from kit.broker.storage.recovery import Opening
from kit.broker.storage.removal import Remover
from kit.broker.storage.replay import replay
from kit.broker.storage.segment import Segment, SegmentInfo
from kit.broker.storage.segments import Segments


class LogOnDisk:
    """The files of one partition's log, and what they say.

    Args:
        directory: "<topic>-<partition>"; made if it does not exist.
        topic_partition: its name in messages; the directory's name by default.
        opening: what the checkpoints say; without it every batch is checked, as after a crash.
        pool: bounds the descriptors; one for the whole process by default.
        remover: unlinks what was deleted; one of its own by default.
        on_log_start_offset: called with each new log start offset, to be checkpointed.

    Attributes:
        config: may be replaced at any time.
        log_start_offset: lower offsets are gone.
        log_end_offset: the offset that the next record will get.
        recovery_point: what is below it has been flushed to the disk itself.
        producers: the idempotent producers' state; `append` keeps it up to date, ``check`` before is the caller's.
        leader_epochs: where each leader epoch starts.

    Raises:
        BrokerError: KAFKA_STORAGE_ERROR when the directory cannot be used.
    """

    def __init__(
        self,
        directory: Path,
        *,
        config: LogConfig,
        clock: Clock,
        topic_partition: str | None = None,
        opening: Opening | None = None,
        pool: FilePool = SHARED_POOL,
        remover: Remover | None = None,
        on_log_start_offset: Callable[[int], None] | None = None,
    ) -> None:
        self.directory = directory
        self.config = config
        self.name = topic_partition or directory.name
        self.producers = ProducerState(clock=clock)
        self._clock = clock
        self._pool = pool
        self._remover = remover or Remover(clock)
        self._on_log_start_offset = on_log_start_offset
        try:
            self._open(opening or Opening())
        except OSError as error:
            raise storage_error(f"cannot open the log of {self.name} in {directory}", error) from error

    def _open(self, opening: Opening) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        segments = recovery.open_segments(self.directory, opening, self._make_segment)
        self._segments = Segments(segments, make=self._make_segment, remover=self._remover, clock=self._clock)
        self.log_start_offset = max(opening.log_start_offset, self._segments.first.base_offset)
        self.log_end_offset = max(self._segments.active.next_offset, self.log_start_offset)
        self.recovery_point = min(opening.recovery_point, self.log_end_offset)
        self.leader_epochs = LeaderEpochs(self.directory)
        check_from = self.log_end_offset if opening.clean_shutdown else opening.recovery_point
        self._replay(check_from if self.leader_epochs.is_complete else 0)

    def _make_segment(self, base_offset: int) -> Segment:
        return Segment(
            self.directory,
            base_offset,
            pool=self._pool,
            index_interval_bytes=self.config.index_interval_bytes,
            created_ms=self._clock.time_ms(),
        )

    def _replay(self, epochs_from: int) -> None:
        if not self.log_end_offset:
            return
        changed = replay(
            self.directory,
            self._segments,
            self.leader_epochs,
            self.producers,
            epochs_from=epochs_from,
            log_start_offset=self.log_start_offset,
            log_end_offset=self.log_end_offset,
        )
        if changed:
            self._save_leader_epochs()

    def _save_leader_epochs(self) -> None:
        try:
            self.leader_epochs.save()
        except OSError as error:
            raise storage_error(f"cannot write {self.leader_epochs.path}", error) from error

    # -- facts ---------------------------------------------------------------------------------------------------

    @property
    def size_bytes(self) -> int:
        """All batches of all segments."""
        return sum(segment.size_bytes for segment in self._segments)

    @property
    def segments(self) -> list[SegmentInfo]:
        """The segments, oldest first; the last one is active."""
        return [segment.info() for segment in self._segments]

    @property
    def active_base_offset(self) -> int:
        """The base offset of the segment that is appended to; lower offsets are in closed segments."""
        return self._segments.active.base_offset

    @property
    def latest_epoch(self) -> int:
        """The largest leader epoch known, -1 when there is none."""
        return self.leader_epochs.latest

    def epoch_at(self, offset: int) -> int | None:
        """The leader epoch under which ``offset`` was written; None when that is not known."""
        return self.leader_epochs.at(offset)

    def end_offset_for_epoch(self, epoch: int) -> EpochEndOffset:
        """Where ``epoch`` ended, by KIP-279's rules: see `LeaderEpochs.end_offset_for`."""
        return self.leader_epochs.end_offset_for(epoch, self.log_end_offset)

    def set_topic_id(self, topic_id: uuid.UUID) -> None:
        """Note in ``partition.metadata`` which topic this log belongs to.

        Raises:
            BrokerError: INCONSISTENT_TOPIC_ID when the log was kept for another topic of the same name,
                KAFKA_STORAGE_ERROR when the file cannot be written.
        """
        checkpoints.claim_topic_id(self.directory, topic_id)

    # -- the end -------------------------------------------------------------------------------------------------

    def flush(self, up_to_offset: int | None = None) -> None:
        """Wait until the segments that start below ``up_to_offset`` (None: all) are on the disk itself.

        Nothing else does: like Kafka's default, an append leaves that to the operating system.
        ``flush(log.active_base_offset)`` is cheap a while after a roll, when the system has written by itself.
        """
        end_offset = self.log_end_offset if up_to_offset is None else min(up_to_offset, self.log_end_offset)
        for segment in self._segments.since(self.recovery_point):
            if segment.base_offset < end_offset and segment.size_bytes:
                segment.save_indexes()
                segment.file.flush()
        self.recovery_point = max(self.recovery_point, end_offset)

    def close(self) -> None:
        """Write indexes and producer snapshot and let go of the files."""
        if self.log_end_offset:
            snapshots.write(self.directory, self.log_end_offset, self.producers)
        for segment in self._segments:
            segment.close()

    def abandon(self) -> None:
        """Let go of the files as they are, as the end of the process would; the next one has to recover them."""
        for segment in self._segments:
            segment.file.close()

    def delete(self) -> None:
        """Give up the log: its directory is renamed at once and removed after ``file.delete.delay.ms``."""
        for segment in self._segments:
            segment.file.close()
        self._remover.remove_directory(self.directory, self.config.file_delete_delay_ms)
