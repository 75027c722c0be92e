"""Leaders cut off, followers that stand still, brokers that are stopped: what is kept, what is lost, what is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

import kit
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.conftest import make_whole, not_the_controller
from tests.contract.talk import LATEST, Talk, batch
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
pytestmark = pytest.mark.brokers(3)


# -- isolate and heal -------------------------------------------------------------------------


@dataclass
class Isolated:
    """An isolated leader and its successor; ``answers`` are those of the isolated one, by what was asked."""

    talk: Talk
    old: int
    new: int
    topic: str
    answers: dict[str, tuple[int, int]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def healed(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic) -> Iterator[Isolated]:
    """A leader was cut off from the others, wrote alone, was replaced, and follows its successor now."""
    old = not_the_controller(cluster, 1)[0]
    others = [node_id for node_id in talk.node_ids if node_id != old]
    topic = new_topic(replicas=[[old, *others]])
    talk.write(topic, b"everybody has it")
    story = Isolated(talk, old, others[0], topic)

    cluster.isolate(old)
    for name, acks in (("one", 1), ("all", -1)):
        answer = talk.produce(topic, batch(b"alone, acks=%d" % acks), node_id=old, acks=acks, timeout_ms=500)
        story.answers[name] = answer.error_code, answer.base_offset
    talk.wait_leads(topic, others[0])
    answer = talk.produce(topic, batch(b"at the successor"), node_id=others[0])
    story.answers["successor"] = answer.error_code, answer.base_offset
    seen = talk.fetch(topic, 0, node_id=old)
    story.answers["watermark"] = seen.error_code, seen.high_watermark

    cluster.heal()
    wait_until(lambda: len(talk.partition(topic, node_id=story.new).isr_nodes) == 3, "all in sync", timeout_s=60)
    wait_until(lambda: talk.partition(topic, node_id=old).leader_id == story.new, "the old leader to know")
    yield story
    make_whole(cluster, talk, topic)


def test_isolated_leader_takes_what_it_alone_acknowledges(healed: Isolated) -> None:
    """With acks=1 a leader that does not know yet that it was replaced acknowledges."""
    assert healed.answers["one"] == (ErrorCode.NONE, 1)


def test_isolated_leader_cannot_acknowledge_for_all(healed: Isolated) -> None:
    """acks=all waits for followers that do not come, until the request's own timeout."""
    assert healed.answers["all"][0] == ErrorCode.REQUEST_TIMED_OUT


def test_isolated_leader_shows_consumers_nothing_new(healed: Isolated) -> None:
    """Its high watermark stands still: what only it has is not committed."""
    assert healed.answers["watermark"] == (ErrorCode.NONE, 1)


def test_successor_uses_the_same_offset_again(healed: Isolated) -> None:
    """Offset 1 was acknowledged twice: by the isolated leader with acks=1, and by its successor with acks=all."""
    assert healed.answers["successor"] == (ErrorCode.NONE, 1)


def test_what_the_isolated_leader_took_alone_is_lost(healed: Isolated) -> None:
    """After the network is whole it truncates its log to where the histories part, and copies the successor's."""
    expected = [b"everybody has it", b"at the successor"]

    assert [record.value for record in healed.talk.read_all(healed.topic)] == expected
    wait_until(
        lambda: healed.talk.values(healed.topic, node_id=healed.old) == expected, "the same records on the old leader"
    )


def test_replaced_leader_refuses_and_names_its_successor(healed: Isolated) -> None:
    """NOT_LEADER_OR_FOLLOWER with the leader and its epoch (KIP-951)."""
    answer = healed.talk.produce(healed.topic, batch(b"late"), node_id=healed.old)

    assert answer.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert (answer.current_leader.leader_id, answer.current_leader.leader_epoch) == (healed.new, 1)


def test_epochs_tell_where_the_histories_part(healed: Isolated) -> None:
    """Epoch 0 ends at offset 1 for the successor: whoever read more of it has read what is lost."""
    found = healed.talk.end_of_epoch(healed.topic, 0)

    assert (found.leader_epoch, found.end_offset) == (0, 1)
    assert healed.talk.offset_at(healed.topic, LATEST).leader_epoch == 1


# -- a follower that stands still -------------------------------------------------------------


@dataclass
class Paused:
    """A follower is paused; min.insync.replicas=3.

    Attributes:
        answers: the leader's, by what was asked.
        num_late: records that the leader took before it refused any.
    """

    talk: Talk
    topic: str
    answers: dict[str, tuple[int, int]] = field(default_factory=dict)
    num_late: int = 0


@pytest.fixture(scope="module")
def paused(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic) -> Iterator[Paused]:
    """It is out of the in-sync replicas; a write that waited for it has been answered."""
    victim, leader = not_the_controller(cluster, 2)
    others = [node_id for node_id in talk.node_ids if node_id not in (victim, leader)]
    topic = new_topic(replicas=[[leader, *others, victim]], config={"min.insync.replicas": "3"})
    talk.write(topic, b"everybody has it")
    story = Paused(talk, topic)

    cluster.pause(victim)
    waiting = talk.connect(leader)
    waiting.send(talk.produce_request(topic, batch(b"waits for the victim"), timeout_ms=6_000), 12)
    wait_until(lambda: len(talk.partition(topic, node_id=leader).isr_nodes) == 2, "the victim to be out")
    refused, story.num_late = talk.write_until_refused(topic, batch(b"late"), ErrorCode.NOT_ENOUGH_REPLICAS)
    story.answers["all"] = refused.error_code, refused.base_offset
    answer = talk.produce(topic, batch(b"acks=1"), acks=1)
    story.answers["one"] = answer.error_code, answer.base_offset
    seen = talk.fetch(topic, 0, node_id=leader)
    story.answers["watermark"] = seen.error_code, seen.high_watermark
    waited = waiting.receive().responses[0].partition_responses[0]
    waiting.close()
    story.answers["waited"] = waited.error_code, waited.base_offset
    yield story
    make_whole(cluster, talk, topic)


