"""Opening a log after a crash: the longest valid prefix, whatever is missing."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.clock import VirtualClock
from kit.broker.storage import Log, LogConfig
from kit.broker.storage.recovery import Opening
from kit.wire.records import HEADER_BYTES, read_header
from tests.support.logs import START_MS, append, append_values, batch, contents, files, open_log

pytestmark = pytest.mark.portable

SETTINGS = {"segment_bytes": 260, "index_interval_bytes": 100}


def fill(directory: Path, *, close: bool = False) -> list[tuple[int, int, int]]:
    """Write a log of three segments and leave it as a crash would; (first offset, last offset, end byte) per batch."""
    log = open_log(directory, **SETTINGS)
    placed = []
    for number, count in enumerate([1, 3, 2, 1, 4, 2]):
        data = batch(
            [b"value-%d" % number] * count,
            timestamp_ms=START_MS + number,
            producer_id=7,
            producer_epoch=0,
            base_sequence=log.log_end_offset,
        )
        info = append(log, data, leader_epoch=number // 2)
        placed.append((info.first_offset, info.last_offset, log.size_bytes))
    assert len(log.segments) == 3
    if close:
        log.close()
    return placed


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, int, int]]]:
    """A log that was never closed, to be copied and damaged."""
    directory = tmp_path_factory.mktemp("crashed") / "t-0"
    return directory, fill(directory)


def log_files(directory: Path) -> list[Path]:
    """The segments' log files in order."""
    return [directory / name for name in files(directory, ".log")]


def keep_bytes(directory: Path, count: int) -> None:
    """Cut a log of several segments at its byte ``count``, counted over all segments."""
    for path in log_files(directory):
        size = path.stat().st_size
        if count <= 0:
            path.unlink()
        elif count < size:
            path.write_bytes(path.read_bytes()[:count])
        count -= size


def test_recovery_keeps_whole_batches_when_the_log_is_cut_at_any_byte(
    tmp_path: Path, crashed: tuple[Path, list[tuple[int, int, int]]]
) -> None:
    """For each length that a crash can leave, exactly the batches before it are there, and the log can go on."""
    source, placed = crashed
    for length in range(placed[-1][2] + 1):
        directory = tmp_path / f"t-{length}"
        shutil.copytree(source, directory)
        keep_bytes(directory, length)
        log = open_log(directory, **SETTINGS)

        expected = [offset for first, last, end in placed if end <= length for offset in range(first, last + 1)]
        assert [offset for offset, _ in contents(log)] == expected, length
        assert log.log_end_offset == len(expected), length
        assert append_values(log, b"next", leader_epoch=9).first_offset == len(expected)
        shutil.rmtree(directory)


def test_recovery_cuts_before_the_first_damaged_byte(
    tmp_path: Path, crashed: tuple[Path, list[tuple[int, int, int]]]
) -> None:
    """A flipped bit anywhere under a CRC, or in a length or magic, costs its batch and all that follow."""
    source, placed = crashed
    start = 0
    for first, _, end in placed:
        for position in [*range(start + 8, start + 12), *range(start + 16, end)]:
            directory = tmp_path / f"t-{position}"
            shutil.copytree(source, directory)
            flip(directory, position)

            log = open_log(directory, **SETTINGS)

            assert [offset for offset, _ in contents(log)] == list(range(first)), position
            shutil.rmtree(directory)
        start = end


def flip(directory: Path, position: int) -> None:
    """Change one byte of a log, counted over all segments."""
    for path in log_files(directory):
        data = bytearray(path.read_bytes())
        if position < len(data):
            data[position] ^= 0x40
            path.write_bytes(data)
            return
        position -= len(data)


def test_recovery_says_what_it_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """File, position, offset and number of bytes are in the broker's log; a later segment is named too."""
    directory = tmp_path / "t-0"
    placed = fill(directory)
    first_file, *later = log_files(directory)
    flip(directory, placed[0][2] + HEADER_BYTES)
    lost_bytes = first_file.stat().st_size - placed[0][2]

    with caplog.at_level(logging.ERROR):
        open_log(directory, **SETTINGS)

    messages = [record.getMessage() for record in caplog.records]
    assert f"{first_file}: no valid batch at position {placed[0][2]} (offset 1)" in messages[0]
    assert f"the {lost_bytes} bytes" in messages[0]
    assert [str(path) in message for path, message in zip(later, messages[1:], strict=True)] == [True, True]
    assert log_files(directory) == [first_file]


