"""The metadata log on disk: batches, the quorum's own records, and where two logs part."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import pytest
from kio.schema.leader_change_message.v1.data import LeaderChangeMessage, Voter
from kio.schema.types import BrokerId
from kio.serial import entity_writer
from kio.static.primitive import i16

from kit.broker.clock import VirtualClock
from kit.broker.raft.metadata_log import MetadataLog
from kit.broker.storage import EpochEndOffset
from kit.wire import codec
from kit.wire import messages as m
from kit.wire import records as batches
from tests.unit.raft.harness import record


def open_log(directory: Path) -> MetadataLog:
    """The log in a directory."""
    return MetadataLog(directory, clock=VirtualClock())


def log_of(directory: Path, *epochs: int) -> MetadataLog:
    """A log with one record of each of these epochs."""
    made = open_log(directory)
    for number, epoch in enumerate(epochs):
        made.append([record(number)], leader_epoch=epoch)
    return made


def test_append_gives_the_offset_of_the_last_record(tmp_path: Path) -> None:
    """One batch is all or nothing, so its last record stands for it."""
    log = open_log(tmp_path)

    assert [log.append([record(1), record(2)], leader_epoch=1), log.append([record(3)], leader_epoch=1)] == [1, 2]
    assert log.end_offset == 3


def test_read_passes_over_control_records(tmp_path: Path) -> None:
    """They have offsets, and nothing that an image could apply."""
    log = open_log(tmp_path)
    log.append_leader_change(1, [1, 2, 3], [1, 2], 1)
    log.append([record(7)], leader_epoch=1)
    log.append_leader_change(2, [1, 2, 3], [2, 3], 2)

    assert list(log.read(0, 1)) == [([], 1)]
    assert list(log.read(0, 3)) == [([record(7)], 3)]
    assert list(log.read_all()) == [record(7)]


def test_leader_change_is_kafkas_control_record(tmp_path: Path) -> None:
    """Type 2 in a control batch of the new epoch."""
    log = open_log(tmp_path)
    log.append_leader_change(1, [1, 2, 3], [1, 2], 5)

    data = log.read_batches(0, 1000)
    (found,) = batches.read_records(data)

    assert (batches.read_header(data).is_control, batches.read_header(data).partition_leader_epoch) == (True, 5)
    assert found.key == b"\0\0\0\2"
    message = codec.decode(m.LeaderChangeMessage, 0, found.value or b"")
    assert (message.leader_id, [each.voter_id for each in message.granting_voters]) == (1, [1, 2])


def test_leader_change_is_encoded_as_by_kio() -> None:
    """The bytes of a foreign codec, in the version that has directories."""
    ours = m.LeaderChangeMessage(
        version=1,
        leader_id=3,
        voters=[m.LeaderChangeMessage.Voter(voter_id=3, voter_directory_id=uuid.UUID(int=5))],
        granting_voters=[],
    )
    theirs = LeaderChangeMessage(
        version=i16(1),
        leader_id=BrokerId(3),
        voters=(Voter(voter_id=BrokerId(3), voter_directory_id=uuid.UUID(int=5)),),
        granting_voters=(),
    )

    out = io.BytesIO()
    entity_writer(LeaderChangeMessage)(out, theirs)

    assert codec.encode(ours, 1) == out.getvalue()


def test_last_epoch_is_that_of_the_last_record(tmp_path: Path) -> None:
    """Not what the checkpoint says: a crash may come between it and the first batch of the epoch."""
    checkpoint = tmp_path / "__cluster_metadata-0" / "leader-epoch-checkpoint"
    log = open_log(tmp_path)
    assert log.last_epoch == 0
    log.close()
    checkpoint.write_text("0\n1\n7 0\n")

    log = open_log(tmp_path)
    assert log.last_epoch == 0
    log.append([record(1)], leader_epoch=8)
    log.close()
    checkpoint.write_text("0\n2\n8 0\n9 1\n")

    assert open_log(tmp_path).last_epoch == 8


@pytest.mark.parametrize(
    ("offset", "epoch", "diverging"),
    [
        (0, 0, None),  # an empty log
        (2, 1, None),
        (1, 1, None),
        (4, 3, None),
        (3, 1, (1, 2)),  # has more of epoch 1 than the leader
        (5, 3, (3, 4)),
        (3, 2, (1, 2)),  # an epoch that the leader does not have
        (9, 4, (3, 4)),
        (1, 0, (0, 0)),
    ],
)
def test_diverging_says_where_logs_part(
    tmp_path: Path, offset: int, epoch: int, diverging: tuple[int, int] | None
) -> None:
    """The leader has two records of epoch 1 and two of epoch 3."""
    found = log_of(tmp_path, 1, 1, 3, 3).diverging(offset, epoch)

    assert found == (None if diverging is None else EpochEndOffset(*diverging))


@pytest.mark.parametrize(
    ("own", "answer", "offset"),
    [
        ((1, 1, 2, 2), (1, 3), 2),  # the leader has more of epoch 1, and other records after it
        ((1, 1, 1, 2), (1, 2), 2),
        ((1, 2, 4), (3, 2), 2),  # of the leader's epoch nothing is here: try again with what is before it
        ((2, 2), (1, 1), 0),
        ((2, 2), (0, 0), 0),
    ],
)
def test_common_end_is_where_to_truncate(
    tmp_path: Path, own: tuple[int, ...], answer: tuple[int, int], offset: int
) -> None:
    """As far as both logs may be the same."""
    assert log_of(tmp_path, *own).common_end(EpochEndOffset(*answer)) == offset


def test_follower_takes_batches_that_continue_its_log(tmp_path: Path) -> None:
    """A gap or an overlap is refused, and nothing of it kept."""
    leader = log_of(tmp_path / "leader", 1, 1, 2)
    follower = open_log(tmp_path / "follower")
    follower.append_as_follower(leader.read_batches(0, 1))

    for offset in (0, 2):
        with pytest.raises(ValueError, match=f"sent offset {offset}, expected 1"):
            follower.append_as_follower(leader.read_batches(offset, 1))
    follower.append_as_follower(leader.read_batches(1, 1000))

    assert follower.read_batches(0, 1000) == leader.read_batches(0, 1000)
    assert follower.last_epoch == 2


def test_large_log_is_read_in_pieces(tmp_path: Path) -> None:
    """Memory does not grow with the log: a piece is about a megabyte."""
    log = open_log(tmp_path)
    for number in range(3):
        log.append([m.TopicRecord(name="x" * 200, topic_id=uuid.UUID(int=number))] * 2000, leader_epoch=1)

    pieces = list(log.read(0, log.end_offset))

    assert [end_offset for _, end_offset in pieces] == [4000, 6000]
    assert sum(len(records) for records, _ in pieces) == 6000
    assert len(log.read_batches(0, 1 << 30)) <= 1 << 20