def test_write_that_waited_for_a_lost_replica_is_in_the_log(paused: Paused) -> None:
    """Since 3.7 it times out, for nothing becomes committed; before, it was NOT_ENOUGH_REPLICAS_AFTER_APPEND."""
    assert paused.answers["waited"][0] == ErrorCode.REQUEST_TIMED_OUT


def test_next_write_is_refused_before_the_append(paused: Paused) -> None:
    """Now it is known beforehand."""
    assert paused.answers["all"] == (ErrorCode.NOT_ENOUGH_REPLICAS, -1)


def test_acks_1_does_not_care_how_many_are_in_sync(paused: Paused) -> None:
    """Only acks=all does; the offset shows that the refused write is not in the log and the one before it is."""
    assert paused.answers["one"] == (ErrorCode.NONE, 2 + paused.num_late)


def test_high_watermark_waits_for_min_insync_replicas(paused: Paused) -> None:
    """Since 3.7 (KIP-966) nothing becomes readable while fewer are in sync than min.insync.replicas."""
    assert paused.answers["watermark"] == (ErrorCode.NONE, 1)


def test_everything_in_the_log_becomes_readable_again(cluster: kit.Cluster, paused: Paused) -> None:
    """When the follower goes on it catches up, and what was written meanwhile is committed, the doubtful write too."""
    make_whole(cluster, paused.talk, paused.topic)
    expected = [b"everybody has it", b"waits for the victim", *[b"late"] * paused.num_late, b"acks=1"]

    wait_until(lambda: paused.talk.values(paused.topic) == expected, "all of them")


# -- controlled shutdown ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def stopped(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic) -> Iterator[tuple[Talk, int, str]]:
    """A leader was stopped as an administrator stops it."""
    victim = not_the_controller(cluster, 1)[0]
    others = [node_id for node_id in talk.node_ids if node_id != victim]
    topic = new_topic(replicas=[[victim, *others]])
    talk.write(topic, b"before")
    cluster.stop(victim)
    yield talk, victim, topic
    make_whole(cluster, talk, topic)


def test_stopped_leader_has_handed_over(stopped: tuple[Talk, int, str]) -> None:
    """It left leadership and in-sync replicas before it ended: writing goes on at once."""
    talk, victim, topic = stopped
    leader = talk.leader(topic)
    assert leader != victim
    talk.wait_leads(topic, leader)
    assert talk.write(topic, b"after") == 1
    assert talk.values(topic) == [b"before", b"after"]


def test_broker_that_comes_back_catches_up(cluster: kit.Cluster, stopped: tuple[Talk, int, str]) -> None:
    """It was away in an orderly way and copies what it missed."""
    talk, victim, topic = stopped
    make_whole(cluster, talk, topic)
    expected = talk.values(topic)

    wait_until(lambda: talk.values(topic, node_id=victim) == expected, "the same records on the stopped one")


# -- other replicas ------------------------------------------------------------------------------------------------


def reassign(talk: Talk, topic: str, *replicas: int) -> int:
    """Ask for other replicas; returns the partition's error code."""
    request = m.AlterPartitionReassignmentsRequest
    place = request.ReassignablePartition(partition_index=0, replicas=list(replicas))
    answer = talk.ask(request(topics=[request.ReassignableTopic(name=topic, partitions=[place])]))
    return int(answer.responses[0].partitions[0].error_code)


def test_partition_moves_to_other_brokers_with_its_records(talk: Talk, new_topic: NewTopic) -> None:
    """AlterPartitionReassignments (KIP-455): the new replicas copy, then the old ones go, the leader among them."""
    topic = new_topic(replicas=[[1, 2]])
    talk.write(topic, b"a", b"b")

    assert reassign(talk, topic, 3, 2) == ErrorCode.NONE
    wait_until(lambda: list(talk.partition(topic).replica_nodes) == [3, 2], "the move")
    talk.wait_usable(topic)

    listed = talk.ask(m.ListPartitionReassignmentsRequest(topics=None, timeout_ms=30_000))
    assert topic not in [each.name for each in listed.topics]
    assert talk.leader(topic) in (2, 3)
    # A new leader learns with its followers' next fetches how far its high watermark is.
    wait_until(lambda: talk.values(topic) == [b"a", b"b"], "both records")
    assert talk.write(topic, b"c") == 2


def test_partition_gets_more_replicas(talk: Talk, new_topic: NewTopic) -> None:
    """A reassignment may change how many there are; the leader stays."""
    topic = new_topic(replicas=[[1]])
    talk.write(topic, b"a")

    assert reassign(talk, topic, 1, 2, 3) == ErrorCode.NONE
    wait_until(lambda: sorted(talk.partition(topic).isr_nodes) == [1, 2, 3], "three in sync")
    assert talk.leader(topic) == 1
    wait_until(lambda: talk.values(topic, node_id=3) == [b"a"], "the record on the third")
