"""Offsets by time, and where leader epochs end."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from crc32c import crc32c

from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import Record
from tests.support.memory_cluster import LIST_OFFSETS, START_MS, MemoryCluster, batch_of

MakeCluster = Callable[..., MemoryCluster]
OFFSET_FOR_LEADER_EPOCH = 23
LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, PENDING_UPLOAD = range(-1, -7, -1)


def ask(
    cluster: MemoryCluster,
    timestamp_ms: int,
    *,
    topic: str = "listens",
    partition: int = 0,
    version: int = 11,
    epoch: int = -1,
    node_id: int | None = None,
) -> m.ListOffsetsPartitionResponse:
    """Ask for one offset."""
    wanted = m.ListOffsetsPartition(partition_index=partition, current_leader_epoch=epoch, timestamp=timestamp_ms)
    request = m.ListOffsetsRequest(replica_id=-1, topics=[m.ListOffsetsTopic(name=topic, partitions=[wanted])])
    response = cluster.send(node_id or cluster.leader(topic, partition), LIST_OFFSETS, version, request)
    answer = response.topics[0].partitions[0]
    assert isinstance(answer, m.ListOffsetsPartitionResponse)
    return answer


def found(answer: m.ListOffsetsPartitionResponse) -> tuple[ErrorCode, int, int]:
    """(error, timestamp, offset) of an answer."""
    return ErrorCode(answer.error_code), answer.timestamp, answer.offset


@pytest.fixture
def filled(cluster: MemoryCluster) -> MemoryCluster:
    """Partition 0 of "listens" has timestamps 10, 30, 20 (one batch) and 25, 30 (another) after the start."""
    for codec_name, times in (("none", (10, 30, 20)), ("zstd", (25, 30))):
        records = [Record(0, START_MS + time_ms, b"k", b"v") for time_ms in times]
        cluster.produce("listens", build_batch(records, compression=codec_name))
    return cluster


@pytest.mark.parametrize("version", range(1, 12))
def test_list_offsets_latest_and_earliest(filled: MemoryCluster, version: int) -> None:
    """The ends of the partition, with the leader epoch from version 4 on."""
    filled.partition("listens").delete_records(2)
    latest, earliest = ask(filled, LATEST, version=version), ask(filled, EARLIEST, version=version)

    assert (found(latest), found(earliest)) == ((ErrorCode.NONE, -1, 5), (ErrorCode.NONE, -1, 2))
    epoch = filled.partition("listens").leader_epoch if version >= 4 else -1
    assert (latest.leader_epoch, earliest.leader_epoch) == (epoch, epoch)


@pytest.mark.parametrize(
    ("after_ms", "expected_ms", "offset"), [(-5, 10, 0), (10, 10, 0), (11, 30, 1), (20, 30, 1), (30, 30, 1)]
)
@pytest.mark.parametrize("version", [1, 4, 11])
def test_list_offsets_by_timestamp(
    filled: MemoryCluster, after_ms: int, expected_ms: int, offset: int, version: int
) -> None:
    """The first record, by offset, that is as late or later; its own timestamp comes with it."""
    answer = ask(filled, START_MS + after_ms, version=version)

    assert found(answer) == (ErrorCode.NONE, START_MS + expected_ms, offset)


def test_list_offsets_by_timestamp_skips_deleted_records(filled: MemoryCluster) -> None:
    """Offset 1 had the time, but it is below the log start offset now; offset 4 is in a compressed batch."""
    filled.partition("listens").delete_records(2)

    assert found(ask(filled, START_MS + 26)) == (ErrorCode.NONE, START_MS + 30, 4)


def test_list_offsets_by_timestamp_later_than_all(filled: MemoryCluster) -> None:
    """There is no such record."""
    assert found(ask(filled, START_MS + 31)) == (ErrorCode.NONE, -1, -1)


def test_list_offsets_max_timestamp(filled: MemoryCluster) -> None:
    """The first record with the largest timestamp (KIP-734); of an empty partition there is none."""
    assert found(ask(filled, MAX_TIMESTAMP)) == (ErrorCode.NONE, START_MS + 30, 1)
    assert found(ask(filled, MAX_TIMESTAMP, partition=1)) == (ErrorCode.NONE, -1, -1)


def test_list_offsets_of_tiered_storage(filled: MemoryCluster) -> None:
    """There is none: everything is local, nothing is in remote storage."""
    assert found(ask(filled, EARLIEST_LOCAL)) == (ErrorCode.NONE, -1, 0)
    assert found(ask(filled, LATEST_TIERED)) == (ErrorCode.NONE, -1, -1)
    assert found(ask(filled, PENDING_UPLOAD)) == (ErrorCode.NONE, -1, -1)


@pytest.mark.parametrize(
    ("timestamp_ms", "version"),
    [(MAX_TIMESTAMP, 6), (EARLIEST_LOCAL, 7), (LATEST_TIERED, 8), (PENDING_UPLOAD, 10), (-7, 11), (-(2**63), 11)],
)
def test_list_offsets_special_times_have_versions(filled: MemoryCluster, timestamp_ms: int, version: int) -> None:
    """A special time from before its version, or one without a meaning, is refused."""
    assert found(ask(filled, timestamp_ms, version=version)) == (ErrorCode.UNSUPPORTED_VERSION, -1, -1)


@pytest.mark.parametrize(
    ("topic", "partition", "epoch", "expected"),
    [
        ("no-such-topic", 0, -1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("listens", 2, -1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("listens", 0, 99, ErrorCode.UNKNOWN_LEADER_EPOCH),
    ],
)
def test_list_offsets_errors(
    filled: MemoryCluster, topic: str, partition: int, epoch: int, expected: ErrorCode
) -> None:
    """Each partition has its own error."""
    assert found(ask(filled, LATEST, topic=topic, partition=partition, epoch=epoch)) == (expected, -1, -1)


def test_list_offsets_from_a_broker_that_does_not_lead(make_cluster: MakeCluster) -> None:
    """The client's metadata is old."""
    cluster = make_cluster(brokers=2)
    cluster.create_topic("listens")

    answer = ask(cluster, LATEST, node_id=3 - cluster.leader("listens"))

    assert answer.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


