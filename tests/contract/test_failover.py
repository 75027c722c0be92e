"""A broker that leads a partition and coordinates a group is killed, replaced, and comes back.

One failover, looked at from all sides: each fixture of this module's begins where the last one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import kit
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.conftest import make_whole
from tests.contract.group_talk import Groups, Joined
from tests.contract.talk import LATEST, Talk, batch
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
Unique = Callable[[str], str]
pytestmark = pytest.mark.brokers(3)


@dataclass
class Failover:
    """What is known of it.

    Attributes:
        victim: the broker that was killed.
        topic: led by it, min.insync.replicas=2.
        strict: led by another broker, min.insync.replicas=3.
        acknowledged: the values that were acknowledged with acks=all before.
        member: of the group that the victim coordinated.
        producer_id: of an idempotent producer that had sent one batch.
        num_strict: records in ``strict`` that came before it refused any.
    """

    talk: Talk
    groups: Groups
    victim: int
    others: list[int]
    topic: str
    strict: str
    acknowledged: list[bytes]
    member: Joined
    producer_id: int
    num_strict: int = 0

    def batch(self, value: bytes, sequence: int) -> bytes:
        """One of the idempotent producer's."""
        return batch(value, producer_id=self.producer_id, producer_epoch=0, base_sequence=sequence)


@pytest.fixture(scope="module")
def dead(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic, unique: Unique) -> Iterator[Failover]:
    """The victim is dead, and another broker leads."""
    groups, group_id = Groups(talk), unique("group")
    victim = groups.coordinator(group_id)
    others = [node_id for node_id in talk.node_ids if node_id != victim]
    topic = new_topic(replicas=[[victim, *others]])
    strict = new_topic(replicas=[[*others, victim]], config={"min.insync.replicas": "3"})
    member = groups.stable(group_id)
    assert groups.commit(group_id, topic, 3, member=member, note="before") == ErrorCode.NONE
    story = Failover(talk, groups, victim, others, topic, strict, [], member, talk.producer_id())
    for number in range(10):
        story.acknowledged.append(b"before-%d" % number)
        talk.write(topic, story.acknowledged[-1])
    assert talk.produce(topic, story.batch(b"once", 0)).base_offset == 10
    story.acknowledged.append(b"once")

    cluster.kill(victim)
    talk.wait_leads(topic, others[0])
    wait_until(lambda: len(talk.partition(strict).isr_nodes) == 2, "the victim to be out of the in-sync replicas")
    refused, story.num_strict = talk.write_until_refused(strict, batch(b"strict"), ErrorCode.NOT_ENOUGH_REPLICAS)
    assert refused.base_offset == -1
    yield story
    groups.close()
    make_whole(cluster, talk, topic, strict)


def test_new_leader_was_in_sync(dead: Failover) -> None:
    """The controller elects a living in-sync replica, the first in the order of replicas, in the next epoch."""
    found = dead.talk.partition(dead.topic)

    assert (found.leader_id, found.leader_epoch) == (dead.others[0], 1)
    assert sorted(found.isr_nodes) == sorted(dead.others)
    assert list(found.replica_nodes) == [dead.victim, *dead.others]
    assert list(found.offline_replicas) == [dead.victim]


def test_acknowledged_records_survive(dead: Failover) -> None:
    """With acks=all every in-sync replica had them, and so has the new leader, at the same offsets."""
    expected = list(enumerate(dead.acknowledged))

    def read() -> list[tuple[int, bytes | None]]:
        return [(record.offset, record.value) for record in dead.talk.read_all(dead.topic)]

    # A new leader learns with its followers' next fetches how far its high watermark is.
    wait_until(lambda: read()[: len(expected)] == expected, "all acknowledged records")


def test_producing_goes_on_at_the_new_leader(dead: Failover) -> None:
    """min.insync.replicas=2 is met by the two that are left; offsets go on without a gap."""
    first = dead.talk.write(dead.topic, b"after")

    assert dead.talk.write(dead.topic, b"after that") == first + 1
    in_log = dead.talk.read_all(dead.topic)
    assert [record.offset for record in in_log] == list(range(first + 2))
    assert [record.value for record in in_log[: len(dead.acknowledged)]] == dead.acknowledged


def test_duplicate_is_known_to_the_new_leader(dead: Failover) -> None:
    """What the old leader knew of producers is in the log, and so with its successor."""
    retried = dead.talk.produce(dead.topic, dead.batch(b"once", 0))

    assert (retried.error_code, retried.base_offset) == (ErrorCode.NONE, 10)
    assert dead.talk.produce(dead.topic, dead.batch(b"gap", 2)).error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert dead.talk.produce(dead.topic, dead.batch(b"next", 1)).error_code == ErrorCode.NONE


def test_client_with_the_old_epoch_is_fenced(dead: Failover) -> None:
    """It must look for the leader again (KIP-320)."""
    assert dead.talk.fetch(dead.topic, 0, epoch=0).error_code == ErrorCode.FENCED_LEADER_EPOCH
    assert dead.talk.offset_at(dead.topic, LATEST, epoch=0).error_code == ErrorCode.FENCED_LEADER_EPOCH
    assert dead.talk.fetch(dead.topic, 0, epoch=1).error_code == ErrorCode.NONE