def test_recovery_of_a_sound_log_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A crash that lost nothing is no event."""
    fill(tmp_path / "t-0")

    with caplog.at_level(logging.WARNING):
        open_log(tmp_path / "t-0", **SETTINGS)

    assert caplog.records == []


def remove(path: Path) -> None:
    """As a deletion by hand."""
    path.unlink()


def empty(path: Path) -> None:
    """As a file system that lost the content in a power failure."""
    path.write_bytes(b"")


def shorten(path: Path) -> None:
    """As a write that was cut off."""
    path.write_bytes(path.read_bytes()[:-5])


def fill_with_zeros(path: Path) -> None:
    """As Apache Kafka leaves a preallocated index after a crash."""
    path.write_bytes(path.read_bytes() + bytes(240))


def scramble(path: Path) -> None:
    """Bytes of the right number that mean nothing."""
    path.write_bytes(bytes(byte ^ 0x5A for byte in path.read_bytes()))


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("damage", [remove, empty, shorten, fill_with_zeros, scramble])
@pytest.mark.parametrize("suffix", [".index", ".timeindex", ".snapshot", "leader-epoch-checkpoint"])
def test_opening_needs_nothing_but_the_log_files(
    tmp_path: Path, suffix: str, damage: Callable[[Path], None], clean: bool
) -> None:
    """Indexes, snapshots and the epoch checkpoint may be missing or garbage: the batches say it all."""
    directory = tmp_path / "t-0"
    placed = fill(directory, close=True)
    for name in files(directory, suffix):
        damage(directory / name)

    log = Log(
        directory,
        config=LogConfig(**SETTINGS),
        clock=VirtualClock(START_MS),
        opening=Opening(clean_shutdown=clean, recovery_point=placed[-1][1] + 1 if clean else 0),
    )

    assert [offset for offset, _ in contents(log)] == list(range(placed[-1][1] + 1))
    for number, (first, _, _) in enumerate(placed):
        found = log.offset_for_timestamp(START_MS + number)
        assert found is not None
        assert (found.offset, found.leader_epoch) == (first, number // 2)
    assert log.leader_epochs.entries() == [(0, 0), (1, placed[2][0]), (2, placed[4][0])]
    retried = batch([b"v"] * 2, producer_id=7, producer_epoch=0, base_sequence=placed[-1][0])
    duplicate = log.producers.check(read_header(retried), log_start_offset=log.log_start_offset)
    assert duplicate is not None
    assert (duplicate.base_offset, duplicate.last_offset) == placed[-1][:2]


def test_recovery_does_not_read_below_the_recovery_point(tmp_path: Path) -> None:
    """What was flushed needs no check, so the time to open a log does not grow with its size."""
    directory = tmp_path / "t-0"
    placed = fill(directory, close=True)
    flip(directory, placed[0][2] - 1)
    second_segment = int(log_files(directory)[1].stem)

    log = Log(
        directory,
        config=LogConfig(**SETTINGS),
        clock=VirtualClock(START_MS),
        opening=Opening(recovery_point=second_segment),
    )

    assert log.log_end_offset == placed[-1][1] + 1
    assert len(log.segments) == 3


def test_recovery_starts_at_the_log_start_offset_when_all_records_are_below_it(tmp_path: Path) -> None:
    """The checkpoint says that they were deleted; the offsets do not start again at a lower one."""
    directory = tmp_path / "t-0"
    fill(directory)

    log = Log(directory, config=LogConfig(), clock=VirtualClock(START_MS), opening=Opening(log_start_offset=1000))

    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (1000, 1000, 0)


def test_recovery_ignores_files_that_are_not_its_own(tmp_path: Path) -> None:
    """A note that somebody put into the directory stays, an index without its log does not."""
    directory = tmp_path / "t-0"
    fill(directory)
    (directory / "notes.log").write_text("mine")
    (directory / "00000000000000000999.index").write_bytes(bytes(8))

    log = open_log(directory, **SETTINGS)

    assert len(log.segments) == 3
    assert (directory / "notes.log").exists()
    assert not (directory / "00000000000000000999.index").exists()


@given(garbage=st.binary(max_size=200))
def test_recovery_survives_any_bytes_in_a_log_file(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    """What is no batch is removed, and the log is usable."""
    directory = tmp_path_factory.mktemp("garbage") / "t-0"
    directory.mkdir()
    (directory / "00000000000000000000.log").write_bytes(garbage)

    log = open_log(directory)

    assert (log.log_end_offset, log.size_bytes) == (0, 0)
    append_values(log, b"a")
    assert contents(log) == [(0, b"a")]


def test_recovery_refuses_offsets_that_run_backwards(tmp_path: Path) -> None:
    """A base offset is not covered by the CRC; one that the log has passed already is damage."""
    directory = tmp_path / "t-0"
    log = open_log(directory)
    append_values(log, b"a")
    append_values(log, b"b")
    path = directory / "00000000000000000000.log"
    data = path.read_bytes()
    path.write_bytes(data + data[: len(data) // 2])

    assert contents(open_log(directory)) == [(0, b"a"), (1, b"b")]
