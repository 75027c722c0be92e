"""Bringing what follows from the log back in line with it: leader epochs and idempotent producers."""

from __future__ import annotations

from pathlib import Path

from kit.broker.producers import ProducerState
from kit.broker.storage import snapshots
from kit.broker.storage.epochs import LeaderEpochs
from kit.broker.storage.segments import Segments


def replay(
    directory: Path,
    segments: Segments,
    leader_epochs: LeaderEpochs,
    producers: ProducerState,
    *,
    epochs_from: int,
    log_start_offset: int,
    log_end_offset: int,
) -> bool:
    """Read the headers that the epoch checkpoint (from ``epochs_from`` on) and the newest snapshot do not cover.

    Returns:
        Whether the leader epochs changed and have to be saved.
    """
    snapshot_offset = snapshots.load(directory, log_end_offset, producers)
    producers_from = log_start_offset if snapshot_offset is None else snapshot_offset
    known = leader_epochs.entries()
    leader_epochs.truncate_from_end(epochs_from)
    leader_epochs.truncate_from_start(log_start_offset)
    for header in segments.headers(min(epochs_from, producers_from)):
        if header.base_offset >= epochs_from:
            leader_epochs.assign(header.partition_leader_epoch, header.base_offset)
        if header.producer_id >= 0 and header.base_offset >= producers_from:
            producers.update(header, header.base_offset)
    snapshots.remove_strays(directory, {segment.base_offset for segment in segments} | {snapshot_offset})
    return leader_epochs.entries() != known
