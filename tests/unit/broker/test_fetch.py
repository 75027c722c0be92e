"""What a fetch is answered with, and when: limits, offsets, errors, versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from kit.wire.records import iter_headers, read_records
from tests.support.memory_cluster import FETCH, MemoryCluster, batch_of

MakeCluster = Callable[..., MemoryCluster]
KILOBYTE = b"x" * 1000
SIZE = len(batch_of(KILOBYTE))


def offsets(data: bytes) -> list[int]:
    """The offsets of all records in fetched batches."""
    return [record.offset for position, _ in iter_headers(data) for record in read_records(data, position)]


def fill(cluster: MemoryCluster, topic: str, count: int, *, partition: int = 0) -> None:
    """Produce ``count`` batches of one record, `SIZE` bytes each."""
    for _ in range(count):
        assert cluster.produce_code(topic, batch_of(KILOBYTE), partition=partition) is ErrorCode.NONE


@pytest.mark.parametrize("version", range(4, 19))
def test_fetch_gives_whole_batches_in_every_version(cluster: MemoryCluster, version: int) -> None:
    """By name up to version 12, by id from 13 on; the bytes are those of the log."""
    cluster.produce("listens", batch_of(b"a", b"b"))
    cluster.produce("listens", batch_of(b"c", compression="gzip"))

    answer = cluster.fetch("listens", 0, version=version)

    assert offsets(bytes(answer.records)) == [0, 1, 2]
    assert (answer.error_code, answer.high_watermark, answer.last_stable_offset) == (ErrorCode.NONE, 3, 3)
    assert answer.log_start_offset == (0 if version >= 5 else -1)


@pytest.mark.parametrize("version", [4, 12, 13, 18])
def test_fetch_of_nothing_is_empty_and_not_null(cluster: MemoryCluster, version: int) -> None:
    """Null would be a broken answer to librdkafka."""
    answer = cluster.fetch("listens", 0, version=version)

    assert answer.records == b""
    assert answer.records is not None


@pytest.mark.parametrize(("isolation_level", "expected"), [(0, None), (1, [])])
def test_fetch_lists_aborted_transactions_to_those_who_read_committed(
    cluster: MemoryCluster, isolation_level: int, expected: list[object] | None
) -> None:
    """Both isolation levels read the same, as there are no transactions."""
    cluster.produce("listens", batch_of(b"a"))

    answer = cluster.fetch("listens", 0, isolation_level=isolation_level)

    assert answer.aborted_transactions == expected
    assert offsets(bytes(answer.records)) == [0]


# -- offsets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", range(3))
def test_fetch_in_the_middle_of_a_batch_gives_the_whole_batch(cluster: MemoryCluster, offset: int) -> None:
    """Batches are never cut; clients skip what they did not ask for."""
    cluster.produce("listens", batch_of(b"a", b"b", b"c"))

    assert offsets(bytes(cluster.fetch("listens", offset).records)) == [0, 1, 2]


@pytest.mark.parametrize("offset", [-1, 3, 2**62])
def test_fetch_out_of_range(cluster: MemoryCluster, offset: int) -> None:
    """Below the start or beyond the end; the end itself is the place to wait."""
    cluster.produce("listens", batch_of(b"a", b"b"))

    answer = cluster.fetch("listens", offset)

    assert answer.error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert (answer.high_watermark, answer.records) == (-1, b"")
    assert cluster.fetch("listens", 2).error_code == ErrorCode.NONE


def test_fetch_below_the_log_start_offset(cluster: MemoryCluster) -> None:
    """Deleted records are out of range, even when their batch is still on the disk."""
    cluster.produce("listens", batch_of(b"a", b"b", b"c"))
    cluster.partition("listens").delete_records(2)

    assert cluster.fetch("listens", 1).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    answer = cluster.fetch("listens", 2)
    assert (answer.log_start_offset, offsets(bytes(answer.records))) == (2, [0, 1, 2])


# -- how much --------------------------------------------------------------------------------------------------------


def test_fetch_stops_at_partition_max_bytes(cluster: MemoryCluster) -> None:
    """As many whole batches as fit."""
    fill(cluster, "listens", 5)

    answer = cluster.fetch("listens", 1, partition_max_bytes=3 * SIZE + 1)

    assert offsets(bytes(answer.records)) == [1, 2, 3]


@pytest.mark.parametrize("limit", [0, 1, SIZE - 1])
def test_fetch_gives_the_first_batch_even_if_it_is_larger_than_the_limits(cluster: MemoryCluster, limit: int) -> None:
    """Else a consumer with a small limit would be stuck for ever (KIP-74)."""
    fill(cluster, "listens", 2)

    assert offsets(bytes(cluster.fetch("listens", 0, partition_max_bytes=limit).records)) == [0]
    assert offsets(bytes(cluster.fetch("listens", 0, max_bytes=limit).records)) == [0]


def test_fetch_max_bytes_is_for_all_partitions_together(cluster: MemoryCluster) -> None:
    """Only the first partition with records may break the limit; the later ones get what is left."""
    fill(cluster, "listens", 3)
    fill(cluster, "listens", 3, partition=1)

    def counts(max_bytes: int) -> list[int]:
        response = cluster.ask_fetch(("listens", 0, 0), ("listens", 1, 0), max_bytes=max_bytes).value
        return [len(offsets(bytes(topic.partitions[0].records))) for topic in response.responses]

    assert counts(6 * SIZE) == [3, 3]
    assert counts(5 * SIZE + 1) == [3, 2]
    assert counts(4 * SIZE - 1) == [3, 0]
    assert counts(2 * SIZE) == [2, 0]
    assert counts(10) == [1, 0]


def test_fetch_never_exceeds_the_brokers_own_limit(make_cluster: MakeCluster) -> None:
    """fetch.max.bytes bounds the answer, and min_bytes beyond it are not waited for."""
    cluster = make_cluster(fetch_max_bytes=2 * SIZE)
    cluster.create_topic("listens")
    fill(cluster, "listens", 5)

    answer = cluster.ask_fetch(("listens", 0, 0), min_bytes=4 * SIZE, max_wait_ms=1000)

    assert offsets(bytes(answer.value.responses[0].partitions[0].records)) == [0, 1]


# -- errors ----------------------------------------------------------------------------------------------------------


def test_fetch_from_what_is_not_there(cluster: MemoryCluster) -> None:
    """An error is answered at once, however long the consumer would wait."""
    answer = cluster.ask_fetch(("listens", 0, 0), ("no-such-topic", 0, 0), ("listens", 9, 0), max_wait_ms=60_000)

    codes = [topic.partitions[0].error_code for topic in answer.value.responses]
    assert codes == [
        ErrorCode.NONE,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]


def test_fetch_of_an_unknown_topic_id(cluster: MemoryCluster) -> None:
    """The topic was deleted, or made anew under the same name."""
    wanted = m.FetchTopic(topic="listens", topic_id=m.NULL_UUID, partitions=[m.FetchPartition(partition=0)])

    response = cluster.send(1, FETCH, 13, m.FetchRequest(max_wait_ms=60_000, min_bytes=1, topics=[wanted]))

    assert response.responses[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


def test_fetch_from_a_broker_that_does_not_lead(make_cluster: MakeCluster) -> None:
    """The client's metadata is old."""
    cluster = make_cluster(brokers=2)
    cluster.create_topic("listens")

    answer = cluster.fetch("listens", 0, node_id=3 - cluster.leader("listens"))

    assert answer.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