def test_list_offsets_refuses_a_partition_asked_for_twice(filled: MemoryCluster) -> None:
    """Which of the two answers would be meant?"""
    wanted = [m.ListOffsetsPartition(partition_index=index, timestamp=LATEST) for index in (0, 1, 0)]
    request = m.ListOffsetsRequest(topics=[m.ListOffsetsTopic(name="listens", partitions=wanted)])

    answers = filled.send(1, LIST_OFFSETS, 5, request).topics[0].partitions

    assert [each.error_code for each in answers] == [
        ErrorCode.INVALID_REQUEST,
        ErrorCode.NONE,
        ErrorCode.INVALID_REQUEST,
    ]


def test_list_offsets_by_timestamp_in_a_batch_that_cannot_be_opened(cluster: MemoryCluster) -> None:
    """A producer can put nonsense into a sound batch; only who looks inside finds it."""
    data = batch_of(b"a" * 20, compression="gzip")
    data[-20:] = bytes(20)
    struct.pack_into(">I", data, 17, crc32c(memoryview(data)[21:]))
    assert cluster.produce_code("listens", data) is ErrorCode.NONE

    assert found(ask(cluster, START_MS)) == (ErrorCode.CORRUPT_MESSAGE, -1, -1)
    assert found(ask(cluster, LATEST)) == (ErrorCode.NONE, -1, 1)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_offset_for_leader_epoch(cluster: MemoryCluster, version: int) -> None:
    """Each epoch ends where the next one began; the current one at the end of the log (KIP-320)."""
    cluster.produce("listens", batch_of(b"a", b"b"))
    first = cluster.partition("listens").leader_epoch
    cluster.restart()
    cluster.produce("listens", batch_of(b"c"))
    second = cluster.partition("listens").leader_epoch

    def end_of(epoch: int, *, topic: str = "listens", current: int = -1) -> tuple[int, int, int]:
        wanted = m.OffsetForLeaderPartition(partition=0, leader_epoch=epoch, current_leader_epoch=current)
        request = m.OffsetForLeaderEpochRequest(
            replica_id=-1, topics=[m.OffsetForLeaderTopic(topic=topic, partitions=[wanted])]
        )
        (answer,) = cluster.send(1, OFFSET_FOR_LEADER_EPOCH, version, request).topics[0].partitions
        return answer.error_code, answer.leader_epoch, answer.end_offset

    assert end_of(first) == (ErrorCode.NONE, first, 2)
    assert end_of(second) == (ErrorCode.NONE, second, 3)
    assert end_of(second + 1) == (ErrorCode.NONE, -1, -1)
    assert end_of(first, topic="no-such-topic") == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1)
    assert end_of(first, current=first) == (ErrorCode.FENCED_LEADER_EPOCH, -1, -1)
