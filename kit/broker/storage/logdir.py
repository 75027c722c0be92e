"""A broker's log directory: one folder per partition, and the checkpoints of all of them.

Everything in the checkpoints can be lost without losing a record: they save work at the next start. What they say is
believed only for logs that were closed properly, or up to the recovery point.
Source: Kafka's ``LogManager``.
"""

from __future__ import annotations

import logging
import uuid
from functools import partial
from pathlib import Path

from kit.broker.clock import Clock
from kit.broker.storage import checkpoints
from kit.broker.storage.config import LogConfig
from kit.broker.storage.files import SHARED_POOL, FilePool, storage_error
from kit.broker.storage.log import Log
from kit.broker.storage.recovery import Opening
from kit.broker.storage.removal import DELETED_DIRECTORY_SUFFIX, STRAY_DIRECTORY_SUFFIX, Remover, parked

log = logging.getLogger(__name__)


class LogDirectory:
    """The logs of one broker (``log.dirs``).

    Attributes:
        logs: the open ones, by directory name ("topic-0").
        high_watermarks: by directory name, as of the last shutdown; the partition layer keeps them up to date.
        was_clean: whether the last broker here closed all its logs.
        previous_broker_epoch: of the last broker here if all that it wrote is still there, else -1. That is so when it
            closed its logs, and also when it crashed and the machine went on. (Kafka takes every crash for a loss.)

    Raises:
        BrokerError: KAFKA_STORAGE_ERROR when the directory cannot be used.
    """

    def __init__(self, directory: Path, *, clock: Clock, pool: FilePool = SHARED_POOL) -> None:
        self.directory = directory
        self.logs: dict[str, Log] = {}
        self._clock = clock
        self._pool = pool
        self._remover = Remover(clock)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            marker = checkpoints.take_clean_shutdown(directory)
            for path in directory.glob(f"*{DELETED_DIRECTORY_SUFFIX}"):
                self._remover.remove_directory(path, 0)
        except OSError as error:
            raise storage_error(f"cannot use the log directory {directory}", error) from error
        self.was_clean = marker is not None
        self.previous_broker_epoch = self._last_registered() if marker is None or marker < 0 else marker
        self._log_start_offsets = self._read(checkpoints.LOG_START_OFFSETS)
        self._recovery_points = self._read(checkpoints.RECOVERY_POINTS)
        self.high_watermarks = self._read(checkpoints.HIGH_WATERMARKS)
        self._written_high_watermarks: dict[str, int] | None = None
        self._closed_below: dict[str, int] = {}  # the active segment's base offset at the last checkpoint

    def _read(self, file_name: str) -> dict[str, int]:
        try:
            return checkpoints.read_offsets(self.directory / file_name)
        except checkpoints.BadCheckpoint as error:
            log.warning("%s; going on without it", error)
            return {}

    def _last_registered(self) -> int:
        boot_id = self._pool.boot_id(self.directory)
        epoch, noted_boot_id = checkpoints.read_registration(self.directory) or (-1, "")
        return epoch if boot_id and boot_id == noted_boot_id else -1

    def note_registered(self, broker_epoch: int) -> None:
        """Note the epoch of the broker here, for the case that it crashes."""
        try:
            checkpoints.write_registration(self.directory, broker_epoch, self._pool.boot_id(self.directory))
        except OSError as error:
            log.warning("cannot note the broker epoch in %s: %s", self.directory, error)

    def partitions(self) -> dict[str, uuid.UUID | None]:
        """The partitions that have a folder here, with the topic id in it, by directory name."""
        return {
            path.name: checkpoints.read_topic_id(path)
            for path in sorted(self.directory.iterdir())
            if path.is_dir() and path.name.rpartition("-")[2].isdecimal()
        }

    def open_log(self, topic_partition: str, config: LogConfig) -> Log:
        """Open, or begin, the log of a partition.

        Args:
            topic_partition: "topic-0", the name of its folder.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR.
        """
        opened = Log(
            self.directory / topic_partition,
            config=config,
            clock=self._clock,
            pool=self._pool,
            remover=self._remover,
            opening=Opening(
                log_start_offset=self._log_start_offsets.get(topic_partition, 0),
                recovery_point=self._recovery_points.get(topic_partition, 0),
                clean_shutdown=self.was_clean,
            ),
            on_log_start_offset=partial(self._log_start_offset_moved, topic_partition),
        )
        self.logs[topic_partition] = opened
        return opened

    def set_aside(self, topic_partition: str) -> None:
        """Rename the folder of a partition that does not belong here, so that its name is free; its files stay.

        Source: Kafka's ``UnifiedLog.logStrayDirName``.
        """
        path = self.directory / topic_partition
        stray = parked(path, STRAY_DIRECTORY_SUFFIX)
        try:
            path.rename(stray)
        except OSError as error:
            log.warning("%s belongs to no partition of this broker and cannot be renamed: %s", path, error)
            return
        log.warning("%s belongs to no partition of this broker; renamed to %s", path, stray.name)
        self._forget(topic_partition)

    def _forget(self, topic_partition: str) -> None:
        for offsets in (self._log_start_offsets, self._recovery_points, self.high_watermarks, self._closed_below):
            offsets.pop(topic_partition, None)

    def delete_log(self, topic_partition: str) -> None:
        """Give up a partition; its name is free at once, its disk space after ``file.delete.delay.ms``."""
        self.logs.pop(topic_partition).delete()
        self._forget(topic_partition)

    def _log_start_offset_moved(self, topic_partition: str, offset: int) -> None:
        self._log_start_offsets[topic_partition] = offset
        self._write(checkpoints.LOG_START_OFFSETS, self._log_start_offsets)

    def checkpoint(self) -> None:
        """Flush what was closed by the last checkpoint, and write the checkpoints: to be done every minute or so.

        A segment waits for one more checkpoint, because by then the system has written most of it by itself: flushing
        the megabytes of the last second would hold up every client.
        """
        for name, each in self.logs.items():
            each.flush(self._closed_below.get(name, 0))
            self._closed_below[name] = each.active_base_offset
            self._recovery_points[name] = each.recovery_point
        self._write(checkpoints.RECOVERY_POINTS, self._recovery_points)
        self.write_high_watermarks()

    def write_high_watermarks(self) -> None:
        """Write their checkpoint alone, if anything changed."""
        if self.high_watermarks != self._written_high_watermarks:
            self._write(checkpoints.HIGH_WATERMARKS, self.high_watermarks)
            self._written_high_watermarks = dict(self.high_watermarks)

    def close(self, broker_epoch: int = -1) -> None:
        """Close all logs and leave the marker that makes the next start a quick one."""
        for each in self.logs.values():
            each.close()
        self._remover.close()
        self._recovery_points = {name: each.recovery_point for name, each in self.logs.items()}
        self._write(checkpoints.RECOVERY_POINTS, self._recovery_points)
        self._write(checkpoints.LOG_START_OFFSETS, {name: each.log_start_offset for name, each in self.logs.items()})
        self.write_high_watermarks()
        try:
            checkpoints.write_clean_shutdown(self.directory, broker_epoch)
        except OSError as error:
            log.warning("cannot mark %s as closed: %s; the next start will check the logs", self.directory, error)

    def abandon(self) -> None:
        """Let go of all files as they are, as the end of the process would."""
        for each in self.logs.values():
            each.abandon()

    def _write(self, file_name: str, offsets: dict[str, int]) -> None:
        try:
            checkpoints.write_offsets(self.directory / file_name, offsets)
        except OSError as error:
            log.warning("cannot write %s: %s", self.directory / file_name, error)