@pytest.mark.parametrize(
    ("behind", "expected"),
    [(1, ErrorCode.FENCED_LEADER_EPOCH), (0, ErrorCode.NONE), (-1, ErrorCode.UNKNOWN_LEADER_EPOCH)],
)
@pytest.mark.parametrize("version", [9, 12, 18])
def test_fetch_compares_leader_epochs(cluster: MemoryCluster, behind: int, expected: ErrorCode, version: int) -> None:
    """A client with an older epoch is fenced, one with a newer epoch knows more than this broker (KIP-320)."""
    cluster.restart()
    epoch = cluster.partition("listens").leader_epoch

    answer = cluster.fetch("listens", 0, current_leader_epoch=epoch - behind, version=version)

    assert (epoch > 0, answer.error_code) == (True, expected)


def test_fetch_as_a_replica_is_refused(cluster: MemoryCluster) -> None:
    """Replication is not served yet, and a client that claims to be a broker must not move a high watermark."""
    request = m.FetchRequest(topics=[m.FetchTopic(topic="listens", partitions=[m.FetchPartition(partition=0)])])
    request.replica_id = 2
    response = cluster.send(1, FETCH, 12, request)

    assert (response.error_code, response.responses) == (ErrorCode.CLUSTER_AUTHORIZATION_FAILED, [])


@pytest.mark.parametrize(("version", "expected"), [(9, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE), (10, ErrorCode.NONE)])
def test_fetch_of_a_zstd_topic_needs_version_10(cluster: MemoryCluster, version: int, expected: ErrorCode) -> None:
    """Older consumers cannot know that zstd is a codec (KIP-110)."""
    cluster.create_topic("packed", compression_type="zstd")
    cluster.produce("packed", batch_of(b"a"))

    assert cluster.fetch("packed", 0, version=version).error_code == expected


# -- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("session_epoch", [0, -1])
@pytest.mark.parametrize("session_id", [0, 77])
def test_fetch_in_full_is_answered_without_a_session(
    cluster: MemoryCluster, session_id: int, session_epoch: int
) -> None:
    """Epoch 0 asks for a session and gets none; -1 wants none, and ends the one it names (KIP-227)."""
    cluster.produce("listens", batch_of(b"a"))

    response = cluster.ask_fetch(("listens", 0, 0), session_id=session_id, session_epoch=session_epoch).value

    assert (response.error_code, response.session_id) == (ErrorCode.NONE, 0)
    assert offsets(bytes(response.responses[0].partitions[0].records)) == [0]


@pytest.mark.parametrize("session_id", [0, 77])
def test_fetch_cannot_go_on_with_a_session_that_was_never_granted(cluster: MemoryCluster, session_id: int) -> None:
    """As Kafka when it has forgotten the session; the client then asks in full."""
    response = cluster.ask_fetch(("listens", 0, 0), session_id=session_id, session_epoch=1).value

    assert (response.error_code, response.responses) == (ErrorCode.FETCH_SESSION_ID_NOT_FOUND, [])
