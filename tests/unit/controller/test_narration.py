"""What a student reads of the controller's decisions."""

from __future__ import annotations

from typing import Any

from kit.broker.clock import VirtualClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.brokers import fence_broker, register_broker, unfence_broker
from kit.broker.controller.isr import alter_partition
from kit.broker.controller.leaders import ElectionType, elect_leaders
from kit.broker.controller.narration import notes_on
from kit.broker.controller.reassignments import alter_partition_reassignments
from kit.broker.metadata import NO_LEADER, MetadataImage
from kit.broker.timeline import Timeline
from kit.wire import messages as m
from tests.support.metadata import image_of, with_partition

REGISTRATION = m.BrokerRegistrationRequest(
    broker_id=1,
    listeners=[m.BrokerRegistrationRequest.Listener(name="PLAINTEXT", host="127.0.0.1", port=9092)],
)


def told(image: MetadataImage, records: list[Any]) -> list[str]:
    """The sentences that stand in the timeline after the records were committed."""
    timeline = Timeline(VirtualClock())
    timeline.tell([(0, [])])
    timeline.tell([(1, notes_on(image, records))])
    return [event.text for event in timeline]


def test_fencing_is_told_with_what_follows(config: BrokerConfig) -> None:
    """The partitions' new leaders are there because of the broker, and so come after it."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1, 2], 1)
    assert told(image, fence_broker(image, config, 1)) == [
        "Broker 1 was fenced: no heartbeat came in time.",
        "a-0: broker 2 leads in epoch 6 (before: 1; broker 1 was fenced).",
        "a-0: the in-sync replicas are [2] (before: [1, 2]).",
        "a-0: out of sync but complete are [1] (before: []).",
    ]


def test_lost_leader_is_told(config: BrokerConfig) -> None:
    """With the reason why nobody leads."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1], 1)
    assert told(image, fence_broker(image, config, 1))[1] == "a-0: no leader; broker 1 was fenced."


def test_shutdown_is_told(config: BrokerConfig) -> None:
    """A broker that leaves by itself was not silent."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1, 2, 3], 1)
    hand_over = [m.BrokerRegistrationChangeRecord(broker_id=1, in_controlled_shutdown=1)]
    assert told(image, hand_over) == ["Broker 1 hands over its partitions before it stops."]
    sentences = told(image, fence_broker(image, config, 1, is_leaving=True))
    assert sentences[:2] == [
        "Broker 1 was fenced: it shut down.",
        "a-0: broker 2 leads in epoch 6 (before: 1; broker 1 is shutting down).",
    ]


def test_return_is_told_with_whom_it_gives_leaders(config: BrokerConfig) -> None:
    """How much the new leader has is part of the story."""
    image = image_of(1, 2, fenced=(1,))
    with_partition(image, "a", [1, 2], [], NO_LEADER, eligible_leader_replicas=[1], last_known_elr=[1])
    with_partition(image, "a", [1, 2], [], NO_LEADER, last_known_elr=[1])
    assert [sentence for sentence in told(image, unfence_broker(image, config, 1)) if "epoch" in sentence] == [
        f"a-{partition}: broker 1 leads in epoch 6 (before: -1; {what}; broker 1 is back)."
        for partition, what in enumerate(
            (
                "it was out of sync, but has every committed record",
                "it led last, and nobody else is known to have more",
            )
        )
    ]


def test_restart_after_a_crash_is_told(config: BrokerConfig) -> None:
    """Also that it was fenced by that, when nobody had missed it yet."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1, 2, 3], 1)
    image.brokers[1].incarnation_id = image.topics["a"].topic_id
    _, records = register_broker(image, config, REGISTRATION, cluster_id="", next_offset=10, is_alive=False)
    sentences = told(image, records)
    assert sentences == [
        "Broker 1 was fenced: its last process is gone, another one registered.",
        "Broker 1 registered with epoch 11.",
        "a-0: broker 2 leads in epoch 6 (before: 1; broker 1 was started again).",
        "a-0: the in-sync replicas are [2, 3] (before: [1, 2, 3]).",
    ]
    image.brokers[1].set_fenced(True)
    assert told(image, records) == sentences[1:]


