"""Reading from followers (KIP-392)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, TopicPartition

import kit
from kit.wire.errors import ErrorCode
from tests.contract.talk import LATEST, Talk
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
pytestmark = pytest.mark.brokers(3)


@pytest.fixture(scope="module")
def led_by_1(talk: Talk, new_topic: NewTopic) -> str:
    """A topic on the brokers 1, 2 and 3, with two records that all of them have, and know that all have."""
    topic = new_topic(replicas=[[1, 2, 3]])
    talk.write(topic, b"a", b"b")
    for follower in (2, 3):
        wait_until(lambda node_id=follower: talk.fetch(topic, 0, node_id=node_id).high_watermark == 2, "the follower")
    return topic


@pytest.mark.parametrize(("rack", "preferred"), [("rack-2", 2), ("rack-3", 3), ("rack-1", -1), ("moon", -1), ("", -1)])
def test_leader_sends_consumers_to_the_replica_in_their_rack(
    talk: Talk, led_by_1: str, rack: str, preferred: int
) -> None:
    """With replica.selector.class; from the leader's own rack, an unknown one or none they read from the leader."""
    found = talk.fetch(led_by_1, 0, node_id=1, rack_id=rack)

    assert (found.error_code, found.preferred_read_replica) == (ErrorCode.NONE, preferred)
    assert (len(bytes(found.records or b"")) > 0) == (preferred == -1)


def test_replica_that_has_not_got_so_far_is_not_preferred(talk: Talk, led_by_1: str) -> None:
    """At the end of the log everybody in sync has got so far; beyond it the offset is out of range."""

    def preferred() -> int:
        return int(talk.fetch(led_by_1, 2, node_id=1, rack_id="rack-2").preferred_read_replica)

    wait_until(lambda: preferred() == 2, "the leader to know that the follower has got to the end")
    assert talk.fetch(led_by_1, 3, node_id=1, rack_id="rack-2").error_code == ErrorCode.OFFSET_OUT_OF_RANGE


def test_follower_serves_consumers_up_to_its_high_watermark(talk: Talk, led_by_1: str) -> None:
    """Also one that knows nothing of racks."""
    assert [talk.values(led_by_1, node_id=node_id) for node_id in (2, 3)] == [[b"a", b"b"]] * 2


def test_follower_does_not_know_the_end_of_the_log(talk: Talk, led_by_1: str) -> None:
    """ListOffsets and OffsetForLeaderEpoch are the leader's to answer."""
    assert talk.offset_at(led_by_1, LATEST, node_id=2).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert talk.end_of_epoch(led_by_1, 0, node_id=2).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


def test_offset_beyond_a_followers_end_is_out_of_range(talk: Talk, led_by_1: str) -> None:
    """A consumer asks the leader then."""
    assert talk.fetch(led_by_1, 9, node_id=2).error_code == ErrorCode.OFFSET_OUT_OF_RANGE


def test_broker_without_a_replica_serves_nobody(talk: Talk, new_topic: NewTopic) -> None:
    """From version 16 on it names the leader (KIP-951)."""
    topic = new_topic(replicas=[[1, 2]])
    request = talk.fetch_request(topic, 0)
    request.topics[0].topic_id = talk.topic(topic).topic_id

    old, new = (talk.ask(request, 3, version) for version in (12, 16))

    for answer, leader in ((old, (-1, -1)), (new, (1, 0))):
        found = answer.responses[0].partitions[0]
        assert found.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (found.current_leader.leader_id, found.current_leader.leader_epoch) == leader
    assert [each.node_id for each in new.node_endpoints] == [1]


def test_old_consumer_reads_from_the_leader_only(talk: Talk, led_by_1: str) -> None:
    """Before version 11 a consumer could not know that it reads from a follower."""
    request = talk.fetch_request(led_by_1, 0)

    for version, expected in ((10, ErrorCode.NOT_LEADER_OR_FOLLOWER), (11, ErrorCode.NONE)):
        assert talk.ask(request, 2, version).responses[0].partitions[0].error_code == expected


def test_consumer_with_a_rack_reads_everything(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic) -> None:
    """An ordinary consumer follows the leader's advice and misses nothing."""
    topic = new_topic(replicas=[[1, 2, 3]])
    talk.write(topic, b"a", b"b")
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap_servers, "group.id": "not-joined", "client.rack": "rack-3"}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    read: list[bytes] = []

    def poll(count: int) -> bool:
        read.extend(message.value() for message in consumer.consume(num_messages=10, timeout=0.1))
        return len(read) >= count

    wait_until(lambda: poll(2), "two records", pause_s=0)
    talk.write(topic, b"c")
    wait_until(lambda: poll(3), "the third record", pause_s=0)
    consumer.close()

    assert read == [b"a", b"b", b"c"]
