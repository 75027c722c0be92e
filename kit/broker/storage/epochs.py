"""Which leader epoch started at which offset: how diverged replicas and consumers find where they parted.

Source: KIP-101, KIP-279, Kafka's ``LeaderEpochFileCache``.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

from kit.broker.storage import checkpoints

log = logging.getLogger(__name__)

UNDEFINED_EPOCH = -1
UNDEFINED_OFFSET = -1


class EpochEndOffset(NamedTuple):
    """The answer of OffsetForLeaderEpoch; both -1 when nothing is known."""

    leader_epoch: int
    end_offset: int


class LeaderEpochs:
    """The leader epochs of one log, kept in ``leader-epoch-checkpoint``.

    The file is written before a batch of a new epoch is, so it is never behind the log, and at worst one entry
    ahead of it.

    Attributes:
        latest: the largest epoch known, -1 when there is none.
        is_complete: False when the file was missing or damaged; the log's batch headers fill it again.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / checkpoints.LEADER_EPOCHS
        self._epochs: list[int] = []
        self._start_offsets: list[int] = []
        self.is_complete = False
        try:
            entries = checkpoints.read_epochs(self.path)
        except checkpoints.BadCheckpoint as error:
            log.warning("%s; building it again from the log", error)
            entries = None
        if entries is not None:
            self.is_complete = True
            self._epochs = [epoch for epoch, _ in entries]
            self._start_offsets = [start_offset for _, start_offset in entries]
        self.latest = self._epochs[-1] if self._epochs else UNDEFINED_EPOCH

    def entries(self) -> list[tuple[int, int]]:
        """(leader_epoch, start_offset) pairs in ascending order."""
        return list(zip(self._epochs, self._start_offsets, strict=True))

    def assign(self, epoch: int, start_offset: int) -> bool:
        """Note that batches of ``epoch`` start at ``start_offset``; returns whether that was news.

        What contradicts it goes: a batch of this epoch at this offset proves it wrong. Not saved yet.
        """
        if epoch == self.latest or epoch < 0:
            return False
        while self._epochs and (self._epochs[-1] >= epoch or self._start_offsets[-1] >= start_offset):
            self._epochs.pop()
            self._start_offsets.pop()
        self._epochs.append(epoch)
        self._start_offsets.append(start_offset)
        self.latest = epoch
        return True

    def end_offset_for(self, epoch: int, log_end_offset: int) -> EpochEndOffset:
        """The largest known epoch up to ``epoch``, and the offset where the next one started.

        ``epoch`` itself and -1, or -1 twice, when no epoch up to it, or no later one, is known.
        """
        if epoch == UNDEFINED_EPOCH:
            return EpochEndOffset(UNDEFINED_EPOCH, UNDEFINED_OFFSET)
        if epoch == self.latest:
            return EpochEndOffset(epoch, log_end_offset)
        above = bisect_right(self._epochs, epoch)
        if above == len(self._epochs):
            return EpochEndOffset(UNDEFINED_EPOCH, UNDEFINED_OFFSET)
        floor = self._epochs[above - 1] if above else epoch
        return EpochEndOffset(floor, self._start_offsets[above])

    def at(self, offset: int) -> int | None:
        """The leader epoch to which ``offset`` belongs; None when that is not known."""
        number = bisect_right(self._start_offsets, offset) - 1
        return self._epochs[number] if number >= 0 else None

    def truncate_from_end(self, end_offset: int) -> bool:
        """Forget epochs that start at or above ``end_offset``; returns whether there were any. Not saved yet."""
        count = len(self._epochs)
        while self._epochs and self._start_offsets[-1] >= end_offset:
            self._epochs.pop()
            self._start_offsets.pop()
        self.latest = self._epochs[-1] if self._epochs else UNDEFINED_EPOCH
        return len(self._epochs) < count

    def truncate_from_start(self, start_offset: int) -> bool:
        """Forget epochs that ended below ``start_offset``; returns whether anything changed. Not saved yet.

        The epoch of ``start_offset`` itself stays and starts there now.
        """
        below = bisect_right(self._start_offsets, start_offset) - 1
        if below < 0 or (below == 0 and self._start_offsets[0] == start_offset):
            return False
        del self._epochs[:below]
        del self._start_offsets[:below]
        self._start_offsets[0] = start_offset
        return True

    def save(self) -> None:
        """Write the file; ``OSError`` when that fails."""
        checkpoints.write_entries(self.path, self.entries())
        self.is_complete = True
