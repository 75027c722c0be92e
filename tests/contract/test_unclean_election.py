"""The last in-sync replica dies: no leader, or one that lost records, if an administrator wants that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

import kit
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.conftest import make_whole, not_the_controller
from tests.contract.talk import Talk, batch
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
pytestmark = pytest.mark.brokers(3)
_PREFERRED, _UNCLEAN = 0, 1


@dataclass
class Leaderless:
    """A partition on two brokers: ``last`` was the last one in sync and is dead, ``behind`` lacks a record."""

    talk: Talk
    topic: str
    last: int
    behind: int

    def elect(self, kind: int) -> int:
        """Ask for an election; returns the partition's error code."""
        wanted = m.ElectLeadersRequest.TopicPartitions(topic=self.topic, partitions=[0])
        answer = self.talk.ask(m.ElectLeadersRequest(election_type=kind, topic_partitions=[wanted]))
        return int(answer.replica_election_results[0].partition_result[0].error_code)


@pytest.fixture(scope="module")
def leaderless(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic) -> Iterator[Leaderless]:
    """The follower was cut off from the leader, which acknowledged one more record, alone in sync, and died."""
    last, behind = not_the_controller(cluster, 2)
    topic = new_topic(replicas=[[last, behind]], config={"min.insync.replicas": "1"})
    talk.write(topic, b"on both")
    cluster.cut({last}, {behind})
    # Who cannot fetch is in sync as long as there is nothing to fetch.
    assert talk.produce(topic, batch(b"on one")).error_code == ErrorCode.NONE
    wait_until(lambda: list(talk.partition(topic, node_id=last).isr_nodes) == [last], "the follower to be out")
    cluster.kill(last)
    cluster.heal()
    living = [node_id for node_id in talk.node_ids if node_id != last]
    wait_until(lambda: all(talk.partition(topic, node_id=each).leader_id == -1 for each in living), "no leader")
    yield Leaderless(talk, topic, last, behind)
    make_whole(cluster, talk, topic)


def test_partition_without_an_in_sync_replica_has_no_leader(leaderless: Leaderless) -> None:
    """Consistency goes before availability: the living replica lacks a record that was acknowledged."""
    found = leaderless.talk.partition(leaderless.topic)

    assert (found.error_code, found.leader_id) == (ErrorCode.LEADER_NOT_AVAILABLE, -1)
    assert (list(found.isr_nodes), list(found.offline_replicas)) == ([], [leaderless.last])


def test_dead_replica_that_has_everything_may_lead_again(leaderless: Leaderless) -> None:
    """It is an eligible leader replica (KIP-966), which is what there is instead of an in-sync one."""
    request = m.DescribeTopicPartitionsRequest
    answer = leaderless.talk.ask(request(topics=[request.TopicRequest(name=leaderless.topic)]))

    assert list(answer.topics[0].partitions[0].eligible_leader_replicas) == [leaderless.last]


def test_nobody_takes_records_for_a_partition_without_a_leader(leaderless: Leaderless) -> None:
    """The living replica is a follower without a leader."""
    refused = leaderless.talk.produce(leaderless.topic, batch(b"x"), node_id=leaderless.behind)

    assert refused.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


def test_preferred_leader_that_is_dead_is_not_elected(leaderless: Leaderless) -> None:
    """A clean election has nobody to choose."""
    assert leaderless.elect(_PREFERRED) == ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE


def test_unclean_election_loses_what_only_the_dead_replica_has(cluster: kit.Cluster, leaderless: Leaderless) -> None:
    """ElectLeaders makes a replica that is not in sync the leader (KIP-460); the old leader follows and truncates."""
    talk, topic = leaderless.talk, leaderless.topic
    assert leaderless.elect(_UNCLEAN) == ErrorCode.NONE
    talk.wait_leads(topic, leaderless.behind)
    written = talk.write(topic, b"instead")

    assert written == 1
    make_whole(cluster, talk, topic)
    expected = [b"on both", b"instead"]
    assert talk.values(topic) == expected
    wait_until(lambda: talk.values(topic, node_id=leaderless.last) == expected, "the same on the old leader")
