"""The metadata image: what a node knows of the cluster, and how each record changes it.

Rules for the file: an image changes by `MetadataImage.apply` alone, with the records of KRaft's metadata log, and
`apply` is a pure function of the image and the record. So every node that applied the same records knows the same.
Source: KIP-500, KIP-631 (the records), Kafka's ``org.apache.kafka.image``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kit.wire import messages as m

NO_LEADER = -1
LEADER_UNCHANGED = -2  # PartitionChangeRecord.leader: the leader stays and its epoch too
TOPIC_RESOURCE = 2
BROKER_RESOURCE = 4

METADATA_TOPIC = "__cluster_metadata"
CONSUMER_OFFSETS_TOPIC = "__consumer_offsets"
INTERNAL_TOPICS = frozenset({CONSUMER_OFFSETS_TOPIC, "__transaction_state"})


class TopicPartition(NamedTuple):
    """A topic's name and a partition's number."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


@dataclass(slots=True)
class PartitionState:
    """Who serves a partition, as the controller has decided."""

    partition: int
    replicas: list[int]
    isr: list[int]
    leader: int
    leader_epoch: int
    partition_epoch: int

    @property
    def offline_replicas(self) -> list[int]:
        """The replicas that nobody can reach: with one copy each, all of them or none."""
        return self.replicas if self.leader == NO_LEADER else []


@dataclass(slots=True)
class TopicState:
    """A topic and its partitions, by partition number."""

    name: str
    topic_id: uuid.UUID
    partitions: dict[int, PartitionState] = field(default_factory=dict)

    @property
    def is_internal(self) -> bool:
        """Whether Kafka itself keeps its state in this topic."""
        return self.name in INTERNAL_TOPICS


@dataclass(slots=True)
class BrokerState:
    """A registered broker and where clients reach it."""

    node_id: int
    epoch: int
    host: str
    port: int
    rack: str | None = None
    fenced: bool = False


class MetadataImage:
    """Brokers, topics, configs and the next producer id, as of the last applied record."""

    def __init__(self) -> None:
        self.brokers: dict[int, BrokerState] = {}
        self.topics: dict[str, TopicState] = {}
        self.topic_names: dict[uuid.UUID, str] = {}
        self.configs: dict[tuple[int, str], dict[str, str]] = {}
        self.next_producer_id = 0
        self._appliers: dict[type, Callable[[Any], None]] = {
            m.RegisterBrokerRecord: self._register_broker,
            m.TopicRecord: self._add_topic,
            m.PartitionRecord: self._add_partition,
            m.PartitionChangeRecord: self._change_partition,
            m.RemoveTopicRecord: self._remove_topic,
            m.ConfigRecord: self._set_config,
            m.ProducerIdsRecord: self._set_next_producer_id,
        }

    def apply(self, record: Any) -> None:
        """Change the image by one metadata record; ``KeyError`` for a record that this code does not know."""
        self._appliers[type(record)](record)

    def alive_brokers(self) -> list[BrokerState]:
        """The brokers that are registered and not fenced, by node id."""
        return [self.brokers[node_id] for node_id in sorted(self.brokers) if not self.brokers[node_id].fenced]

    def topic_by_id(self, topic_id: uuid.UUID) -> TopicState | None:
        """The topic with this id, if it exists."""
        name = self.topic_names.get(topic_id)
        return None if name is None else self.topics[name]

    def partition(self, topic: str, partition: int) -> PartitionState | None:
        """The state of one partition, if it exists."""
        state = self.topics.get(topic)
        return None if state is None else state.partitions.get(partition)

    def partitions(self) -> Iterator[tuple[TopicState, PartitionState]]:
        """Every partition of every topic."""
        for topic in self.topics.values():
            for partition in topic.partitions.values():
                yield topic, partition

    def config(self, resource_type: int, name: str) -> dict[str, str]:
        """The settings put on one resource (defaults not included)."""
        return self.configs.get((resource_type, name), {})

    def _register_broker(self, record: m.RegisterBrokerRecord) -> None:
        end_point = record.end_points[0]
        self.brokers[record.broker_id] = BrokerState(
            record.broker_id, record.broker_epoch, end_point.host, end_point.port, record.rack, record.fenced
        )

    def _add_topic(self, record: m.TopicRecord) -> None:
        self.topics[record.name] = TopicState(record.name, record.topic_id)
        self.topic_names[record.topic_id] = record.name

    def _add_partition(self, record: m.PartitionRecord) -> None:
        topic = self.topics[self.topic_names[record.topic_id]]
        topic.partitions[record.partition_id] = PartitionState(
            record.partition_id,
            list(record.replicas),
            list(record.isr),
            record.leader,
            record.leader_epoch,
            record.partition_epoch,
        )

    def _change_partition(self, record: m.PartitionChangeRecord) -> None:
        topic = self.topics[self.topic_names[record.topic_id]]
        state = topic.partitions[record.partition_id]
        if record.replicas is not None:
            state.replicas = list(record.replicas)
        if record.isr is not None:
            state.isr = list(record.isr)
        if record.leader != LEADER_UNCHANGED:
            state.leader = record.leader
            state.leader_epoch += 1
        state.partition_epoch += 1

    def _remove_topic(self, record: m.RemoveTopicRecord) -> None:
        name = self.topic_names.pop(record.topic_id)
        del self.topics[name]
        self.configs.pop((TOPIC_RESOURCE, name), None)

    def _set_config(self, record: m.ConfigRecord) -> None:
        key = (record.resource_type, record.resource_name)
        settings = self.configs.setdefault(key, {})
        if record.value is None:
            settings.pop(record.name, None)
        else:
            settings[record.name] = record.value
        if not settings:
            del self.configs[key]

    def _set_next_producer_id(self, record: m.ProducerIdsRecord) -> None:
        self.next_producer_id = record.next_producer_id
