"""What consumers see of replicas: followers' reads, offsets after an election, deleted records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.config.broker_settings import RACK_AWARE
from kit.broker.storage import FileRange
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from kit.wire.records import iter_headers
from tests.support.replicas import TOPIC, Replicas

MakeReplicas = Callable[..., Replicas]
LATEST, EARLIEST, MAX_TIMESTAMP = -1, -2, -3


def last_offset(data: Any) -> int:
    """The last offset of a fetched partition, -1 when there is nothing."""
    records = data.records.read() if isinstance(data.records, FileRange) else bytes(data.records)
    return max((header.last_offset for _, header in iter_headers(records)), default=-1)


def list_offsets(replicas: Replicas, node_id: int, timestamp: int, *, version: int = 11) -> tuple[ErrorCode, int]:
    """The answer to ListOffsets for partition 0."""
    wanted = m.ListOffsetsPartition(partition_index=0, timestamp=timestamp)
    request = m.ListOffsetsRequest(replica_id=-1, topics=[m.ListOffsetsTopic(name=TOPIC, partitions=[wanted])])
    answer = replicas.ask(node_id, 2, request, version=version).topics[0].partitions[0]
    return ErrorCode(answer.error_code), answer.offset


# -- followers -------------------------------------------------------------------------------------------------------


def test_follower_serves_what_it_knows_to_be_committed(replicas: Replicas) -> None:
    """Up to its own high watermark, which is a little behind the leader's."""
    replicas.write(1, b"a")
    replicas.settle(20)
    replicas.cut |= {(1, 2)}
    replicas.write(1, b"b", acks=1)

    answer = replicas.fetch(2, 0)

    assert (answer.error_code, answer.high_watermark, last_offset(answer)) == (ErrorCode.NONE, 1, 0)


@pytest.mark.parametrize(("offset", "code"), [(1, ErrorCode.NONE), (2, ErrorCode.OFFSET_OUT_OF_RANGE)])
def test_follower_knows_only_its_own_log(replicas: Replicas, offset: int, code: ErrorCode) -> None:
    """Between high watermark and log end there is nothing to see yet; beyond, the consumer has to ask the leader."""
    replicas.cut |= {(3, 1)}
    replicas.produce(1, b"a", acks=1)
    replicas.settle()
    assert (replicas.partition(2).high_watermark, replicas.partition(2).log.log_end_offset) == (0, 1)

    answer = replicas.fetch(2, offset)

    assert (answer.error_code, answer.records) == (code, b"")


def test_consumer_before_version_11_cannot_read_from_a_follower(replicas: Replicas) -> None:
    """It could not tell a follower from a leader."""
    assert replicas.fetch(2, 0, version=10).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


def test_consumer_at_a_follower_waits_for_the_high_watermark(replicas: Replicas) -> None:
    """It is woken when the follower learns of it."""
    waiting = replicas.fetch(2, 0, max_wait_ms=10_000)
    replicas.write(1, b"a")
    assert not waiting.done

    replicas.settle(20)

    assert last_offset(waiting.value.responses[0].partitions[0]) == 0


# -- preferred replicas ----------------------------------------------------------------------------------------------


@pytest.fixture
def racked(make_replicas: MakeReplicas) -> Replicas:
    """Three brokers in racks of their own, one committed record."""
    replicas = make_replicas(replica_selector_class=RACK_AWARE)
    for node_id in (1, 2, 3):
        replicas.register(node_id, epoch=node_id * 10, rack=f"rack-{node_id}")
    replicas.create_topic(1, 2, 3)
    replicas.write(1, b"a")
    return replicas


def test_leader_sends_consumers_to_their_own_rack(racked: Replicas) -> None:
    """With an empty answer, at once."""
    answer = racked.fetch(1, 0, rack_id="rack-3", max_wait_ms=0)

    assert (answer.preferred_read_replica, answer.records) == (3, b"")


@pytest.mark.parametrize("rack_id", ["rack-1", "rack-9", ""])
def test_leader_keeps_consumers_who_have_nobody_nearer(racked: Replicas, rack_id: str) -> None:
    """Its own rack, one where no replica is, none at all."""
    answer = racked.fetch(1, 0, rack_id=rack_id)

    assert (answer.preferred_read_replica, last_offset(answer)) == (-1, 0)


def test_replica_out_of_sync_or_dead_is_not_preferred(racked: Replicas) -> None:
    """It would be behind for ever."""
    racked.change(isr=[1, 2])
    assert racked.fetch(1, 0, rack_id="rack-3").preferred_read_replica == -1
    racked.register(2, epoch=20, rack="rack-2", fenced=True)
    assert racked.fetch(1, 0, rack_id="rack-2").preferred_read_replica == -1


def test_racks_mean_nothing_without_a_selector(replicas: Replicas) -> None:
    """Kafka's default."""
    replicas.register(3, epoch=30, rack="rack-3")
    replicas.write(1, b"a")

    assert replicas.fetch(1, 0, rack_id="rack-3").preferred_read_replica == -1


