"""Long polls: what ends the wait of a fetch, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from kit.broker.deferred import Deferred
from kit.broker.partition import Partition
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import FETCH, MemoryCluster, batch_of

SIZE = len(batch_of(b"x" * 1000))


def records_bytes(answer: Deferred[Any]) -> list[int]:
    """How many bytes of records each topic of the answer has."""
    return [len(topic.partitions[0].records) for topic in answer.value.responses]


def produce(cluster: MemoryCluster, *, partition: int = 0) -> None:
    """One batch of `SIZE` bytes."""
    assert cluster.produce_code("listens", batch_of(b"x" * 1000), partition=partition) is ErrorCode.NONE


def test_wait_ends_with_an_append(cluster: MemoryCluster) -> None:
    """The record is there the moment it is written, not at the end of the wait."""
    begun_ms = cluster.clock.monotonic_ms()
    answer = cluster.ask_fetch(("listens", 0, 0), max_wait_ms=500)
    assert not answer.done

    produce(cluster)

    assert records_bytes(answer) == [SIZE]
    assert cluster.clock.monotonic_ms() == begun_ms


@pytest.mark.parametrize("version", [4, 18])
def test_wait_ends_after_max_wait_ms(cluster: MemoryCluster, version: int) -> None:
    """Then the answer is empty."""
    answer = cluster.ask_fetch(("listens", 0, 0), max_wait_ms=500, version=version)

    cluster.clock.advance(499)
    assert not answer.done
    cluster.clock.advance(1)

    assert records_bytes(answer) == [0]


def test_wait_is_for_min_bytes_of_all_partitions_together(cluster: MemoryCluster) -> None:
    """What comes to one partition counts for the other."""
    answer = cluster.ask_fetch(("listens", 0, 0), ("listens", 1, 0), max_wait_ms=500, min_bytes=3 * SIZE)
    produce(cluster)
    produce(cluster, partition=1)
    assert not answer.done

    produce(cluster)

    assert records_bytes(answer) == [2 * SIZE, SIZE]


def test_wait_without_min_bytes_gives_what_there_is(cluster: MemoryCluster) -> None:
    """Too little at the end of the wait is still something."""
    answer = cluster.ask_fetch(("listens", 0, 0), max_wait_ms=500, min_bytes=3 * SIZE)
    produce(cluster)
    cluster.clock.advance(500)

    assert records_bytes(answer) == [SIZE]


@pytest.mark.parametrize("limits", [{"min_bytes": 0}, {"max_wait_ms": 0}, {"max_wait_ms": -1}])
def test_no_wait_when_none_is_wanted(cluster: MemoryCluster, limits: dict[str, int]) -> None:
    """min_bytes 0 and max_wait_ms 0 both say: now."""
    assert cluster.ask_fetch(("listens", 0, 0), **{"max_wait_ms": 500, **limits}).done


def test_no_wait_for_nothing(cluster: MemoryCluster) -> None:
    """A fetch of no partitions has nothing to wait for."""
    answer = cluster.ask(1, FETCH, 12, m.FetchRequest(max_wait_ms=500, min_bytes=1))

    assert answer.value.responses == []


def test_no_wait_when_behind_in_an_older_segment(cluster: MemoryCluster) -> None:
    """What comes next goes to another segment and so to another answer: waiting for it would gain nothing."""
    cluster.create_topic("rolled", segment_bytes=1 << 20)
    for _ in range(3):
        cluster.produce("rolled", batch_of(b"x" * 600_000))

    answer = cluster.ask_fetch(("rolled", 0, 0), max_wait_ms=500, min_bytes=1 << 20)

    assert answer.done
    assert not cluster.ask_fetch(("rolled", 0, 3), max_wait_ms=500, min_bytes=1 << 20).done


@pytest.mark.parametrize(
    ("version", "expected"), [(12, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION), (13, ErrorCode.UNKNOWN_TOPIC_ID)]
)
def test_wait_ends_when_the_topic_is_deleted(cluster: MemoryCluster, version: int, expected: ErrorCode) -> None:
    """The consumer learns it at once."""
    answer = cluster.ask_fetch(("listens", 0, 0), ("listens", 1, 0), max_wait_ms=60_000, version=version)

    cluster.delete_topic("listens")

    assert [topic.partitions[0].error_code for topic in answer.value.responses] == [expected, expected]


@pytest.mark.parametrize(
    ("version", "epoch", "code"),
    [(10, -1, ErrorCode.NOT_LEADER_OR_FOLLOWER), (12, 0, ErrorCode.FENCED_LEADER_EPOCH)],
)
def test_wait_ends_when_another_leader_is_elected(
    cluster: MemoryCluster, version: int, epoch: int, code: ErrorCode
) -> None:
    """The client has to look for the new one; a newer client could go on at the follower, but its epoch is old."""
    answer = cluster.ask_fetch(("listens", 0, 0), max_wait_ms=60_000, version=version, current_leader_epoch=epoch)
    change = m.PartitionChangeRecord(partition_id=0, topic_id=cluster.topic_id("listens"), leader=-1)

    cluster.commit(change)

    assert answer.value.responses[0].partitions[0].error_code == code


def test_wait_ends_when_the_records_are_deleted(cluster: MemoryCluster) -> None:
    """A reader whose offset falls below the log start offset is told so when its time is up."""
    produce(cluster)
    answer = cluster.ask_fetch(("listens", 0, 0), max_wait_ms=500, min_bytes=2 * SIZE)
    cluster.partition("listens").delete_records(1)

    cluster.clock.advance(500)

    assert answer.value.responses[0].partitions[0].error_code == ErrorCode.OFFSET_OUT_OF_RANGE


def test_wait_leaves_nothing_behind(cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it ended: no timer goes off later, and no append looks for somebody who has his answer."""
    timers = cluster.clock.pending()
    for number in range(10):
        cluster.ask_fetch(("listens", 0, number), ("listens", 1, 0), max_wait_ms=500)
        produce(cluster)
    assert cluster.clock.pending() == timers
    cluster.ask_fetch(("listens", 0, 10), ("listens", 1, 0), max_wait_ms=500)
    cluster.clock.advance(500)
    reads: list[object] = []
    monkeypatch.setattr(Partition, "read", lambda *_, **__: reads.append(1))

    produce(cluster)
    produce(cluster, partition=1)

    assert reads == []


def test_every_waiting_consumer_gets_the_record(cluster: MemoryCluster) -> None:
    """One append answers all of them."""
    answers = [cluster.ask_fetch(("listens", 0, 0), max_wait_ms=500) for _ in range(20)]

    produce(cluster)

    assert [records_bytes(answer) for answer in answers] == [[SIZE]] * 20
