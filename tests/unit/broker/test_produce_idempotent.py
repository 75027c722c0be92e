"""Retries of idempotent producers: each record is appended once and in order (KIP-98)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import MemoryCluster, batch_of

MAX_SEQUENCE = 2**31 - 1


def send(cluster: MemoryCluster, sequence: int, *values: bytes, epoch: int = 0) -> tuple[ErrorCode, int]:
    """Produce as producer 7; returns the error code and the base offset."""
    data = batch_of(*values, producer_id=7, producer_epoch=epoch, base_sequence=sequence)
    answer = cluster.produce("listens", data)
    assert answer is not None
    return ErrorCode(answer.error_code), answer.base_offset


def delete_one_record(cluster: MemoryCluster) -> None:
    """Have a record deleted, so that the log no longer begins with offset 0."""
    cluster.produce("listens", batch_of(b"gone"))
    cluster.partition("listens").delete_records(-1)


def test_duplicate_gets_the_original_offset(cluster: MemoryCluster) -> None:
    """A retry of any of the last five batches is acknowledged and not appended again."""
    offsets = [send(cluster, 2 * number, b"a%d" % number, b"b%d" % number) for number in range(5)]

    retried = [send(cluster, 2 * number, b"a%d" % number, b"b%d" % number) for number in range(5)]

    assert retried == offsets == [(ErrorCode.NONE, 2 * number) for number in range(5)]
    assert len(cluster.values("listens")) == 10


def test_duplicate_older_than_five_batches_is_out_of_order(cluster: MemoryCluster) -> None:
    """Nobody can tell any more where it went."""
    for number in range(6):
        send(cluster, number, b"a")

    assert send(cluster, 0, b"a") == (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1)


def test_duplicate_of_another_length_is_out_of_order(cluster: MemoryCluster) -> None:
    """It is not the batch that was sent before."""
    send(cluster, 0, b"a", b"b")

    assert send(cluster, 0, b"a") == (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1)


def test_gap_is_out_of_order(cluster: MemoryCluster) -> None:
    """A batch before this one is missing; nothing is appended until it comes."""
    send(cluster, 0, b"a")

    assert send(cluster, 2, b"c") == (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
    assert send(cluster, 1, b"b") == (ErrorCode.NONE, 1)
    assert cluster.values("listens") == [b"a", b"b"]


def test_sequence_wraps(cluster: MemoryCluster) -> None:
    """After 2^31 - 1 comes 0, within a batch and between two."""
    delete_one_record(cluster)

    assert send(cluster, MAX_SEQUENCE - 1, b"a", b"b", b"c") == (ErrorCode.NONE, 1)  # the third one has number 0
    assert send(cluster, 1, b"d") == (ErrorCode.NONE, 4)
    assert send(cluster, MAX_SEQUENCE - 1, b"a", b"b", b"c") == (ErrorCode.NONE, 1)


def test_new_epoch_starts_at_0_and_ends_the_old_one(cluster: MemoryCluster) -> None:
    """A zombie of the old epoch is fenced; a new epoch that does not begin at 0 has lost something."""
    send(cluster, 0, b"a")

    assert send(cluster, 1, b"b", epoch=1) == (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
    assert send(cluster, 0, b"b", epoch=1) == (ErrorCode.NONE, 1)
    assert send(cluster, 1, b"z", epoch=0) == (ErrorCode.INVALID_PRODUCER_EPOCH, -1)
    assert cluster.values("listens") == [b"a", b"b"]


def test_unknown_producer_may_start_anywhere_when_records_were_deleted(cluster: MemoryCluster) -> None:
    """Its earlier ones may have been among them."""
    delete_one_record(cluster)

    assert send(cluster, 1234, b"a") == (ErrorCode.NONE, 1)


def test_unknown_producer_starts_at_0_when_nothing_was_deleted(cluster: MemoryCluster) -> None:
    """What comes before is late: refused before, or still under way to the last leader. It must not become a gap."""
    assert send(cluster, 1, b"b") == (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
    assert send(cluster, 0, b"a") == (ErrorCode.NONE, 0)
    assert send(cluster, 1, b"b") == (ErrorCode.NONE, 1)


def test_sequences_are_per_partition(cluster: MemoryCluster) -> None:
    """Each partition counts for itself."""
    data = batch_of(b"a", producer_id=7, producer_epoch=0, base_sequence=0)
    first = cluster.produce("listens", bytes(data), partition=0)
    second = cluster.produce("listens", bytes(data), partition=1)

    assert first is not None
    assert second is not None
    assert (first.base_offset, second.base_offset) == (0, 0)
    assert (cluster.values("listens"), cluster.values("listens", partition=1)) == ([b"a"], [b"a"])


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_duplicate_is_recognised_after_a_restart(cluster: MemoryCluster, how: str) -> None:
    """The sequence numbers are in the log, so a retry that was under way when the broker went down is safe."""
    send(cluster, 0, b"a")
    send(cluster, 1, b"b")

    getattr(cluster, how)()

    assert send(cluster, 1, b"b") == (ErrorCode.NONE, 1)
    assert send(cluster, 2, b"c") == (ErrorCode.NONE, 2)
    assert cluster.values("listens") == [b"a", b"b", b"c"]


def test_idle_producer_is_forgotten(make_cluster: Callable[..., MemoryCluster]) -> None:
    """After producer.id.expiration.ms its sequence numbers are free to start anywhere, and not before."""
    cluster = make_cluster(producer_id_expiration_ms=90_000, log_retention_check_interval_ms=30_000)
    cluster.create_topic("listens")
    send(cluster, 0, b"a")
    cluster.clock.advance(80_000)
    assert send(cluster, 5, b"b")[0] is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER

    cluster.clock.advance(40_000)

    assert send(cluster, 5, b"b") == (ErrorCode.NONE, 1)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries=st.lists(st.integers(0, 7), min_size=1, max_size=40))
def test_retries_in_any_order_never_repeat_or_lose(cluster: MemoryCluster, tries: list[int]) -> None:
    """Whatever is sent again, the log has what was acknowledged once and in order, from number 0 on."""
    start = cluster.partition("listens").log.log_end_offset
    producer_id = start + 1000  # another one in each example
    appended = 0
    for sequence in tries:
        data = batch_of(b"%d" % sequence, producer_id=producer_id, producer_epoch=0, base_sequence=sequence)
        answer = cluster.produce("listens", data)
        assert answer is not None
        if answer.error_code == ErrorCode.NONE:
            assert answer.base_offset - start == sequence
            appended = max(appended, answer.base_offset - start + 1)

    assert cluster.values("listens", start) == [b"%d" % index for index in range(appended)]