def test_old_epoch_ends_where_the_new_leader_began(dead: Failover) -> None:
    """OffsetForLeaderEpoch tells a consumer whether what it read is still there (KIP-101)."""
    found = dead.talk.end_of_epoch(dead.topic, 0)

    assert (found.error_code, found.leader_epoch, found.end_offset) == (0, 0, len(dead.acknowledged))


def test_too_few_in_sync_replicas_refuse_before_the_append(dead: Failover) -> None:
    """acks=all with min.insync.replicas=3 and two in sync: NOT_ENOUGH_REPLICAS, and nothing gets into the log."""
    refused = dead.talk.produce(dead.strict, batch(b"refused"))
    taken = dead.talk.produce(dead.strict, batch(b"taken"), acks=1)

    assert (refused.error_code, refused.base_offset) == (ErrorCode.NOT_ENOUGH_REPLICAS, -1)
    assert (taken.error_code, taken.base_offset) == (ErrorCode.NONE, dead.num_strict)
    dead.num_strict += 1


def test_dead_broker_is_fenced(dead: Failover) -> None:
    """Metadata leaves it out, DescribeCluster shows it as fenced on demand (KIP-1073)."""
    living = dead.talk.ask(m.MetadataRequest(topics=[])).brokers
    everybody = dead.talk.ask(m.DescribeClusterRequest(include_fenced_brokers=True)).brokers

    assert sorted(each.node_id for each in living) == sorted(dead.others)
    assert {each.broker_id: each.is_fenced for each in everybody} == {
        node_id: node_id == dead.victim for node_id in (1, 2, 3)
    }


def test_dead_broker_still_gets_replicas(dead: Failover, unique: Unique) -> None:
    """What counts is who is registered: the dead broker copies when it comes back, and does not lead."""
    made = dead.talk.create(unique("wide"), copies=3, validate_only=True)

    assert (made.error_code, made.replication_factor) == (ErrorCode.NONE, 3)


def test_dead_broker_is_not_elected(dead: Failover) -> None:
    """The preferred leader must be alive and in sync."""
    assert elect(dead.talk, dead.topic) == ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE


def test_group_finds_another_coordinator(dead: Failover) -> None:
    """It is the new leader of the group's partition of the offsets topic, which has read what was committed."""
    group_id = dead.member.group_id

    assert dead.groups.coordinator(group_id) in dead.others
    found = dead.groups.committed(group_id, dead.topic)
    assert (found.committed_offset, found.metadata) == (3, "before")


def test_members_stay_in_their_generation(dead: Failover) -> None:
    """The new coordinator knows members and generation from the log: no rebalance, commits go on."""
    group_id = dead.member.group_id
    at_successor = dead.groups.member(
        group_id, member_id=dead.member.member_id, generation_id=dead.member.generation_id
    )

    assert dead.groups.describe(group_id).group_state == "Stable"
    assert dead.groups.heartbeat(at_successor) == ErrorCode.NONE
    assert dead.groups.sync(at_successor).assignment == b"share"
    assert dead.groups.commit(group_id, dead.topic, 5, member=at_successor) == ErrorCode.NONE


# -- back --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def back(cluster: kit.Cluster, dead: Failover) -> Failover:
    """The victim has come back and is in sync."""
    if not all(broker.is_alive for broker in cluster.brokers):
        cluster.restart(dead.victim)
    wait_until(lambda: len(dead.talk.partition(dead.topic).isr_nodes) == 3, "the victim to be in sync", timeout_s=60)
    wait_until(lambda: len(dead.talk.partition(dead.strict).isr_nodes) == 3, "the victim to be in sync", timeout_s=60)
    return dead


def test_old_leader_comes_back_as_a_follower(back: Failover) -> None:
    """Nothing changes for clients; it has copied what it missed."""
    assert back.talk.partition(back.topic).leader_id == back.others[0]
    expected = back.talk.read_all(back.topic)
    wait_until(
        lambda: back.talk.read_all(back.topic, node_id=back.victim) == expected, "the same records on the victim"
    )


def test_refused_write_is_taken_when_enough_are_in_sync_again(back: Failover) -> None:
    """A producer that tried again all the time succeeds."""

    def taken() -> Any:
        answer = back.talk.produce(back.strict, batch(b"taken"))
        if answer.error_code == ErrorCode.NONE:
            return answer
        # Other brokers may hear of the in-sync replica before the leader does.
        assert answer.error_code == ErrorCode.NOT_ENOUGH_REPLICAS
        return None

    assert wait_until(taken, "the write to be taken").base_offset == back.num_strict


def test_preferred_leader_is_elected_on_demand(back: Failover) -> None:
    """ElectLeaders gives the partition back to its first replica, in another epoch."""
    before = back.talk.partition(back.topic)
    assert elect(back.talk, back.topic) == ErrorCode.NONE

    wait_until(lambda: back.talk.partition(back.topic).leader_id == back.victim, "the preferred leader")
    assert back.talk.partition(back.topic).leader_epoch == before.leader_epoch + 1
    assert elect(back.talk, back.topic) == ErrorCode.ELECTION_NOT_NEEDED


def elect(talk: Talk, topic: str) -> int:
    """Ask for the election of the preferred leader; returns the partition's error code."""
    wanted = m.ElectLeadersRequest.TopicPartitions(topic=topic, partitions=[0])
    answer: Any = talk.ask(m.ElectLeadersRequest(election_type=0, topic_partitions=[wanted]))
    return int(answer.replica_election_results[0].partition_result[0].error_code)
