"""Metadata images for tests of what the controller decides."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.topics import create_topics
from kit.broker.metadata import MetadataImage
from kit.wire import messages as m


def image_of(*node_ids: int, fenced: tuple[int, ...] = ()) -> MetadataImage:
    """An image with these brokers and no topics."""
    image = MetadataImage()
    for node_id in node_ids:
        end_point = m.BrokerEndpoint(name="PLAINTEXT", host="127.0.0.1", port=9000 + node_id, security_protocol=0)
        image.apply(m.RegisterBrokerRecord(broker_id=node_id, end_points=[end_point], fenced=node_id in fenced))
    return image


def topic(name: str, num_partitions: int = 1, replication_factor: int = 1, **configs: str | None) -> m.CreatableTopic:
    """A topic of a CreateTopics request; in the names of settings ``_`` stands for a dot."""
    return m.CreatableTopic(
        name=name,
        num_partitions=num_partitions,
        replication_factor=replication_factor,
        configs=[m.CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()],
    )


def manual_topic(name: str, assignments: list[tuple[int, list[int]]]) -> m.CreatableTopic:
    """A topic of a CreateTopics request whose replicas are assigned by hand, as (partition, broker ids)."""
    return m.CreatableTopic(
        name=name,
        num_partitions=-1,
        replication_factor=-1,
        assignments=[
            m.CreatableReplicaAssignment(partition_index=partition, broker_ids=broker_ids)
            for partition, broker_ids in assignments
        ],
    )


def apply_all(image: MetadataImage, records: list[Any]) -> None:
    """Let the image take over the records, as every node does."""
    for record in records:
        image.apply(record)


def with_topics(image: MetadataImage, *topics: m.CreatableTopic) -> MetadataImage:
    """The image after these topics were made; each of them must be possible."""
    random = Random(f"{len(image.topics)} {[topic.name for topic in topics]}")
    results, records = create_topics(image, BrokerConfig({}), m.CreateTopicsRequest(topics=list(topics)), random)
    assert [result.error_message for result in results] == [None] * len(topics)
    apply_all(image, records)
    return image


def with_partition(
    image: MetadataImage,
    name: str,
    replicas: list[int],
    isr: list[int],
    leader: int,
    **state: Any,
) -> MetadataImage:
    """The image after one partition was added to a topic, in exactly this state; the topic is made if need be.

    Args:
        state: other fields of `PartitionRecord`.
    """
    if name not in image.topics:
        image.apply(m.TopicRecord(name=name, topic_id=uuid.uuid5(uuid.NAMESPACE_DNS, name)))
    found = image.topics[name]
    fields: dict[str, Any] = {"leader_epoch": 5, "partition_epoch": 9, **state}
    record = m.PartitionRecord(
        partition_id=len(found.partitions), topic_id=found.topic_id, replicas=replicas, isr=isr, leader=leader, **fields
    )
    image.apply(record)
    return image
