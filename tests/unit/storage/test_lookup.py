"""Offsets by timestamp: ListOffsets and everything a consumer seeks by time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.wire.batch_builder import build_batch
from kit.wire.records import Record
from tests.support.logs import START_MS, append, append_values, open_log


def batch_at(timestamps_ms: list[int], compression: str = "none") -> bytearray:
    """A batch whose records have these timestamps."""
    return build_batch([Record(0, at_ms, None, b"v" * 20) for at_ms in timestamps_ms], compression=compression)


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_offset_for_timestamp_looks_inside_a_batch(tmp_path: Path, compression: str) -> None:
    """The answer is a record, not a batch, compressed or not, and carries the leader epoch of its batch."""
    log = open_log(tmp_path / "t-0")
    append(log, batch_at([10, 20, 30], compression), leader_epoch=2)

    assert log.offset_for_timestamp(15) == (20, 1, 2)
    assert log.offset_for_timestamp(30) == (30, 2, 2)
    assert log.offset_for_timestamp(31) is None


def test_offset_for_timestamp_skips_deleted_records(tmp_path: Path) -> None:
    """A record below the log start offset is no answer."""
    log = open_log(tmp_path / "t-0")
    append(log, batch_at([10, 20, 30]))
    log.delete_records_before(2)

    assert log.offset_for_timestamp(0) == (30, 2, 0)


def test_offset_for_timestamp_takes_the_brokers_time_with_log_append_time(tmp_path: Path) -> None:
    """All records of a batch have the time of its append."""
    log = open_log(tmp_path / "t-0", timestamp_type="LogAppendTime")
    append(log, batch_at([10, 20]))

    assert log.offset_for_timestamp(15) == (START_MS, 0, 0)


def test_offset_of_max_timestamp_is_the_first_record_that_has_it(tmp_path: Path) -> None:
    """KIP-734: the newest by timestamp, which need not be the last by offset."""
    log = open_log(tmp_path / "t-0", segment_bytes=250)
    for timestamps_ms in ([10, 50], [20, 50], [30, 40]):
        append(log, batch_at(timestamps_ms))

    assert log.offset_of_max_timestamp() == (50, 1, 0)


def test_offset_of_max_timestamp_is_unknown_without_timestamps(tmp_path: Path) -> None:
    """No records, or records of a producer that sends none."""
    log = open_log(tmp_path / "t-0")
    assert log.offset_of_max_timestamp() is None

    append_values(log, b"a", timestamp_ms=-1)
    assert log.offset_of_max_timestamp() is None


@given(
    batches=st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), min_size=1, max_size=30),
    index_interval_bytes=st.sampled_from([0, 200, 4096]),
    reopen=st.booleans(),
)
def test_lookup_finds_what_a_full_scan_finds(batches: list[list[int]], index_interval_bytes: int, reopen: bool) -> None:
    """Timestamps may be in any order; the indexes only save work."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"segment_bytes": 600, "segment_ms": 1 << 40, "index_interval_bytes": index_interval_bytes}
        log = open_log(Path(folder) / "t-0", **settings)
        for timestamps_ms in batches:
            append(log, batch_at(timestamps_ms))
        if reopen:
            log.close()
            log = open_log(Path(folder) / "t-0", **settings)
        timestamps_ms = [at_ms for each in batches for at_ms in each]

        for wanted_ms in range(32):
            expected = next((offset for offset, at_ms in enumerate(timestamps_ms) if at_ms >= wanted_ms), None)
            found = log.offset_for_timestamp(wanted_ms)
            assert (None if found is None else found.offset) == expected
        newest = log.offset_of_max_timestamp()
        assert newest is not None
        assert newest.offset == timestamps_ms.index(max(timestamps_ms))