def test_asked_for_elections_are_told(config: BrokerConfig) -> None:
    """Preferred ones, and unclean ones with their price."""
    image = with_partition(image_of(1, 2), "a", [1, 2], [1, 2], 2)
    _, records = elect_leaders(image, config, m.ElectLeadersRequest(topic_partitions=None))
    assert told(image, records) == ["a-0: broker 1 leads in epoch 6 (before: 2; it is the preferred leader)."]
    with_partition(image, "b", [1, 2], [], NO_LEADER)
    request = m.ElectLeadersRequest(election_type=ElectionType.UNCLEAN, topic_partitions=None)
    _, records = elect_leaders(image, config, request)
    assert told(image, records)[0] == (
        "b-0: broker 1 leads in epoch 6 (before: -1; unclean election: it was out of sync, records may be lost)."
    )


def test_reassignment_is_told(config: BrokerConfig) -> None:
    """That the leader has a new epoch because of it, too."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2], [1, 2], 1)
    asked = [m.ReassignablePartition(partition_index=0, replicas=replicas) for replicas in ([1, 3], [1])]
    begin, shrink = (
        alter_partition_reassignments(
            image,
            config,
            m.AlterPartitionReassignmentsRequest(topics=[m.ReassignableTopic(name="a", partitions=[each])]),
        )[1]
        for each in asked
    )
    assert told(image, begin) == ["a-0: replicas [1, 3, 2] (adding [3], removing [2])."]
    assert told(image, shrink) == [
        "a-0: broker 1 leads in epoch 6 (before: 1; the same leader, the replicas were moved).",
        "a-0: the in-sync replicas are [1] (before: [1, 2]).",
        "a-0: replicas [1] (adding [], removing []).",
    ]


def test_leader_that_came_into_sync_by_the_end_of_a_move_is_no_unclean_one(config: BrokerConfig) -> None:
    """The record that makes it the leader also says that it has everything."""
    image = with_partition(
        image_of(1, 2, 3, 4, 5),
        "a",
        [4, 5, 1, 2, 3],
        [1, 2, 3, 5],
        1,
        adding_replicas=[4, 5],
        removing_replicas=[1, 2, 3],
    )
    state, topic_id = image.topics["a"].partitions[0], image.topics["a"].topic_id
    wanted = m.AlterPartitionRequest.PartitionData(
        partition_index=0,
        leader_epoch=state.leader_epoch,
        partition_epoch=state.partition_epoch,
        new_isr_with_epochs=[m.AlterPartitionRequest.BrokerState(broker_id=node_id) for node_id in (1, 2, 3, 4, 5)],
    )
    topic = m.AlterPartitionRequest.TopicData(topic_id=topic_id, partitions=[wanted])
    request = m.AlterPartitionRequest(broker_id=1, broker_epoch=image.brokers[1].epoch, topics=[topic])
    _, records = alter_partition(image, config, request, 3)
    assert told(image, records)[0] == "a-0: broker 4 leads in epoch 6 (before: 1; the replicas were moved)."


def test_records_of_one_batch_are_told_one_after_the_other() -> None:
    """A second change of a partition begins where the first one ended."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1, 2, 3], 1)
    topic_id = image.topics["a"].topic_id
    records = [m.PartitionChangeRecord(partition_id=0, topic_id=topic_id, isr=isr) for isr in ([1, 2], [1])]
    assert told(image, records) == [
        "a-0: the in-sync replicas are [1, 2] (before: [1, 2, 3]).",
        "a-0: the in-sync replicas are [1] (before: [1, 2]).",
    ]


def test_what_is_the_same_is_not_told(config: BrokerConfig) -> None:
    """Neither a registration repeated by the same process, nor topics and settings."""
    image = image_of(1)
    _, records = register_broker(image, config, REGISTRATION, cluster_id="", next_offset=10, is_alive=True)
    assert len(records) == 1
    assert told(image, [*records, m.NoOpRecord(), m.TopicRecord(name="a")]) == []
