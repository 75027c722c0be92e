"""Reading: which bytes answer a fetch."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.clock import VirtualClock
from kit.broker.storage import FileRange, Log, LogConfig
from kit.broker.storage.files import FilePool
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import iter_headers
from tests.support.logs import START_MS, append_values, contents, open_log

pytestmark = pytest.mark.portable


def spans(found: FileRange | None) -> list[tuple[int, int]]:
    """(first offset, last offset) of the batches in a range, which must consist of whole batches."""
    if found is None:
        return []
    data = found.read()
    headers = [header for _, header in iter_headers(data)]
    assert sum(header.size_bytes for header in headers) == len(data) == found.size_bytes
    return [(header.base_offset, header.last_offset) for header in headers]


def test_read_starts_with_the_batch_that_contains_the_offset(tmp_path: Path) -> None:
    """An offset in the middle of a batch gives the whole batch: clients skip what they did not ask for."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a", b"b", b"c")
    append_values(log, b"d")

    assert spans(log.read(1, 1 << 20)) == [(0, 2), (3, 3)]
    assert spans(log.read(3, 1 << 20)) == [(3, 3)]


def test_read_gives_one_batch_even_if_it_is_too_large(tmp_path: Path) -> None:
    """Otherwise a consumer with a small limit would never get past a large batch (KIP-74)."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"x" * 1000)
    append_values(log, b"y")

    assert spans(log.read(0, 10)) == [(0, 0)]
    assert log.read(0, 10, min_one_batch=False) is None


def test_read_ends_below_max_offset(tmp_path: Path) -> None:
    """Nothing from the high watermark on, and nothing at all at it."""
    log = open_log(tmp_path / "t-0")
    for value in (b"a", b"b", b"c"):
        append_values(log, value)

    assert spans(log.read(0, 1 << 20, max_offset=2)) == [(0, 0), (1, 1)]
    assert log.read(2, 1 << 20, max_offset=2) is None
    assert log.read(3, 1 << 20) is None


@pytest.mark.parametrize("offset", [1, 4])
def test_read_refuses_offsets_that_the_log_does_not_have(tmp_path: Path, offset: int) -> None:
    """OFFSET_OUT_OF_RANGE below the log start offset and above the log end offset."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a", b"b", b"c")
    log.delete_records_before(2)

    with pytest.raises(BrokerError, match="offsets 2 to 3") as caught:
        log.read(offset, 100)

    assert caught.value.code == ErrorCode.OFFSET_OUT_OF_RANGE


def test_read_goes_on_in_the_next_segment_over_a_gap(tmp_path: Path) -> None:
    """An offset that no batch contains any more leads to the next one there is."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a", b"b")
    append_values(log, b"c", b"d")
    log.truncate_to(3)
    append_values(log, b"e")

    assert [offset for offset, _ in contents(log)] == [0, 1, 3]
    assert spans(log.read(2, 1 << 20)) == [(3, 3)]


def test_file_range_outlives_deletion_of_its_segment(tmp_path: Path) -> None:
    """An answer that is on its way is not disturbed when retention deletes its file."""
    clock = VirtualClock(START_MS)
    log = open_log(tmp_path / "t-0", clock, segment_bytes=200, file_delete_delay_ms=1000)
    for value in (b"a" * 100, b"b" * 100):
        append_values(log, value)
    found = log.read(0, 1 << 20)

    log.delete_records_before(1)
    clock.advance(1000)

    assert spans(found) == [(0, 0)]
    assert not list(tmp_path.rglob("*.deleted"))


def test_file_range_outlives_eviction_from_the_pool(tmp_path: Path) -> None:
    """The pool closes files that were not used lately, but never under a range."""
    pool = FilePool(max_open=2)
    logs = [Log(tmp_path / f"t-{n}", config=LogConfig(), clock=VirtualClock(START_MS), pool=pool) for n in range(6)]
    ranges = []
    for number, log in enumerate(logs):
        append_values(log, b"%d" % number)
        ranges.append(log.read(0, 1 << 20))
        assert len(pool) <= 2

    assert [spans(found) for found in ranges] == [[(0, 0)]] * 6
    assert [contents(log) for log in logs] == [[(0, b"%d" % number)] for number in range(6)]


def test_file_range_part_has_its_bytes(tmp_path: Path) -> None:
    """`sub` cuts a range without reading it, and refuses to leave it."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"abcdef")
    found = log.read(0, 1 << 20)
    assert found is not None

    assert found.sub(3, 10).read() == found.read()[3:13]
    with pytest.raises(ValueError, match="outside"):
        found.sub(3, len(found))


def test_file_range_says_so_when_the_file_was_cut(tmp_path: Path) -> None:
    """A range over bytes that a truncation took away cannot be read."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"abc")
    found = log.read(0, 1 << 20)
    assert found is not None
    log.truncate_to(0)

    with pytest.raises(BrokerError, match="fetch again") as caught:
        found.read()

    assert caught.value.code == ErrorCode.KAFKA_STORAGE_ERROR


BATCHES = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0, 20, 90, 300, 3000])), min_size=1, max_size=40)


@given(batches=BATCHES, data=st.data(), reopen=st.booleans(), index_interval_bytes=st.sampled_from([0, 400, 4096]))
def test_read_gives_the_longest_allowed_run_of_batches(
    batches: list[tuple[int, int]], data: st.DataObject, reopen: bool, index_interval_bytes: int
) -> None:
    """For any log and any request the answer is what the definition of `read` says."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"segment_bytes": 16_000, "index_interval_bytes": index_interval_bytes}
        log = open_log(Path(folder) / "t-0", **settings)
        placed = []  # (segment, first offset, last offset, size)
        for count, size in batches:
            before = log.size_bytes
            info = append_values(log, *[b"v" * size] * count)
            placed.append((log.active_base_offset, info.first_offset, info.last_offset, log.size_bytes - before))
        if reopen:
            log.close()
            log = open_log(Path(folder) / "t-0", **settings)
        offset = data.draw(st.integers(0, log.log_end_offset))
        max_bytes = data.draw(st.integers(0, 10_000))
        max_offset = data.draw(st.none() | st.sampled_from([last + 1 for _, _, last, _ in placed]))
        min_one_batch = data.draw(st.booleans())

        found = spans(log.read(offset, max_bytes, max_offset=max_offset, min_one_batch=min_one_batch))

        limit = log.log_end_offset if max_offset is None else max_offset
        expected: list[tuple[int, int]] = []
        expected_segment = -1
        for segment, first, last, size in placed:
            if last < offset or last >= limit or offset >= limit:
                continue
            if expected and segment != expected_segment:
                break
            expected_segment = segment
            max_bytes -= size
            if max_bytes < 0 and not (not expected and min_one_batch):
                break
            expected.append((first, last))
        assert found == expected
