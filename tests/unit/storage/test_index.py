"""The sparse indexes: Kafka's bytes, and what is no index."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from kit.broker.storage.index import OFFSET_ENTRY, TIME_ENTRY, SparseIndex
from tests.support.logs import START_MS, append_values, batch, open_log

pytestmark = pytest.mark.portable


def test_index_files_have_kafkas_entries(tmp_path: Path) -> None:
    """Offset index: relative offset, position. Time index: timestamp, relative offset. Big-endian."""
    log = open_log(tmp_path / "t-0", index_interval_bytes=100)
    one_bytes = len(batch([b"x" * 100]))
    for number in range(3):
        append_values(log, b"x" * 100, timestamp_ms=START_MS + number)
    log.close()

    offset_index = (tmp_path / "t-0" / "00000000000000000000.index").read_bytes()
    time_index = (tmp_path / "t-0" / "00000000000000000000.timeindex").read_bytes()

    assert offset_index == bytes.fromhex(f"00000001{one_bytes:08x}00000002{2 * one_bytes:08x}")
    assert time_index == bytes.fromhex(f"{START_MS + 1:016x}00000001{START_MS + 2:016x}00000002")


def test_index_saves_only_what_is_new_and_loads_it_again(tmp_path: Path) -> None:
    """Appending, truncating and appending again leave the file as the memory is."""
    index = SparseIndex(tmp_path / "i", OFFSET_ENTRY)
    for number in range(5):
        index.append(number, number * 10)
    index.save()
    index.truncate(3)
    index.append(9, 90)
    index.save()
    index.append(11, 110)
    index.save()

    again = SparseIndex(tmp_path / "i", OFFSET_ENTRY)

    assert again.load()
    assert list(again.keys) == [0, 1, 2, 9, 11]
    assert list(again.values) == [0, 10, 20, 90, 110]
    assert (again.floor(8), again.floor(-1), again.floor_value(90)) == (2, -1, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"1234567",
        OFFSET_ENTRY.pack(5, 1) + OFFSET_ENTRY.pack(5, 2),
        OFFSET_ENTRY.pack(1, 9) + bytes(8),
        OFFSET_ENTRY.pack(1, -9),
    ],
)
def test_index_refuses_what_does_not_ascend_or_fit(tmp_path: Path, content: bytes) -> None:
    """Then it is empty, to be built again."""
    (tmp_path / "i").write_bytes(content)
    index = SparseIndex(tmp_path / "i", OFFSET_ENTRY)

    assert not index.load()
    assert len(index) == 0


def test_index_that_cannot_be_written_is_no_disaster(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next save writes all of it."""
    (tmp_path / "i").mkdir()
    index = SparseIndex(tmp_path / "i", TIME_ENTRY)
    index.append(1, 1)

    with caplog.at_level(logging.WARNING):
        index.save()
    assert "cannot write" in caplog.text

    (tmp_path / "i").rmdir()
    index.save()
    assert (tmp_path / "i").read_bytes() == TIME_ENTRY.pack(1, 1)
