"""``__cluster_metadata-0``: the log of everything the controllers decided, in KRaft's own record format.

Metadata records are in ordinary batches; the quorum's own record, a change of the leader, is in control batches, which
`MetadataLog.read` passes over.
Source: KIP-500, KIP-595, KIP-631, Kafka's ``KafkaMetadataLog``; ``kafka-dump-log.sh --cluster-metadata-decoder`` reads
the files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kit.broker.clock import Clock
from kit.broker.storage import EpochEndOffset, Log, LogConfig
from kit.broker.storage.epochs import UNDEFINED_OFFSET
from kit.broker.storage.files import SHARED_POOL, FilePool
from kit.wire import codec
from kit.wire import messages as m
from kit.wire import records as batches
from kit.wire.batch_builder import build_batch

FOLDER_NAME = "__cluster_metadata-0"
_READ_BYTES = 1 << 20
_LEADER_CHANGE_KEY = struct.pack(">hh", 0, 2)  # version, type
_LEADER_CHANGE_VERSION = 0


class MetadataLog:
    """The local copy of the metadata log.

    Args:
        directory: of the node; the log is in the folder `FOLDER_NAME` of it.
        flush: force everything to the disk itself before it counts as written.

    Raises:
        BrokerError: KAFKA_STORAGE_ERROR, here and from everything that writes.
    """

    def __init__(self, directory: Path, *, clock: Clock, flush: bool = False, pool: FilePool = SHARED_POOL) -> None:
        config = LogConfig(cleanup_policy=())  # keeps everything
        self.directory = directory / FOLDER_NAME
        self._clock = clock
        self._flush = flush
        self._log = Log(self.directory, config=config, clock=clock, pool=pool)

    @property
    def end_offset(self) -> int:
        """The offset that the next record will get."""
        return self._log.log_end_offset

    @property
    def last_epoch(self) -> int:
        """The epoch of the last record, 0 in an empty log.

        Not the newest epoch in the checkpoint file: a crash may have come before that epoch's first batch.
        """
        return (self._log.epoch_at(self.end_offset - 1) or 0) if self.end_offset else 0

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(self, records: Sequence[Any], *, leader_epoch: int) -> int:
        """Append metadata records as one batch, so that a crash keeps all or none of them.

        Returns:
            The offset of the last one.
        """
        values = [(None, codec.encode_metadata_record(record)) for record in records]
        return self._append(values, leader_epoch, is_control=False)

    def append_leader_change(self, leader_id: int, voters: Sequence[int], granting: Sequence[int], epoch: int) -> int:
        """Append the first record of an epoch: who leads in it, and who elected it. Returns its offset."""
        message = m.LeaderChangeMessage(
            version=_LEADER_CHANGE_VERSION,
            leader_id=leader_id,
            voters=[m.LeaderChangeMessage.Voter(voter_id=voter) for voter in voters],
            granting_voters=[m.LeaderChangeMessage.Voter(voter_id=voter) for voter in granting],
        )
        value = codec.encode(message, _LEADER_CHANGE_VERSION)
        return self._append([(_LEADER_CHANGE_KEY, value)], epoch, is_control=True)

    def _append(self, values: Sequence[tuple[bytes | None, bytes]], leader_epoch: int, *, is_control: bool) -> int:
        now_ms = self._clock.time_ms()
        batch = build_batch(
            [
                batches.Record(offset=index, timestamp_ms=now_ms, key=key, value=value)
                for index, (key, value) in enumerate(values)
            ],
            is_control=is_control,
        )
        info = self._log.append(memoryview(batch), [batches.read_header(batch)], leader_epoch=leader_epoch)
        self._flush_if_wanted()
        return info.last_offset

    def append_as_follower(self, data: bytes | memoryview) -> None:
        """Append batches that the leader sent.

        Raises:
            CorruptBatch, ValueError: they are damaged, or do not continue this log; nothing was appended.
        """
        expected = self.end_offset
        for _, header in batches.iter_headers(data):
            if header.base_offset != expected:
                raise ValueError(f"a leader sent offset {header.base_offset}, expected {expected}")
            expected = header.next_offset
        self._log.append_as_follower(memoryview(data))
        self._flush_if_wanted()

    def _flush_if_wanted(self) -> None:
        if self._flush:
            self._log.flush()

    # -- what leader and follower have in common ---------------------------------------------------------------------

    def end_of_epoch(self, epoch: int) -> EpochEndOffset:
        """The newest epoch up to ``epoch`` that has records here, and where it ends."""
        found = self._log.end_offset_for_epoch(epoch)
        return EpochEndOffset(self.last_epoch, self.end_offset) if found.end_offset == UNDEFINED_OFFSET else found

    def diverging(self, offset: int, last_epoch: int) -> EpochEndOffset | None:
        """Where a log that has ``offset`` records, the last one of ``last_epoch``, parts from this one; None: nowhere.

        Source: ``ReplicatedLog.validateOffsetAndEpoch``.
        """
        if offset == 0 and last_epoch == 0:
            return None
        end = self.end_of_epoch(last_epoch)
        return end if end.leader_epoch != last_epoch or end.end_offset < offset else None

    def common_end(self, diverging: EpochEndOffset) -> int:
        """To which offset this log is to be truncated, given what the leader answered.

        Source: ``ReplicatedLog.truncateToEndOffset``.
        """
        if diverging.leader_epoch == 0:
            return min(diverging.end_offset, self.end_offset)
        own = self.end_of_epoch(diverging.leader_epoch)
        if own.leader_epoch == diverging.leader_epoch:
            return min(own.end_offset, diverging.end_offset)
        return own.end_offset

    def truncate_to(self, offset: int) -> None:
        """Remove the records from ``offset`` on."""
        self._log.truncate_to(offset)

    # -- reading -----------------------------------------------------------------------------------------------------

    def read_batches(self, offset: int, max_bytes: int) -> bytes:
        """Whole batches from ``offset`` on, at least one if there is one.

        Raises:
            BrokerError: OFFSET_OUT_OF_RANGE.
        """
        found = self._log.read(offset, min(max_bytes, _READ_BYTES))
        return b"" if found is None else found.read()

    def read(self, offset: int, end_offset: int) -> Iterator[tuple[list[Any], int]]:
        """The metadata records from ``offset`` up to ``end_offset``, in pieces that fit in memory.

        Yields:
            Records, and the offset after them; no record when there are only control records.
        """
        for decisions in self._pieces(offset, end_offset):
            yield [record for records, _ in decisions for record in records], decisions[-1][1]

    def read_decisions(self) -> Iterator[tuple[list[Any], int]]:
        """Each batch of metadata records that was ever appended, and the offset after it; control records left out."""
        for decisions in self._pieces(self._log.log_start_offset, self.end_offset):
            yield from ((records, end_offset) for records, end_offset in decisions if records)

    def read_all(self) -> Iterator[Any]:
        """Every metadata record in order."""
        for records, _ in self.read_decisions():
            yield from records

    def _pieces(self, offset: int, end_offset: int) -> Iterator[list[tuple[list[Any], int]]]:
        """The batches of each piece that fits in memory: their metadata records, and the offset after them."""
        while (found := self._log.read(offset, _READ_BYTES, max_offset=end_offset)) is not None:
            data = found.read()
            decisions = [
                (_metadata_records(data, position, header), header.next_offset)
                for position, header in batches.iter_headers(data)
            ]
            offset = decisions[-1][1]
            yield decisions

    def abandon(self) -> None:
        """Let go of the files as they are, as the end of the process would."""
        self._log.abandon()

    def close(self) -> None:
        """Close the files cleanly."""
        self._log.close()


def _metadata_records(data: bytes, position: int, header: batches.BatchHeader) -> list[Any]:
    if header.is_control:
        return []
    batch = data[position : position + header.size_bytes]
    return [codec.decode_metadata_record(each.value or b"") for each in batches.read_records(batch)]
