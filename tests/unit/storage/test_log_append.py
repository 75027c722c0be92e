"""Appending: offsets, rolling, failures."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.storage import Log
from kit.broker.storage import files as storage_files
from kit.wire.batch_builder import build_batch
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import check_batch, iter_headers, read_header, read_records
from tests.support.logs import START_MS, append, append_values, batch, contents, files, open_log

pytestmark = pytest.mark.portable


def test_append_gives_consecutive_offsets_to_batches_and_calls(tmp_path: Path) -> None:
    """Offsets continue over the batches of one call and over calls."""
    log = open_log(tmp_path / "t-0")
    both = batch([b"a", b"b"]) + batch([b"c"])

    info = log.append(memoryview(both), [header for _, header in iter_headers(both)], leader_epoch=3)
    append_values(log, b"d")

    assert (info.first_offset, info.last_offset, info.log_append_time_ms, info.rolled) == (0, 2, -1, False)
    assert contents(log) == [(0, b"a"), (1, b"b"), (2, b"c"), (3, b"d")]
    assert log.log_end_offset == 4


def test_append_writes_the_leader_epoch_and_leaves_the_crc_valid(tmp_path: Path) -> None:
    """Offset and epoch lie outside the CRC, so patching them in place needs no new one."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a")
    append_values(log, b"b", leader_epoch=7)

    stored = log.read(1, 1 << 20)

    assert stored is not None
    header = check_batch(stored.read())
    assert (header.base_offset, header.partition_leader_epoch) == (1, 7)


def test_append_sets_the_time_when_the_topic_says_log_append_time(tmp_path: Path) -> None:
    """With LogAppendTime every record gets the broker's time, and the CRC is made anew."""
    clock = VirtualClock(START_MS)
    log = open_log(tmp_path / "t-0", clock, timestamp_type="LogAppendTime")
    clock.advance(5000)

    info = append_values(log, b"a", b"b", timestamp_ms=42)

    stored = log.read(0, 1 << 20)
    assert stored is not None
    data = stored.read()
    assert info.log_append_time_ms == START_MS + 5000
    assert check_batch(data).timestamp_type == "LogAppendTime"
    assert [record.timestamp_ms for record in read_records(data)] == [START_MS + 5000] * 2
    assert log.segments[0].largest_timestamp_ms == START_MS + 5000


def test_append_rolls_a_segment_that_would_become_too_large(tmp_path: Path) -> None:
    """A segment never exceeds segment.bytes; the new one is named by the offset it starts at."""
    one = batch([b"x" * 100])
    log = open_log(tmp_path / "t-0", segment_bytes=3 * len(one))

    rolled = [append(log, bytearray(one)).rolled for _ in range(7)]

    assert rolled == [False, False, False, True, False, False, True]
    assert [segment.base_offset for segment in log.segments] == [0, 3, 6]
    assert files(tmp_path / "t-0", ".log") == [
        "00000000000000000000.log",
        "00000000000000000003.log",
        "00000000000000000006.log",
    ]


def test_append_rolls_a_segment_whose_records_span_too_much_time(tmp_path: Path) -> None:
    """A segment ages by its records' timestamps, counted from its first batch."""
    log = open_log(tmp_path / "t-0", segment_ms=1000)
    append_values(log, b"a", timestamp_ms=START_MS)

    assert not append_values(log, b"b", timestamp_ms=START_MS + 1000).rolled
    assert append_values(log, b"c", timestamp_ms=START_MS + 1001).rolled


def test_append_rolls_by_the_clock_when_records_have_no_timestamp(tmp_path: Path) -> None:
    """Without timestamps a segment ages from the moment it was made."""
    clock = VirtualClock(START_MS)
    log = open_log(tmp_path / "t-0", clock, segment_ms=1000)
    append_values(log, b"a", timestamp_ms=-1)
    clock.advance(1001)

    assert append_values(log, b"b", timestamp_ms=-1).rolled


def test_append_rolls_when_the_index_is_full(tmp_path: Path) -> None:
    """segment.index.bytes bounds the entries of an index, and so the segment."""
    log = open_log(tmp_path / "t-0", segment_index_bytes=24, index_interval_bytes=0)

    rolled = [append_values(log, b"a", timestamp_ms=START_MS + n).rolled for n in range(5)]

    assert rolled == [False, False, False, True, False]


