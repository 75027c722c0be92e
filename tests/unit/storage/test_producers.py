"""Idempotent producers: duplicates, gaps, epochs, snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.clock import VirtualClock
from kit.broker.producers import MAX_SEQUENCE, BadSnapshot, Duplicate, ProducerState
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import BatchHeader, read_header
from tests.support.logs import START_MS, append, batch, open_log


def header(base_sequence: int, count: int = 1, *, epoch: int = 0, producer_id: int = 1) -> BatchHeader:
    """The header of an idempotent batch."""
    data = batch([b"v"] * count, producer_id=producer_id, producer_epoch=epoch, base_sequence=base_sequence)
    return read_header(data)


def state(*headers: BatchHeader) -> ProducerState:
    """Producers that wrote these batches, one behind the other from offset 100 on."""
    producers = ProducerState(clock=VirtualClock(START_MS))
    offset = 100
    for each in headers:
        assert check(producers, each, log_start_offset=1) is None
        producers.update(each, offset)
        offset += each.last_offset_delta + 1
    return producers


def check(producers: ProducerState, header: BatchHeader, *, log_start_offset: int = 0) -> Duplicate | None:
    """Decide about a batch, in a log from which nothing was deleted."""
    return producers.check(header, log_start_offset=log_start_offset)


def refusal(producers: ProducerState, refused: BatchHeader) -> ErrorCode:
    """The error code with which a batch is refused."""
    with pytest.raises(BrokerError) as caught:
        check(producers, refused)
    return caught.value.code


def test_check_recognises_each_of_the_last_five_batches() -> None:
    """A producer has at most five requests in flight, so any of the five may be retried."""
    batches = [header(2 * number, 2) for number in range(6)]
    producers = state(*batches)

    assert [check(producers, each) for each in batches[1:]] == [
        Duplicate(base_offset=100 + 2 * number, last_offset=101 + 2 * number, timestamp_ms=START_MS)
        for number in range(1, 6)
    ]
    assert refusal(producers, batches[0]) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


@pytest.mark.parametrize("base_sequence", [1, 4, 5])
def test_check_refuses_a_gap_and_an_overlap(base_sequence: int) -> None:
    """After 0..2 only 3 may come: neither a part of an old batch nor a later one."""
    assert refusal(state(header(0, 3)), header(base_sequence, 3)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_check_does_not_take_half_a_batch_for_a_duplicate() -> None:
    """Same first sequence, other last one: that is not the batch that was written."""
    assert refusal(state(header(0, 3)), header(0, 2)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_check_believes_an_unknown_producer() -> None:
    """If records were deleted, its earlier ones may have been among them; else an earlier batch is late."""
    assert check(state(), header(17), log_start_offset=1) is None
    assert check(state(), header(0)) is None
    assert refusal(state(), header(17)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_sequence_numbers_wrap_around() -> None:
    """After 2^31 - 1 comes 0, within a batch and between batches."""
    inside = header(MAX_SEQUENCE - 1, 4)
    assert check(state(inside), header(2)) is None
    assert check(state(inside), inside) == (100, 103, START_MS)

    assert check(state(header(MAX_SEQUENCE)), header(0)) is None


def test_check_refuses_an_epoch_that_was_replaced() -> None:
    """A zombie with the old epoch must not write."""
    producers = state(header(0, epoch=3))

    assert refusal(producers, header(1, epoch=2)) == ErrorCode.INVALID_PRODUCER_EPOCH


def test_a_new_epoch_starts_at_zero() -> None:
    """And then the old batches are no duplicates any more."""
    producers = state(header(0, 5))

    assert refusal(producers, header(5, epoch=1)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert check(producers, header(0, 5, epoch=1)) is None
    producers.update(header(0, 5, epoch=1), 105)
    assert check(producers, header(0, 5, epoch=1)) == (105, 109, START_MS)


def test_expire_forgets_silent_producers_only() -> None:
    """After that any sequence number is believed again."""
    clock = VirtualClock(START_MS)
    producers = ProducerState(clock=clock)
    producers.update(header(5, producer_id=1), 0)
    clock.advance(1000)
    producers.update(header(5, producer_id=2), 1, max_timestamp_ms=START_MS + 1000)

    assert [producers.expire(1001), producers.expire(1000), len(producers)] == [0, 1, 1]
    assert check(producers, header(0, producer_id=1)) is None
    assert refusal(producers, header(0, producer_id=2)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_snapshot_has_kafkas_bytes() -> None:
    """Version 1, CRC-32C, then 42 bytes per producer, with no transaction in progress."""
    snapshot = state(header(7, 3, producer_id=0x0102, epoch=4)).snapshot()

    assert snapshot[:2] == b"\x00\x01"
    assert snapshot[6:] == bytes.fromhex(
        f"00000001 0000000000000102 0004 00000009 0000000000000066 00000002 {START_MS:016x} ffffffff {'ff' * 8}"
    )


def test_snapshot_keeps_what_the_next_batch_is_compared_with() -> None:
    """The last batch of each producer, and its epoch."""
    producers = state(header(0), header(1, 4), header(0, producer_id=2, epoch=1))
    again = ProducerState(clock=VirtualClock(START_MS))

    again.load_snapshot(producers.snapshot())

    assert len(again) == 2
    assert check(again, header(1, 4)) == (101, 104, START_MS)
    assert check(again, header(5)) is None
    assert refusal(again, header(0, 2)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert refusal(again, header(3, producer_id=2)) == ErrorCode.INVALID_PRODUCER_EPOCH


def test_snapshot_keeps_every_batch_that_may_be_sent_again() -> None:
    """A producer whose answers were lost sends its five batches again, also to a leader that was just started."""
    batches = [header(2 * number, 2) for number in range(6)]
    producers, again = state(*batches), ProducerState(clock=VirtualClock(START_MS))

    again.load_snapshot(producers.snapshot())

    assert [check(again, each) for each in batches[1:]] == [check(producers, each) for each in batches[1:]]
    assert refusal(again, batches[0]) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert again.snapshot() == producers.snapshot()


@given(position=st.integers(0, 51), length=st.integers(0, 51))
def test_snapshot_refuses_damage(position: int, length: int) -> None:
    """Any changed byte, any missing end."""
    good = state(header(0)).snapshot()
    changed = bytearray(good)
    changed[position] ^= 1
    producers = ProducerState(clock=VirtualClock(START_MS))

    for content in (bytes(changed), good[:length]):
        with pytest.raises(BadSnapshot):
            producers.load_snapshot(content)
        assert len(producers) == 0


@pytest.mark.parametrize("close", [True, False])
def test_log_knows_its_producers_after_a_restart(tmp_path: Path, close: bool) -> None:
    """From the snapshot after a clean shutdown, from the batch headers after a crash."""
    log = open_log(tmp_path / "t-0", segment_bytes=300)
    for sequence in range(9):
        append(log, batch([b"x" * 50], producer_id=4, producer_epoch=0, base_sequence=sequence))
    if close:
        log.close()

    again = open_log(tmp_path / "t-0")

    assert check(again.producers, header(8, producer_id=4)) == (8, 8, START_MS)
    assert check(again.producers, header(9, producer_id=4)) is None


def test_log_keeps_producers_whose_records_were_deleted(tmp_path: Path) -> None:
    """Retention must not make a retry look like a first attempt."""
    log = open_log(tmp_path / "t-0", retention_ms=0, file_delete_delay_ms=0)
    append(log, batch([b"a"], producer_id=4, producer_epoch=0, base_sequence=0))
    assert log.delete_old_segments(START_MS + 1)
    log.close()

    again = open_log(tmp_path / "t-0")

    assert again.size_bytes == 0
    assert check(again.producers, header(0, producer_id=4)) == (0, 0, START_MS)
