"""Retention and DeleteRecords: whole segments go, and the log start offset moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.storage import Log
from kit.wire.errors import BrokerError, ErrorCode
from tests.support.logs import START_MS, append_values, contents, files, open_log

pytestmark = pytest.mark.portable

SEGMENT = {"segment_bytes": 200, "file_delete_delay_ms": 0}  # one batch of 100 bytes fills a segment


def filled(tmp_path: Path, count: int, clock: VirtualClock | None = None, **config: object) -> Log:
    """A log of ``count`` segments with one record each, a second apart."""
    log = open_log(tmp_path / "t-0", clock, **{**SEGMENT, **config})
    for number in range(count):
        append_values(log, b"x" * 100, timestamp_ms=START_MS + 1000 * number)
    assert len(log.segments) == count
    return log


def test_retention_deletes_segments_whose_newest_record_is_too_old(tmp_path: Path) -> None:
    """By age, oldest first; a record exactly as old as allowed stays."""
    log = filled(tmp_path, 4, retention_ms=2000)

    deleted = log.delete_old_segments(START_MS + 3001)

    assert [base_offset for base_offset, _ in deleted] == [0, 1]
    assert "retention.ms" in deleted[0][1]
    assert log.log_start_offset == 2
    assert [offset for offset, _ in contents(log)] == [2, 3]


def test_retention_rolls_the_active_segment_when_it_is_too_old(tmp_path: Path) -> None:
    """Records of a topic that nobody writes to any more go too, and the offsets go on."""
    log = filled(tmp_path, 2, retention_ms=2000)

    assert [base_offset for base_offset, _ in log.delete_old_segments(START_MS + 60_000)] == [0, 1]

    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (2, 2, 0)
    assert log.delete_old_segments(START_MS + 120_000) == []
    reopened = open_log(tmp_path / "t-0", **SEGMENT)
    assert append_values(reopened, b"next").first_offset == 2


def test_retention_by_size_keeps_at_least_what_is_allowed(tmp_path: Path) -> None:
    """A segment goes only if the log without it is not smaller than retention.bytes."""
    log = filled(tmp_path, 5)
    one_bytes = log.size_bytes // 5
    log.config = type(log.config)(**SEGMENT, retention_bytes=2 * one_bytes + 1)

    deleted = log.delete_old_segments(START_MS)

    assert [base_offset for base_offset, _ in deleted] == [0, 1]
    assert "retention.bytes" in deleted[0][1]
    assert log.size_bytes == 3 * one_bytes


def test_retention_keeps_what_is_not_committed(tmp_path: Path) -> None:
    """Records from the high watermark on are not deleted, however old."""
    log = filled(tmp_path, 4, retention_ms=0)

    deleted = log.delete_old_segments(START_MS + 60_000, high_watermark=2)

    assert [base_offset for base_offset, _ in deleted] == [0, 1]


def test_retention_leaves_compacted_logs_alone(tmp_path: Path) -> None:
    """cleanup.policy=compact keeps the last value of each key for ever."""
    log = filled(tmp_path, 3, retention_ms=0, retention_bytes=0, cleanup_policy=["compact"])

    assert log.delete_old_segments(START_MS + 60_000) == []


def test_retention_ages_records_without_timestamp_from_when_the_log_was_opened(tmp_path: Path) -> None:
    """A segment whose records have no timestamp is not deleted as if it were from 1970."""
    clock = VirtualClock(START_MS)
    log = open_log(tmp_path / "t-0", clock, **SEGMENT, retention_ms=2000)
    append_values(log, b"a", timestamp_ms=-1)

    assert log.delete_old_segments(START_MS + 2000) == []
    assert log.delete_old_segments(START_MS + 2001) != []


def test_deleted_files_stay_for_the_delay_under_another_name(tmp_path: Path) -> None:
    """Kafka renames at once and unlinks after file.delete.delay.ms."""
    clock = VirtualClock(START_MS)
    log = filled(tmp_path, 2, clock, retention_ms=500, file_delete_delay_ms=60_000)

    log.delete_old_segments(START_MS + 1000)

    assert "00000000000000000000.log.deleted" in files(tmp_path / "t-0", ".deleted")
    clock.advance(60_000)
    assert files(tmp_path / "t-0", ".deleted") == []


def test_deleted_files_that_a_crash_left_are_removed_at_the_next_start(tmp_path: Path) -> None:
    """The timer died with the process; the names tell."""
    log = filled(tmp_path, 2, retention_ms=500, file_delete_delay_ms=60_000)
    log.delete_old_segments(START_MS + 1000)

    reopened = open_log(tmp_path / "t-0", **SEGMENT)

    assert files(tmp_path / "t-0", ".deleted") == []
    assert [offset for offset, _ in contents(reopened)] == [1]


def test_delete_oldest_segment_takes_the_active_one_last(tmp_path: Path) -> None:
    """It tells how many bytes it freed, and 0 when no record is left."""
    log = filled(tmp_path, 2)
    first_bytes, last_bytes = (segment.size_bytes for segment in log.segments)

    assert [log.delete_oldest_segment(), log.delete_oldest_segment()] == [first_bytes, last_bytes]
    assert log.delete_oldest_segment() == 0
    assert log.log_start_offset == log.log_end_offset == 2


def test_delete_records_hides_records_in_the_middle_of_a_segment(tmp_path: Path) -> None:
    """Only whole closed segments leave the disk, but nothing below the new start can be read."""
    log = open_log(tmp_path / "t-0", segment_bytes=400, file_delete_delay_ms=0)
    for number in range(6):
        append_values(log, b"%d" % number * 100)

    log.delete_records_before(3)

    assert [offset for offset, _ in contents(log)] == [3, 4, 5]
    assert log.segments[0].base_offset == 2
    assert log.leader_epochs.entries() == [(0, 3)]


def test_delete_records_never_moves_backwards(tmp_path: Path) -> None:
    """A lower offset than the log start offset changes nothing."""
    log = filled(tmp_path, 4)
    log.delete_records_before(3)

    log.delete_records_before(1)

    assert log.log_start_offset == 3


def test_delete_records_refuses_offsets_above_the_end(tmp_path: Path) -> None:
    """What was never written cannot be deleted."""
    log = filled(tmp_path, 2)

    with pytest.raises(BrokerError) as caught:
        log.delete_records_before(3)

    assert caught.value.code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert log.log_start_offset == 0


def test_delete_renames_the_directory_at_once_and_removes_it_later(tmp_path: Path) -> None:
    """A topic of the same name can be created again immediately."""
    clock = VirtualClock(START_MS)
    log = filled(tmp_path, 2, clock, file_delete_delay_ms=1000)

    log.delete()

    assert not (tmp_path / "t-0").exists()
    assert [path.name.endswith("-delete") for path in tmp_path.iterdir()] == [True]
    assert open_log(tmp_path / "t-0").log_end_offset == 0
    clock.advance(1000)
    assert [path.name for path in tmp_path.iterdir()] == ["t-0"]