# -- who leads -------------------------------------------------------------------------------------------------------


def test_refusals_name_the_leader(replicas: Replicas) -> None:
    """So that a client need not ask for metadata first (KIP-951)."""
    entry = m.PartitionProduceData(index=0, records=memoryview(b"x"))
    topic = m.TopicProduceData(name=TOPIC, partition_data=[entry])
    request = m.ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[topic])
    produced = replicas.ask(2, 0, request, version=12)
    stale = m.FetchPartition(partition=0, current_leader_epoch=0)
    replicas.change(leader=3)
    fetched = replicas.ask(
        1,
        1,
        m.FetchRequest(
            topics=[m.FetchTopic(topic=TOPIC, topic_id=replicas.image.topics[TOPIC].topic_id, partitions=[stale])]
        ),
        version=16,
    )

    for response, answer, leader in (
        (produced, produced.responses[0].partition_responses[0], (1, 0)),
        (fetched, fetched.responses[0].partitions[0], (3, 1)),
    ):
        assert (answer.current_leader.leader_id, answer.current_leader.leader_epoch) == leader
        assert [(each.node_id, each.port) for each in response.node_endpoints] == [(leader[0], 9000 + leader[0])]


# -- offsets after an election ---------------------------------------------------------------------------------------


def test_end_is_not_known_right_after_an_election(replicas: Replicas) -> None:
    """The new leader may have less of a high watermark than the old one had (KIP-207)."""
    replicas.write(1, b"a")  # the followers have it, and do not know yet that it is committed
    replicas.cut |= {(3, 2), (1, 2)}
    replicas.change(leader=2)

    assert list_offsets(replicas, 2, LATEST) == (ErrorCode.OFFSET_NOT_AVAILABLE, -1)
    assert list_offsets(replicas, 2, LATEST, version=4) == (ErrorCode.LEADER_NOT_AVAILABLE, -1)
    assert list_offsets(replicas, 2, MAX_TIMESTAMP) == (ErrorCode.OFFSET_NOT_AVAILABLE, -1)
    assert list_offsets(replicas, 2, EARLIEST) == (ErrorCode.NONE, 0)

    replicas.heal()
    replicas.settle(2000)
    assert list_offsets(replicas, 2, LATEST) == (ErrorCode.NONE, 1)
    assert list_offsets(replicas, 2, MAX_TIMESTAMP) == (ErrorCode.NONE, 0)


# -- deleting --------------------------------------------------------------------------------------------------------


def delete(replicas: Replicas, offset: int, *, timeout_ms: int = 1000) -> Any:
    """DeleteRecords for partition 0."""
    wanted = m.DeleteRecordsPartition(partition_index=0, offset=offset)
    topic = m.DeleteRecordsTopic(name=TOPIC, partitions=[wanted])
    return replicas.ask(1, 21, m.DeleteRecordsRequest(topics=[topic], timeout_ms=timeout_ms))


def test_deleting_waits_for_the_followers(replicas: Replicas) -> None:
    """The low watermark is that of all replicas that are alive."""
    replicas.write(1, b"a")
    replicas.write(1, b"b")
    replicas.settle(20)
    answer = delete(replicas, 1)
    assert not answer.done

    replicas.settle(20)

    result = answer.value.topics[0].partitions[0]
    assert (result.error_code, result.low_watermark) == (ErrorCode.NONE, 1)
    assert [replicas.partition(node_id).log.log_start_offset for node_id in (1, 2, 3)] == [1, 1, 1]


def test_deleting_does_not_wait_for_the_dead(replicas: Replicas) -> None:
    """They follow when they come back."""
    replicas.write(1, b"a")
    replicas.kill(3)
    replicas.change(isr=[1, 2])
    answer = delete(replicas, 1)
    replicas.settle(20)

    assert answer.value.topics[0].partitions[0].error_code == ErrorCode.NONE


def test_deleting_times_out(replicas: Replicas) -> None:
    """The leader's records are gone all the same."""
    replicas.write(1, b"a")
    replicas.cut |= {(3, 1)}
    answer = delete(replicas, 1)
    replicas.settle(1000)

    result = answer.value.topics[0].partitions[0]
    assert (result.error_code, result.low_watermark) == (ErrorCode.REQUEST_TIMED_OUT, 0)
    assert replicas.partition(1).log.log_start_offset == 1


def test_deleting_ends_with_the_leadership(replicas: Replicas) -> None:
    """Somebody else has to go on with it."""
    replicas.write(1, b"a")
    replicas.cut |= {(3, 1)}
    answer = delete(replicas, 1)

    replicas.change(leader=2)

    result = answer.value.topics[0].partitions[0]
    assert (result.error_code, result.low_watermark) == (ErrorCode.NOT_LEADER_OR_FOLLOWER, -1)
