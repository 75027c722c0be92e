"""The image of the cluster: a pure function of the records that were applied."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.metadata import BROKER_RESOURCE, NO_LEADER, TOPIC_RESOURCE, MetadataImage
from kit.wire import codec
from kit.wire import messages as m
from tests.support.metadata import apply_all, image_of

LISTENS = uuid.UUID(int=1)


def partition(index: int = 0, *, leader: int = 1, replicas: tuple[int, ...] = (1, 2)) -> m.PartitionRecord:
    """A partition of "listens"."""
    return m.PartitionRecord(
        partition_id=index,
        topic_id=LISTENS,
        replicas=list(replicas),
        isr=list(replicas),
        leader=leader,
        leader_epoch=0,
        partition_epoch=0,
    )


def setting(name: str, value: str | None, *, topic: str = "listens") -> m.ConfigRecord:
    """A setting of a topic, or its removal."""
    return m.ConfigRecord(resource_type=TOPIC_RESOURCE, resource_name=topic, name=name, value=value)


@pytest.fixture
def image() -> MetadataImage:
    """Brokers 1 to 3 and a topic "listens" of two partitions."""
    image = image_of(1, 2, 3)
    apply_all(image, [m.TopicRecord(name="listens", topic_id=LISTENS), partition(0), partition(1, leader=2)])
    return image


def test_image_finds_topics_by_name_and_id(image: MetadataImage) -> None:
    """Both ways lead to the same state."""
    assert image.topic_by_id(LISTENS) is image.topics["listens"]
    assert image.topic_by_id(uuid.UUID(int=2)) is None
    assert [state.partition for _, state in image.partitions()] == [0, 1]
    assert (image.partition("listens", 2), image.partition("plays", 0)) == (None, None)


def test_change_of_leader_begins_an_epoch(image: MetadataImage) -> None:
    """So does the same leader once more, as after a restart; a change of the ISR alone does not."""
    changes = [
        m.PartitionChangeRecord(partition_id=0, topic_id=LISTENS, isr=[1]),
        m.PartitionChangeRecord(partition_id=0, topic_id=LISTENS, leader=2, isr=[2]),
        m.PartitionChangeRecord(partition_id=0, topic_id=LISTENS, leader=2),
        m.PartitionChangeRecord(partition_id=0, topic_id=LISTENS, leader=NO_LEADER, replicas=[3, 2]),
    ]
    seen = []
    for change in changes:
        image.apply(change)
        state = image.topics["listens"].partitions[0]
        seen.append((state.leader, state.leader_epoch, state.partition_epoch, state.isr, state.replicas))

    assert seen == [
        (1, 0, 1, [1], [1, 2]),
        (2, 1, 2, [2], [1, 2]),
        (2, 2, 3, [2], [1, 2]),
        (NO_LEADER, 3, 4, [2], [3, 2]),
    ]


def test_removed_topic_takes_its_settings_along(image: MetadataImage) -> None:
    """A later topic of the same name begins with none."""
    apply_all(image, [setting("retention.ms", "1"), m.RemoveTopicRecord(topic_id=LISTENS)])

    assert (image.topics, image.topic_names, image.configs) == ({}, {}, {})


def test_settings_are_set_changed_and_removed(image: MetadataImage) -> None:
    """A null value removes one; each resource has its own."""
    apply_all(
        image,
        [
            setting("retention.ms", "1"),
            setting("retention.ms", "2"),
            setting("segment.ms", "3"),
            setting("segment.ms", None),
            setting("never.set", None, topic="plays"),
            m.ConfigRecord(resource_type=BROKER_RESOURCE, resource_name="", name="message.max.bytes", value="4"),
        ],
    )

    assert image.config(TOPIC_RESOURCE, "listens") == {"retention.ms": "2"}
    assert image.config(BROKER_RESOURCE, "") == {"message.max.bytes": "4"}
    assert image.config(BROKER_RESOURCE, "1") == {}


def test_fenced_broker_is_not_alive(image: MetadataImage) -> None:
    """It is still registered, with its address, and can come back under a new epoch."""
    end_points = [m.BrokerEndpoint(name="PLAINTEXT", host="h", port=1, security_protocol=0)]
    image.apply(m.RegisterBrokerRecord(broker_id=2, end_points=end_points, fenced=True))
    assert [each.node_id for each in image.alive_brokers()] == [1, 3]

    image.apply(m.RegisterBrokerRecord(broker_id=2, broker_epoch=5, end_points=end_points, fenced=False))

    assert [each.node_id for each in image.alive_brokers()] == [1, 2, 3]
    assert image.brokers[2].epoch == 5


def test_image_does_not_share_lists_with_the_records(image: MetadataImage) -> None:
    """Every node gets the same record objects; one node's image must not change another's."""
    replicas = [1, 2]
    change = m.PartitionChangeRecord(partition_id=0, topic_id=LISTENS, replicas=replicas, isr=replicas)
    image.apply(change)

    image.topics["listens"].partitions[0].isr.remove(2)

    assert (replicas, image.topics["listens"].partitions[0].replicas) == ([1, 2], [1, 2])


def test_image_refuses_a_record_it_does_not_know(image: MetadataImage) -> None:
    """Silence would let nodes drift apart."""
    with pytest.raises(KeyError):
        image.apply(m.MetadataRequest())


_changes = st.one_of(
    st.builds(setting, st.sampled_from(["a", "b"]), st.none() | st.text(max_size=3)),
    st.builds(
        m.PartitionChangeRecord,
        partition_id=st.integers(0, 1),
        topic_id=st.just(LISTENS),
        leader=st.integers(-2, 3),
        isr=st.none() | st.lists(st.integers(1, 3), max_size=3),
    ),
    st.builds(m.ProducerIdsRecord, next_producer_id=st.integers(0, 2**40)),
)


@given(changes=st.lists(_changes, max_size=12))
def test_image_from_encoded_records_is_the_same(changes: list[Any]) -> None:
    """What is replayed from the log gives what was known when it was written."""
    start = [m.TopicRecord(name="listens", topic_id=LISTENS), partition(0), partition(1)]
    live, replayed = image_of(1, 2, 3), image_of(1, 2, 3)

    apply_all(live, [*start, *changes])
    apply_all(replayed, [codec.decode_metadata_record(codec.encode_metadata_record(each)) for each in start + changes])

    assert (live.topics, live.configs, live.next_producer_id) == (
        replayed.topics,
        replayed.configs,
        replayed.next_producer_id,
    )