def test_append_as_follower_rolls_before_a_relative_offset_overflows(tmp_path: Path) -> None:
    """An index entry holds offsets as 32 bits relative to the base offset."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a")
    far = 2**31 + 10

    log.append_as_follower(batch([b"b"], base_offset=far, leader_epoch=0))

    assert len(log.segments) == 2
    assert contents(log) == [(0, b"a"), (far, b"b")]


def test_append_refuses_more_than_a_segment_may_hold(tmp_path: Path) -> None:
    """RECORD_LIST_TOO_LARGE, and nothing is written."""
    log = open_log(tmp_path / "t-0", segment_bytes=1000)

    with pytest.raises(BrokerError) as caught:
        append_values(log, b"x" * 1000)

    assert caught.value.code == ErrorCode.RECORD_LIST_TOO_LARGE
    assert (log.log_end_offset, log.size_bytes) == (0, 0)


def test_append_refuses_headers_that_are_not_of_these_batches(tmp_path: Path) -> None:
    """A slip in the caller must not write half a batch."""
    log = open_log(tmp_path / "t-0")
    data = batch([b"a"])

    with pytest.raises(ValueError, match="headers cover"):
        log.append(data + data, [read_header(data)], leader_epoch=0)

    assert log.size_bytes == 0


class _Disk:
    """Stands in for the ``os`` module of the storage layer: writes few bytes at a time, fails when told to."""

    def __init__(self, bytes_left: int, at_once: int = 1 << 30) -> None:
        self.bytes_left = bytes_left
        self.at_once = at_once
        self.can_truncate = True

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if not self.bytes_left:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = os.write(fd, memoryview(data)[: min(self.at_once, self.bytes_left)])
        self.bytes_left -= written
        return written

    def ftruncate(self, fd: int, size_bytes: int) -> None:
        if not self.can_truncate:
            raise OSError(errno.EIO, "Input/output error")
        os.ftruncate(fd, size_bytes)


def _log_on(disk: _Disk, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    append_values(log, b"before")
    monkeypatch.setattr(storage_files, "os", disk)


def test_append_finishes_short_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system may write less than asked for; the rest follows."""
    log = open_log(tmp_path / "t-0")
    _log_on(_Disk(bytes_left=1 << 30, at_once=10), log, monkeypatch)

    append_values(log, b"a" * 200)

    assert contents(log) == [(0, b"before"), (1, b"a" * 200)]


@pytest.mark.parametrize("can_truncate", [True, False])
def test_append_leaves_the_log_as_it_was_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_truncate: bool
) -> None:
    """A torn batch is cut off again: at once, or before the next append when even that fails at first."""
    log = open_log(tmp_path / "t-0")
    disk = _Disk(bytes_left=30)
    disk.can_truncate = can_truncate
    _log_on(disk, log, monkeypatch)
    size_bytes = log.size_bytes

    with pytest.raises(BrokerError, match="No space left on device") as caught:
        append_values(log, b"lost")

    assert caught.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert (log.log_end_offset, log.size_bytes) == (1, size_bytes)
    disk.bytes_left = 1 << 30
    disk.can_truncate = True
    append_values(log, b"after")
    assert contents(log) == [(0, b"before"), (1, b"after")]
    assert contents(open_log(tmp_path / "t-0")) == [(0, b"before"), (1, b"after")]


def test_append_as_follower_keeps_offsets_and_epochs(tmp_path: Path) -> None:
    """A follower stores what the leader decided, gaps included, and leaves a torn batch at the end out."""
    log = open_log(tmp_path / "t-0")
    sent = batch([b"a", b"b"], base_offset=5, leader_epoch=1) + batch([b"c"], base_offset=9, leader_epoch=2)

    log.append_as_follower(sent + batch([b"torn"], base_offset=10, leader_epoch=2)[:-1])

    assert contents(log) == [(5, b"a"), (6, b"b"), (9, b"c")]
    assert log.log_end_offset == 10
    assert log.leader_epochs.entries() == [(1, 5), (2, 9)]


@pytest.mark.parametrize("damage", ["crc", "offset"])
def test_append_as_follower_refuses_what_cannot_be_right(tmp_path: Path, damage: str) -> None:
    """A wrong CRC or an offset that the log has already: nothing is appended."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a", b"b")
    sent = batch([b"c"], base_offset=2 if damage == "crc" else 1, leader_epoch=0)
    if damage == "crc":
        sent[-1] ^= 1

    with pytest.raises(ValueError, match="CRC" if damage == "crc" else "expected 2"):
        log.append_as_follower(sent)

    assert log.log_end_offset == 2


def test_append_of_compressed_batches_keeps_the_bytes(tmp_path: Path) -> None:
    """A compressed batch is stored as the producer sent it, but for offset and epoch."""
    log = open_log(tmp_path / "t-0")
    data = build_batch([*read_records(batch([b"a" * 50] * 20))], compression="gzip")
    append(log, data)

    stored = log.read(0, 1 << 20)

    assert stored is not None
    assert stored.read() == bytes(data)


def test_empty_log_has_no_files_until_the_first_record(tmp_path: Path) -> None:
    """Creating thousands of partitions costs a directory each, no more."""
    log = open_log(tmp_path / "t-0")

    assert files(tmp_path / "t-0", "") == []

    append_values(log, b"a")
    log.close()
    assert files(tmp_path / "t-0", "") == [
        "00000000000000000000.index",
        "00000000000000000000.log",
        "00000000000000000000.timeindex",
        "00000000000000000001.snapshot",
        "leader-epoch-checkpoint",
    ]
