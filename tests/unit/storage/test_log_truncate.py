"""Truncating: what a replica does with records that its leader does not have."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.logs import append, append_values, batch, contents, files, open_log

pytestmark = pytest.mark.portable


def test_truncate_to_removes_the_batch_that_contains_the_offset(tmp_path: Path) -> None:
    """A batch cannot be cut, so all of it goes, and the next record gets the offset asked for."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a", b"b")
    append_values(log, b"c", b"d")

    log.truncate_to(3)

    assert log.log_end_offset == 3
    assert contents(log) == [(0, b"a"), (1, b"b")]


def test_truncate_to_removes_later_segments(tmp_path: Path) -> None:
    """Whole segments go with their indexes, and appending goes on in what is then the last one."""
    one = batch([b"x" * 100])
    log = open_log(tmp_path / "t-0", segment_bytes=2 * len(one), file_delete_delay_ms=0)
    for _ in range(7):
        append(log, bytearray(one))

    log.truncate_to(3)
    append_values(log, b"new")

    assert files(tmp_path / "t-0", ".log") == ["00000000000000000000.log", "00000000000000000002.log"]
    assert contents(log)[3:] == [(3, b"new")]
    assert contents(open_log(tmp_path / "t-0"))[3:] == [(3, b"new")]


def test_truncate_to_beyond_the_end_does_nothing(tmp_path: Path) -> None:
    """There is nothing to remove."""
    log = open_log(tmp_path / "t-0")
    append_values(log, b"a")

    log.truncate_to(5)

    assert (log.log_end_offset, contents(log)) == (1, [(0, b"a")])


def test_truncate_to_forgets_epochs_and_producers_of_what_is_gone(tmp_path: Path) -> None:
    """Leader epochs and sequence numbers follow from the log, so they go with it."""
    log = open_log(tmp_path / "t-0")
    for sequence, epoch in enumerate([0, 0, 4]):
        append(log, batch([b"a"], producer_id=9, producer_epoch=0, base_sequence=sequence), leader_epoch=epoch)

    log.truncate_to(1)

    assert log.leader_epochs.entries() == [(0, 0)]
    retried = batch([b"again"], producer_id=9, producer_epoch=0, base_sequence=1)
    assert append(log, retried, leader_epoch=5).first_offset == 1
    assert log.leader_epochs.entries() == [(0, 0), (5, 1)]


def test_truncate_fully_and_start_at_continues_there_after_a_restart(tmp_path: Path) -> None:
    """An empty log remembers its offset: a follower that fell too far behind starts anew at the leader's start."""
    log = open_log(tmp_path / "t-0", file_delete_delay_ms=0)
    append(log, batch([b"a"], producer_id=9, producer_epoch=0, base_sequence=0))
    log.truncate_fully_and_start_at(50)
    log.close()

    log = open_log(tmp_path / "t-0")

    assert (log.log_start_offset, log.log_end_offset, log.latest_epoch, len(log.producers)) == (50, 50, -1, 0)
    append_values(log, b"b")
    assert contents(log) == [(50, b"b")]


def test_truncate_to_below_the_first_segment_starts_over(tmp_path: Path) -> None:
    """There is no record below the first segment, so nothing stays."""
    log = open_log(tmp_path / "t-0")
    log.truncate_fully_and_start_at(50)
    append_values(log, b"a")

    log.truncate_to(20)

    assert (log.log_start_offset, log.log_end_offset, contents(log)) == (20, 20, [])


@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=25),
    cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 3)), max_size=4),
    reopen=st.booleans(),
)
def test_truncate_and_append_in_any_order_keeps_what_is_below(
    sizes: list[int], cuts: list[tuple[int, int]], reopen: bool
) -> None:
    """After any cuts and appends the log has the batches that were never cut, in memory and on disk."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"segment_bytes": 400, "index_interval_bytes": 100}
        log = open_log(Path(folder) / "t-0", **settings)
        expected: list[list[int]] = []

        def add(count: int) -> None:
            info = append_values(log, *[b"v" * 40] * count)
            expected.append(list(range(info.first_offset, info.last_offset + 1)))

        for count in sizes:
            add(count)
        for offset, count in cuts:
            log.truncate_to(offset)
            expected = [batch_offsets for batch_offsets in expected if batch_offsets[-1] < offset]
            add(count)
            if reopen:
                log.close()
                log = open_log(Path(folder) / "t-0", **settings)

        assert [offset for offset, _ in contents(log)] == [offset for offsets in expected for offset in offsets]
