"""Log files: the pool of descriptors, and the fallbacks for other operating systems."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.storage import Log, LogConfig
from kit.broker.storage import files as storage_files
from kit.broker.storage.files import FilePool, LogFile
from kit.wire.errors import BrokerError, ErrorCode
from tests.support.logs import START_MS, append_values, open_log

pytestmark = pytest.mark.portable


def test_reading_without_pread_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no pread; moving the file's position there does not disturb where appends go."""
    monkeypatch.setattr(storage_files, "read_at", storage_files.seek_and_read)
    file = LogFile(tmp_path / "f.log", FilePool())

    file.append(b"0123456789")
    middle = file.range(3, 7)
    assert middle.read() == b"3456"
    file.append(b"abc")

    assert (middle.read(), file.read(0, 100), (tmp_path / "f.log").read_bytes()) == (
        b"3456",
        b"0123456789abc",
        b"0123456789abc",
    )


def test_file_range_has_the_descriptor_that_sendfile_needs(tmp_path: Path) -> None:
    """`fileno`, position and size are what ``os.sendfile`` is called with."""
    file = LogFile(tmp_path / "f.log", FilePool())
    file.append(b"0123456789")

    part = file.range(2, 5)

    assert (part.position, part.size_bytes) == (2, 3)
    assert os.fstat(part.file.fileno()).st_size == 10


def test_pool_keeps_what_was_used_lately(tmp_path: Path) -> None:
    """A file that is used all the time stays open while others come and go."""
    pool = FilePool(max_open=3)
    busy = LogFile(tmp_path / "busy.log", pool)
    descriptor = busy.open()
    for number in range(20):
        LogFile(tmp_path / f"{number}.log", pool).append(b"x")
        assert busy.open() is descriptor

    assert len(pool) == 3


def test_many_segments_need_few_descriptors(tmp_path: Path) -> None:
    """Reading and writing hundreds of segments stays within the pool's bound."""
    pool = FilePool(max_open=4)
    log = Log(tmp_path / "t-0", config=LogConfig(segment_bytes=200), clock=VirtualClock(START_MS), pool=pool)
    for _ in range(100):
        append_values(log, b"x" * 100)

    sizes = [log.read(offset, 1000).size_bytes for offset in range(100)]  # type: ignore[union-attr]

    assert len(log.segments) == 100
    assert sum(sizes) == log.size_bytes
    assert len(pool) <= 4


def test_closing_returns_all_descriptors(tmp_path: Path) -> None:
    """A closed log holds none, and opens its file again when it is read."""
    pool = FilePool()
    log = Log(tmp_path / "t-0", config=LogConfig(), clock=VirtualClock(START_MS), pool=pool)
    append_values(log, b"a")
    log.close()

    assert len(pool) == 0
    assert log.read(0, 100) is not None


def test_file_that_cannot_be_opened_is_a_storage_error(tmp_path: Path) -> None:
    """The message has the path and says where to look."""
    log = open_log(tmp_path / "t-0")
    (tmp_path / "t-0" / "00000000000000000000.log").mkdir()

    with pytest.raises(BrokerError, match=r"00000000000000000000\.log.*permissions") as caught:
        append_values(log, b"a")

    assert caught.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert log.log_end_offset == 0


def test_flush_that_fails_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recovery point stays where it was."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a")

    def refuse(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(storage_files.os, "fsync", refuse)

    with pytest.raises(BrokerError, match="cannot flush") as caught:
        log.flush()

    assert caught.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert log.recovery_point == 0
